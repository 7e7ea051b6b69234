"""Ten thousand forged tokens among a thousand good ones: none of the first gets in, every one of
the second does, and nothing falls over."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import responses
from hookwork import EHR, NOW, Door, bundle, patient, view
from signing import AUD, BASE, ISS, JKU, KIDS, claims, header, key, key_set, part, raw, sign, token

from smartapp.cds import Client
from smartapp.knowledge import Knowledge

HOSTILE, GOOD = 10_000, 1_000
SERVICE = "/hpg/cds-services/hpg-patient-view"
AT = int(NOW.timestamp())
BODY = json.dumps(view({"patient": patient(), "hormones": bundle()})).encode()

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, "", "x", [], {}, [[]], [None], {"a": 1}, "\x00", "é" * 40, "Å",
    "NaN", 1e18, -1e18, 2**63, 2**64, 10**300,
)  # fmt: skip
HUGE = ("1e300", "1e999", "-1e999", "9" * 300, "1" + "0" * 5000, "NaN", "Infinity", "-Infinity")

Rng = random.Random
Forger = Callable[[Rng], str]


def _by(rng: Rng) -> str:
    return rng.choice(("p384", "rsa"))


def wrong_audience(rng: Rng) -> str:
    wrong = rng.choice(
        (
            AUD + "/",
            AUD + "?x=1",
            AUD.replace("https", "http"),
            AUD.upper(),
            AUD + "/feedback",
            BASE,
            f"{BASE}/cds-services",
            f"{BASE}/cds-services/hpg-order-sign",
            AUD[: rng.randrange(len(AUD))],
            " " + AUD,
            [AUD + "/"],
            [],
        )
    )
    return token(_by(rng), aud=wrong)


def odd_type(rng: Rng) -> str:
    name = rng.choice(("iss", "aud", "exp", "iat", "jti"))
    odd = rng.choice([v for v in ODD if not (name == "jti" and isinstance(v, str) and v)])
    return sign(header(by := _by(rng)), {**claims(), name: odd}, by)


def missing(rng: Rng) -> str:
    return token(_by(rng), **{rng.choice(("iss", "aud", "exp", "iat", "jti")): None})


def huge_number(rng: Rng) -> str:
    name, by = rng.choice(("exp", "iat", "nbf")), _by(rng)
    said = json.dumps({**claims(), name: 0}).replace(
        f'"{name}": 0', f'"{name}": {rng.choice(HUGE)}'
    )
    return sign(header(by), said.encode(), by)


def out_of_time(rng: Rng) -> str:
    started, life = rng.choice(
        ((-4000, 300), (-360, 300), (61, 300), (600, 300), (0, 3601), (0, 10**8), (0, 0), (0, -5))
    )
    return token(_by(rng), iat=AT + started, exp=AT + started + life)


def not_yet(rng: Rng) -> str:
    return token(_by(rng), nbf=AT + rng.randrange(61, 10**6))


def stranger(rng: Rng) -> str:
    iss = rng.choice(
        (ISS + "/", ISS.upper(), ISS[:-1], "https://evil.example", f"{ISS}@evil.example", " " + ISS)
    )
    return token(_by(rng), iss=iss)


def another_tenant(rng: Rng) -> str:
    return token(_by(rng), tenant=rng.choice(("b", "hospital-b", "", "HOSPITAL-A", 7, ["x"])))


def own_key(rng: Rng) -> str:
    """Signed by the forger under a kid of the EHR's; sometimes he brings the key along."""
    by = _by(rng)
    forger = key(f"{by}-forger")
    brings = rng.choice(
        (
            {},
            {"jwk": forger.as_dict(private=False)},
            {"jku": JKU},
            {"jku": "https://evil.example/jwks.json"},
            {"x5u": "https://evil.example/cert.pem"},
            {"x5c": ["MIIBIjANBgkqh"]},
        )
    )
    kid = rng.choice((KIDS[by], "unknown", "../../../etc/passwd", "ec-1' OR '1'='1", "k" * 400))
    return sign(header(by, kid=kid, **brings), claims(), forger)


def other_address_of_keys(rng: Rng) -> str:
    jku = rng.choice(("https://evil.example/jwks.json", JKU + "/", JKU + "#x", JKU.upper()))
    return sign(header(by := _by(rng), jku=jku), claims(), by)


