"""What trust costs: calls with a signed token beside calls without one, on the same server."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4
from wsgiref.types import WSGIApplication

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bench.bodies import bodies
from bench.load import Round, drive
from bench.report import figures
from bench.servers import Server, running

ISS = "https://ehr.example"
BASE = "http://127.0.0.1:5000"
REQUESTS = 200
UNSIGNED = "unsigned"

# At most so much over the p50 of an unsigned call, with 50 Observations and one client.
AIMS = {"RS384": 0.25, "ES256": 0.25, "ES384": 0.50}


def print_signed(home: Path, rounds: int) -> None:
    """Print p50 and CPU of each algorithm, and their ratios, with and without the replay store."""
    keys = {
        "RS384": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "ES384": ECKey.generate_key("P-384"),
    }
    for title, target in (
        ("with the replay store", "smartapp.serve:application"),
        ("without it", "bench.signed:without_replay"),
    ):
        place = home / title.partition(" ")[0]
        with ExitStack() as stack:
            server = stack.enter_context(running(title, target, env=_settings(place, keys)))
            _print(title, _rounds(server, keys, rounds))


def without_replay() -> WSGIApplication:
    """The service with a replay store that remembers nothing: to see what remembering costs."""
    from smartapp.cds import trust
    from smartapp.serve import application

    trust.replay.first_use = lambda *_: True
    return application()


def _settings(home: Path, keys: dict[str, RSAKey | ECKey]) -> dict[str, str]:
    home.mkdir(parents=True)
    published = [{**key.as_dict(private=False), "kid": name} for name, key in keys.items()]
    (home / "jwks.json").write_text(json.dumps({"keys": published}))
    clients = home / "clients.toml"
    clients.write_text(
        f'[[client]]\niss = "{ISS}"\njwks_file = "jwks.json"\nalgorithms = {json.dumps([*keys])}\n'
    )
    return {
        "SMARTAPP_HOME_DIR": str(home),
        "SMARTAPP_SECRET_KEYS": "b" * 40,
        # A call without a token is answered, one with a token is verified: one process for both.
        "SMARTAPP_CDS_AUTH": "optional",
        "SMARTAPP_CDS_CLIENTS_FILE": str(clients),
        "SMARTAPP_PUBLIC_BASE_URL": BASE,
        "SMARTAPP_LOG_LEVEL": "WARNING",
    }


def _rounds(server: Server, keys: dict[str, RSAKey | ECKey], rounds: int) -> dict[str, list[Round]]:
    """All rounds, each kind of call in turn with the same bodies, and not always the same first."""
    stream = bodies(50, seed=4)
    kinds = [UNSIGNED, *keys]
    done: dict[str, list[Round]] = {kind: [] for kind in kinds}
    drive(server, list(itertools.islice(stream, 50)), 1)
    for number in range(rounds):
        sent = list(itertools.islice(stream, REQUESTS))
        turn = number % len(kinds)
        for kind in [*kinds[turn:], *kinds[:turn]]:
            tokens = (
                None if kind == UNSIGNED else list(_tokens(kind, keys[kind], server, len(sent)))
            )
            done[kind].append(drive(server, sent, 1, tokens=tokens))
    return done


def _tokens(algorithm: str, key: RSAKey | ECKey, server: Server, count: int) -> Iterator[str]:
    now = int(time.time())
    head = {"alg": algorithm, "typ": "JWT", "kid": algorithm}
    for _ in range(count):
        claims = {
            "iss": ISS, "aud": BASE + server.path, "iat": now, "exp": now + 300,
            "jti": str(uuid4()),
        }  # fmt: skip
        yield jwt.encode(head, claims, key, algorithms=[algorithm])


def _print(title: str, done: dict[str, list[Round]]) -> None:
    rows = {kind: figures(kind, rounds) for kind, rounds in done.items()}
    floor = rows[UNSIGNED]
    print(f"\nsigned calls, 50 Observations, 1 client, {title}")
    print(f"{'':28}{'CPU ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'over unsigned':>15}")
    for kind, row in rows.items():
        over = row.p50 / floor.p50 - 1
        aim = AIMS.get(kind)
        said = (
            "" if aim is None else f"  (aim: at most {aim:.0%}){'' if over <= aim else '  MISSED'}"
        )
        print(f"{kind:28}{row.cpu_ms:9.3f}{row.p50:9.2f}{row.p95:9.2f}{over:15.1%}{said}")
