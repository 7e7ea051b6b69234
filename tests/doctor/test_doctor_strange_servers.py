"""Servers that are wrong in ways no EHR of ours plays: each is named, none is a traceback."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from doctor_house import PATIENT, House, by_name, free_port, verdicts
from doctor_strange import Serve, Strange, bundle, open_server
from flask import request
from werkzeug.serving import make_server

from smartapp.doctor import Report, as_text, examine
from smartapp.errors import InputError
from smartapp.smart import Issuer


def seen(house: House, base: str, *, auth: Any = "public", **changes: Any) -> Report:
    issuer = Issuer(fhir_base=base, auth=auth, client_id="hpg")
    return examine(house.visit(base, issuer, **changes))


def condition(number: int, patient: str = PATIENT) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Condition", "id": f"c{number}", "subject": subject}


def test_nobody_is_there(house: House) -> None:
    report = seen(house, f"http://127.0.0.1:{free_port()}/fhir")
    checks = by_name(report)
    assert checks["discovery"].verdict == "fail"
    assert "no connection" in checks["discovery"].said
    assert checks["access"].verdict == checks["searches"].verdict == "not tried"
    assert report.failed


def test_a_server_that_never_answers_costs_bounded_time(house: House, serve: Serve) -> None:
    def sleep(**_: Any) -> str:
        time.sleep(1.2)
        return ""

    site = Strange().says("/fhir/<path:any>", sleep)
    began = time.monotonic()
    report = seen(house, serve(site), settings={"fhir_timeout_ms": 200})
    assert time.monotonic() - began < 3
    assert "no answer within 0.2 s" in by_name(report)["discovery"].said


def test_plain_http_is_refused_and_not_asked(house: House) -> None:
    report = seen(house, "http://ehr.example/fhir")
    assert by_name(report)["tls"].verdict == "fail"
    assert by_name(report)["discovery"].said.endswith("its address is not https")


@pytest.mark.parametrize(
    "base", ["ehr.example", "ftp://x/y", "https://", "https://a/b?c=d", "\x1b"]
)
def test_what_is_no_address_is_refused(base: str, house: House) -> None:
    with pytest.raises(InputError):
        house.visit(base)
    with pytest.raises(InputError):
        house.visit("https://ehr.example/fhir", patient="../../etc")


def test_web_pages_instead_of_documents(house: House, serve: Serve) -> None:
    page = "<html>Please sign in</html>"
    checks = by_name(seen(house, serve(Strange().says("/fhir/<path:any>", page))))
    assert checks["discovery"].verdict == "fail"
    assert checks["capabilities"].verdict == "fail"
    assert checks["resources"].verdict == "not tried"


def test_endpoints_that_are_broken(house: House, serve: Serve) -> None:
    site = Strange().has_sign_in(token_endpoint="http://127.0.0.1:1/token")
    site.view_functions["GET /oauth/authorize"] = lambda: ("oops", 503)
    checks = by_name(seen(house, serve(site)))
    assert checks["authorization"].said == "it answers 503"
    assert (checks["token endpoint"].verdict, checks["token endpoint"].said) == (
        "fail",
        "no connection",
    )


def test_a_token_endpoint_that_is_none(house: House, serve: Serve) -> None:
    site = Strange().has_sign_in()
    site.view_functions["POST /oauth/token"] = lambda: "<p>Welcome</p>"
    check = by_name(seen(house, serve(site)))["token endpoint"]
    assert check.verdict == "warn"
    assert "answers an empty request with 200 and no OAuth error" in check.said


@pytest.mark.parametrize(
    ("auth", "changes", "name", "verdict", "said"),
    [
        ("public", {"code_challenge_methods_supported": ["plain"]}, "pkce", "fail", "without S256"),
        (
            "public", {"code_challenge_methods_supported": ["S256", "plain"]},
            "pkce", "warn", "plain beside it",
        ),
        (
            "secret", {"token_endpoint_auth_methods_supported": ["client_secret_post"]},
            "client sign-in", "fail", "the server takes client_secret_post",
        ),
        (
            "secret", {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
            "client sign-in", "warn", "client-confidential-symmetric is not among",
        ),
        (
            "key",
            {
                "capabilities": [],
                "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            },
            "client sign-in", "fail", "signatures by RS256",
        ),
        ("public", {"scopes_supported": ["launch", "openid"]}, "scopes", "warn", "fhirUser"),
        ("public", {"capabilities": ["client-public"]}, "discovery", "warn", "launch-ehr"),
        ("public", {"jwks_uri": "nowhere"}, "EHR's keys", "fail", "answered 404"),
        ("public", {"authorization_endpoint": None}, "authorization", "fail", "no user can"),
    ],
)  # fmt: skip
def test_a_sign_in_that_does_not_fit(
    auth: Any, changes: Any, name: str, verdict: str, said: str, house: House, serve: Serve
) -> None:
    check = by_name(seen(house, serve(Strange().has_sign_in(**changes)), auth=auth))[name]
    assert (check.verdict, said in check.said) == (verdict, True), check
    assert check.todo


@pytest.mark.clause("B3.5")
def test_a_scope_that_is_not_listed_never_fails(house: House, serve: Serve) -> None:
    report = seen(house, serve(Strange().has_sign_in(scopes_supported=["openid"])))
    assert by_name(report)["scopes"].verdict == "warn"


def test_an_unknown_base_is_told_what_to_register(house: House, serve: Serve) -> None:
    base = serve(Strange().has_sign_in())
    checks = by_name(examine(house.visit(base)))
    assert checks["issuers file"].lines[:2] == ("[[issuer]]", f'fhir_base = "{base}"')
    assert checks["client sign-in"].said == "the app can be registered with auth public"
    assert checks["searches"].verdict == "not tried"


def test_keys_that_the_ehr_cannot_read(house: House, serve: Serve) -> None:
    base = serve(Strange().has_sign_in(capabilities=[]))
    empty = serve(Strange().says("/fhir/.well-known/jwks.json", {"keys": []}))
    check = by_name(seen(house, base, auth="key", settings={"public_base_url": empty}))["our keys"]
    assert "answers 200, without this deployment's keys" in check.said
    nowhere = {"public_base_url": f"http://127.0.0.1:{free_port()}"}
    check = by_name(seen(house, base, auth="key", settings=nowhere))["our keys"]
    assert (check.verdict, "no connection" in check.said) == ("fail", True)


def test_an_old_server(house: House, serve: Serve) -> None:
    statement = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "3.0.2",
        "rest": [{"resource": [{"type": "Patient", "interaction": [{"code": "read"}]}, 7]}, None],
    }
    checks = by_name(seen(house, serve(Strange().says("/fhir/metadata", statement))))
    assert checks["capabilities"].said == "the server says FHIR 3.0.2"
    assert checks["resources"].verdict == "fail"
    assert "Observation" in checks["resources"].said


def test_pages_that_lead_elsewhere(house: House, serve: Serve) -> None:
    there = bundle(condition(1), next_="https://elsewhere.example/fhir?page=2")
    report = seen(house, serve(open_server(Condition=lambda: there)), auth="none")
    check = by_name(report)["search conditions"]
    assert check.verdict == "warn"
    assert "lies at another address" in check.said


def test_pages_that_lose_rows(house: House, serve: Serve) -> None:
    """Asked for three at a time, the server sends three and no way to the rest."""

    def cut() -> dict[str, Any]:
        count = int(request.args["_count"])
        return bundle(*(condition(n) for n in range(min(count, 9))))

    check = by_name(seen(house, serve(open_server(Condition=cut)), auth="none"))["paging"]
    assert (check.verdict, check.said) == ("fail", "in pages 3 rows come, in one piece 9 rows")


def test_a_server_that_ignores_the_patient(house: House, serve: Serve) -> None:
    def all_patients() -> dict[str, Any]:
        return bundle(condition(1), condition(2, "another"))

    report = seen(house, serve(open_server(Condition=all_patients)), auth="none")
    check = by_name(report)["search conditions"]
    assert (check.verdict, check.said) == ("fail", "1 row of 2 rows belong to another patient")


def test_rows_of_another_shape(house: House, serve: Serve) -> None:
    odd = {**condition(1), "code": "not a concept"}
    report = seen(house, serve(open_server(Condition=lambda: bundle(odd))), auth="none")
    check = by_name(report)["search conditions"]
    assert (check.verdict, "$.code" in check.said) == ("warn", True)
    assert "not a concept" not in as_text(report)


def test_it_only_reads(house: House, serve: Serve) -> None:
    site = open_server().has_sign_in()
    seen(house, serve(site))
    written = [(method, path, body) for method, path, body in site.asked if method != "GET"]
    assert written == [("POST", "/oauth/token", b"")]
    assert len(site.asked) < 40


def test_what_a_server_writes_does_not_steer_the_terminal(house: House, serve: Serve) -> None:
    hostile = "\x1b[2J\u202e\nFAIL"
    base = serve(Strange().has_sign_in(token_endpoint_auth_methods_supported=[hostile]))
    text = as_text(seen(house, base, auth="secret"))
    assert not {c for c in text if not c.isprintable() and c != "\n"}


# --- certificates -----------------------------------------------------------------------------


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], str]]:
    """Serves the good sign-in over TLS with a certificate good for some days, and trusts it."""
    servers = []

    def start(days: int) -> str:
        file = tmp_path / "server.pem"
        file.write_bytes(certificate(days))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        site = Strange().has_sign_in()
        server = make_server("127.0.0.1", 0, site, threaded=True, ssl_context=context)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"https://localhost:{server.server_port}/fhir"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def certificate(days: int) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=400))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("days", "verdict", "said"),
    [
        (200, "pass", "TLSv1.3, certificate good for 200 days"),
        (10, "warn", "certificate good for 10 days"),
        (-1, "fail", "localhost: certificate has expired"),
    ],
)
def test_certificates(
    days: int, verdict: str, said: str, certified: Callable[[int], str], house: House
) -> None:
    check = by_name(seen(house, certified(days)))["tls"]
    assert (check.verdict, said in check.said) == (verdict, True), check


def test_a_certificate_of_nobody_we_trust(
    certified: Callable[[int], str], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = certified(100)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    found = verdicts(seen(house, base))
    assert (found["tls"], found["discovery"]) == ("fail", "fail")