def unlisted_algorithm(rng: Rng) -> str:
    name, by, kid = rng.choice(
        (
            ("RS256", "rsa", KIDS["rsa"]),
            ("RS512", "rsa", KIDS["rsa"]),
            ("PS384", "rsa", KIDS["rsa"]),
            ("ES256", "p256", KIDS["p384"]),
        )
    )
    return sign(header(by, alg=name, kid=kid), claims(), by)


def confused_key(rng: Rng) -> str:
    """Another kind of key, or another curve, under the kid and algorithm of the right one."""
    by, kid = rng.choice((("rsa", KIDS["p384"]), ("p384", KIDS["rsa"])))
    return sign(header(by, kid=kid), claims(), by)


def public_key_as_secret(rng: Rng) -> str:
    by = _by(rng)
    public = key(by)
    secret = rng.choice(
        (
            public.as_pem(private=False),
            public.as_pem(private=False).strip(),
            public.as_der(private=False),
            json.dumps(public.as_dict(private=False)).encode(),
            b"",
        )
    )
    name, digest = rng.choice(
        (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512))
    )
    said = f"{part(header(by, alg=name))}.{part(claims())}"
    return f"{said}.{part(hmac.digest(secret, said.encode(), digest))}"


def unsigned(rng: Rng) -> str:
    name = rng.choice(("none", "None", "nOnE", "", None, 0, ["none"], "HS256"))
    said = f"{part({**header(), 'alg': name})}.{part(claims())}"
    return said + rng.choice(("", ".", ".AA", "." + part(rng.randbytes(96))))


def random_signature(rng: Rng) -> str:
    by = _by(rng)
    size = rng.choice((0, 1, 64, 95, 96, 97, 255, 256, 257, 2000))
    content = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))
    return f"{part(header(by))}.{part(claims())}.{part(content)}"


def flipped(rng: Rng) -> str:
    """One character of a good token is another one."""
    good = token(_by(rng))
    place = rng.randrange(len(good))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. ~"
    return good[:place] + rng.choice(letters.replace(good[place], "")) + good[place + 1 :]


def stray_bits(rng: Rng) -> str:
    """The same signature in another spelling: what is good may be said in one way only."""
    good = token("rsa")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(good[-1])
    return rng.choice(
        (
            good[:-1] + letters[(last & ~3) | rng.choice([n for n in range(4) if n != last & 3])],
            good + "=",
            good + "==",
            good + rng.choice("!*~,;"),
        )
    )


def truncated(rng: Rng) -> str:
    good = token(_by(rng))
    return good[: rng.randrange(len(good))]


def reassembled(rng: Rng) -> str:
    """The parts of good tokens, in no good order."""
    one, two = token("p384").split("."), token("rsa").split(".")
    return rng.choice(
        (
            ".".join((one[0], two[1], one[2])),
            ".".join((two[0], one[1], one[2])),
            ".".join((one[0], one[1], two[2])),
            ".".join((*one, one[2])),
            ".".join((one[0], "", one[2])),
            ".".join(reversed(one)),
            one[1],
            "." * rng.randrange(9),
        )
    )


def changed_claims(rng: Rng) -> str:
    """A good signature over something else than it says now."""
    head, body, signature = token(_by(rng)).split(".")
    said = json.loads(raw(body))
    said[rng.choice(("jti", "iss", "aud", "exp", "tenant", "sub"))] = rng.choice(ODD)
    return f"{head}.{part(said)}.{signature}"


def deep(rng: Rng) -> str:
    depth = rng.choice((100, 1000, 3000, 5000))
    nest = rng.choice((b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth))
    if rng.random() < 0.5:
        by = _by(rng)
        said = json.dumps({**claims(), "aud": 0}).encode()
        return sign(header(by), said.replace(b'"aud": 0', b'"aud": ' + nest), by)
    head = json.dumps({**header(), "x": 0}).encode().replace(b'"x": 0', b'"x": ' + nest)
    return f"{part(head)}.{part(claims())}.{part(bytes(96))}"


def giant(rng: Rng) -> str:
    size = rng.choice((513, 5000, 20_000, 200_000))
    if rng.random() < 0.5:
        return sign(header(kid="k" * size), claims())
    return token(_by(rng), jti="j" * size)


def not_text(rng: Rng) -> str:
    junk = rng.choice((b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\x00"))
    by = _by(rng)
    if rng.random() < 0.5:
        said = json.dumps(claims()).encode()
        return sign(header(by), said.replace(b"/hpg", b"/" + junk), by)
    head = json.dumps(header(by)).encode().replace(b"JWT", junk)
    return f"{part(head)}.{part(claims())}.{part(rng.randbytes(96))}"


def odd_header(rng: Rng) -> str:
    name = rng.choice(("alg", "kid", "typ", "jku", "crit", "b64"))
    odd = rng.choice([v for v in ODD if not (name in ("typ", "jku") and v is None)])
    return f"{part({**header(), name: odd})}.{part(claims())}.{part(rng.randbytes(96))}"


def demands_an_extension(rng: Rng) -> str:
    """Well signed, but to be read in a way that we do not know."""
    by = _by(rng)
    extra = rng.choice(({"crit": ["b64"], "b64": True}, {"crit": ["kid"]}))
    return sign(header(by, **extra), claims(), by)


def not_claims(rng: Rng) -> str:
    by = _by(rng)
    said = rng.choice((b"[]", b"1", b"null", b'"x"', b"{}", b"{", b"\xef\xbb\xbf{}", b" ", b"<a/>"))
    return sign(header(by), said, by)


def noise(rng: Rng) -> str:
    return rng.randbytes(rng.randrange(300)).decode("latin-1").replace("\r", "").replace("\n", "")


FORGERS: tuple[Forger, ...] = (
    wrong_audience, odd_type, missing, huge_number, out_of_time, not_yet, stranger, another_tenant,
    own_key, other_address_of_keys, unlisted_algorithm, confused_key, public_key_as_secret,
    unsigned, random_signature, flipped, stray_bits, truncated, reassembled, changed_claims, deep,
    giant, not_text, odd_header, demands_an_extension, not_claims, noise,
)  # fmt: skip


def good(rng: Rng) -> str:
    """A token as real EHRs make them: each of these shapes is in use somewhere."""
    by = _by(rng)
    changes = rng.choice(
        (
            {},
            {"aud": [AUD]},
            {"aud": ["https://elsewhere.example", AUD]},
            {"iat": AT + 30, "exp": AT + 330},
            {"iat": AT - 5, "exp": AT + 895, "nbf": AT - 305, "sub": "hpg"},
            {"iat": AT + 0.4, "exp": AT + 300.4},
            {"tenant": "hospital-a"},
            {"more": {"of": ["the", "EHR's", "own"]}},
        )
    )
    extra = rng.choice(({}, {"jku": JKU}, {"x5t": "NzbLsXh8uDCcd-6MNwXF4W_7noWX"}))
    return sign(header(by, **extra), claims(**changes), by)


@pytest.fixture
def house(tmp_path: Path, knowledge: Knowledge) -> Iterator[tuple[Door, responses.RequestsMock]]:
    client = Client(iss=ISS, jku=JKU, tenant="hospital-a", fhir_servers=(EHR,))
    settings = {"cds_auth": "required", "public_base_url": BASE}
    with responses.RequestsMock() as web:
        web.get(JKU, json=key_set())
        door = Door(tmp_path, knowledge, settings=settings, clients=[client])
        yield door, web
        door.ledger.close()


@pytest.mark.clause("A13.6")
@pytest.mark.clause("A13.10")
def test_of_ten_thousand_forged_tokens_none_is_believed(
    house: tuple[Door, responses.RequestsMock],
    record_property: Callable[[str, object], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    door, web = house
    caplog.set_level(logging.CRITICAL, logger="smartapp.cds")
    rng = random.Random(20261122)
    turns: list[Forger | None] = [None] * GOOD
    turns += [FORGERS[n % len(FORGERS)] for n in range(HOSTILE - 500)]
    turns += [partial(_replayed, used := [])] * 500
    rng.shuffle(turns)
    turns.insert(0, None)  # the first replay needs something to repeat
    met: Counter[str] = Counter()
    for number, forge in enumerate(turns):
        given = good(rng) if forge is None else forge(rng)
        answer = door.web.post(
            SERVICE,
            data=BODY,
            content_type="application/json",
            headers={"Authorization": f"Bearer {given}"},
        )
        name = "good" if forge is None else getattr(forge, "__name__", "replayed")
        met[name] += 1
        expected = 200 if forge is None else 401
        assert answer.status_code == expected, (number, name, given[:2000], answer.data)
        if forge is None:
            used.append(given)
        else:
            assert answer.data == b""
    assert met["good"] == GOOD + 1
    assert sum(met.values()) - met["good"] == HOSTILE
    # Unknown kids made us ask once more, not ten thousand times; nothing else was ever asked.
    assert [str(call.request.url) for call in web.calls] == [JKU, JKU]
    record_property("counts", [f"{name}: {n}" for name, n in sorted(met.items())])


def _replayed(used: list[str], rng: Rng) -> str:
    return rng.choice(used)
