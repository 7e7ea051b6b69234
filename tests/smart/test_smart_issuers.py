"""The issuers file: read as the contract writes it, and every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartapp.errors import ConfigError, UnknownIssuer
from smartapp.smart import Issuer, Issuers, load_issuers

WHOLE = """
[[issuer]]
fhir_base = "https://ehr.example/fhir/r4"
profile = "epic"
prefix = false
auth = "secret"
client_id = "hpg-monitor"
client_secret_file = "ehr.secret"
scopes = "launch  openid patient/Patient.rs"
timezone = "America/New_York"
frame_ancestors = ["https://ehr.example", "https://*.ehr.example:8443"]
id_token_issuer = "https://login.ehr.example"
[issuer.local_codes]
"TESTO" = { loinc = "2986-8", unit = "ng/dL" }
"http://lab|FSH" = { loinc = "15067-2" }

[[issuer]]
fhir_base = "http://localhost:5001/fhir"
client_id = "x"
"""


def load(folder: Path, text: str) -> Issuers:
    (folder / "issuers.toml").write_text(text)
    return load_issuers(folder / "issuers.toml")


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "ehr.secret").write_text("s3cret\n")
    first, second = load(tmp_path, WHOLE)
    assert first == Issuer(
        fhir_base="https://ehr.example/fhir/r4",
        profile="epic",
        auth="secret",
        client_id="hpg-monitor",
        client_secret="s3cret",
        scopes="launch openid patient/Patient.rs",
        timezone="America/New_York",
        frame_ancestors=("https://ehr.example", "https://*.ehr.example:8443"),
        id_token_issuer="https://login.ehr.example",
        local_codes={"TESTO": ("2986-8", "ng/dL"), "http://lab|FSH": ("15067-2", None)},
    )
    assert second.auth == "public"
    assert "s3cret" not in repr(first)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tmezone = 'UTC'", "tmezone: unknown key"),
        ("timezone = 'Mars/Olympus'", "timezone: 'Mars/Olympus'"),
        ("timezone = '../../etc/passwd'", "timezone"),
        ("profile = 'epyc'", "profile: 'epyc'"),
        ("prefix = 'yes'", "prefix: true or false"),
        ("auth = 'secret'", "client_secret_file: is required"),
        ("auth = 'basic'", "auth: 'basic'"),
        ("assertion_alg = 'RS384'", "assertion_alg: is for auth"),
        ("assertion_jku = true", "assertion_jku: is for auth"),
        ("auth = 'key'\nassertion_alg = 'RS256'", "assertion_alg: 'RS256' is not one of ES384"),
        ("auth = 'key'\nclient_secret_file = 'x'", "is for auth"),
        ("auth = 'none'\nbackend_client_id = 'x'", "backend_client_id: an open test server"),
        ("authorize = 'put'", "authorize: 'put'"),
        ("client_secret_file = 'x'", "is for auth"),
        ("frame_ancestors = 'https://x.example'", "frame_ancestors: a list"),
        ("frame_ancestors = ['*']", "frame_ancestors: '\\*'"),
        ("frame_ancestors = [\"https://x.example; script-src 'unsafe-inline'\"]", "origin"),
        ("frame_ancestors = ['https://x.example/path']", "origin"),
        ("frame_ancestors = ['http://x.example']", "must be https unless"),
        ("endpoint_origins = ['https://*.x.example']", "each origin is written out"),
        ("style_origins = ['https://x.example/style.json']", "style_origins: .* not an origin"),
        ("scopes = 7", "scopes: a text"),
        ("scopes = 'launch \"x\"'", "holds a character that no scope may hold"),
        ("scopes = 'launch'\nscope_syntax = 'v1'", "scope_syntax: says nothing beside scopes"),
        ("scope_syntax = 'v3'", "scope_syntax: 'v3' is not one of v1, v2"),
        ("standalone = 'system'", "standalone: 'system' is not one of patient, user"),
        ("auth = 'none'\nscopes = 'launch'", "scopes: an open test server"),
        ("id_token_algs = ['HS256']", "id_token_algs: 'HS256' is not one of RS256"),
        ("id_token_algs = ['none']", "id_token_algs: 'none'"),
        ("profile = 'oracle'\nscopes = 'launch patient/*.rs'", "scopes: a wildcard .* by oracle"),
        ("profile = 'oracle'\nscopes = 'patient/Patient.*'", "scopes: a wildcard"),
        ("profile = 'smart-launcher'\nauthorize = 'post'", "authorize: smart-launcher loses"),
        ("profile = 'medplum'", "fhir_base: that of medplum ends in a slash"),
        ("local_codes = { A = { loinc = '2986-8', unit = ' ' } }", "local_codes.A: unit"),
        ("local_codes = { A = { loinc = '29868' } }", "local_codes.A: loinc"),
        ("local_codes = { A = { loinc = '2986-8', units = 'x' } }", "local_codes.A: needs"),
        ("local_codes = { A = '2986-8' }", "local_codes.A"),
    ],
)
def test_a_mistake_is_named_with_issuer_and_key(tmp_path: Path, line: str, words: str) -> None:
    text = f"[[issuer]]\nfhir_base = 'https://a.example/r4'\nclient_id = 'x'\n{line}\n"
    with pytest.raises(ConfigError, match=words) as caught:
        load(tmp_path, text)
    assert "issuer 1" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[issuer]]\nclient_id = 'x'", "fhir_base: is required"),
        ("[[issuer]]\nfhir_base = 'https://a.example'", "client_id: is required"),
        ("[[issuer]]\nfhir_base = 'http://a.example'\nclient_id = 'x'", "https unless"),
        ("[[issuer]]\nfhir_base = 'https://a.example?x=1'\nclient_id = 'x'", "only scheme"),
        ("[[issuer]]\nfhir_base = 'a.example'\nclient_id = 'x'", "http"),
        ("[[issuer]]\nfhir_base = 'https://[::1'\nclient_id = 'x'", "no address"),
        (
            "[[issuer]]\nfhir_base='https://a.example'\nclient_id='x'\n"
            "[[issuer]]\nfhir_base='https://a.example/'\nclient_id='y'\n",
            "but for a slash",
        ),
        ("[[issuers]]\nx = 1", "unknown key 'issuers'"),
        ("issuer = 3", "table"),
        ("[[issuer]", "cannot be read"),
        (
            "[[issuer]]\nfhir_base='https://a.example'\nclient_id='x'\n" * 2,
            "two issuers",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, text)


@pytest.mark.parametrize("secret", ["", "two words", "sécret", "a\nb"])
def test_a_secret_that_basic_cannot_carry_is_refused(tmp_path: Path, secret: str) -> None:
    (tmp_path / "s").write_text(secret)
    text = (
        "[[issuer]]\nfhir_base='https://a.example'\nclient_id='x'\nauth='secret'\n"
        "client_secret_file='s'\n"
    )
    with pytest.raises(ConfigError, match="visible ASCII"):
        load(tmp_path, text)


def test_matching() -> None:
    plain = Issuer(fhir_base="https://ehr.example/r4", client_id="x")
    slashed = Issuer(fhir_base="https://med.example/R4/", client_id="x")
    wide = Issuer(fhir_base="https://sim.example/v", prefix=True, client_id="x")
    narrow = Issuer(fhir_base="https://sim.example/v/r4", prefix=True, client_id="x")
    issuers = Issuers([plain, slashed, wide, narrow])
    for iss, expected in {
        "https://ehr.example/r4": plain,
        "https://ehr.example/r4/": plain,
        "https://med.example/R4": slashed,
        "https://med.example/R4/": slashed,
        "https://sim.example/v/r4/sim/abc/fhir": narrow,
        "https://sim.example/v/r5/fhir": wide,
        "https://sim.example/v": wide,
    }.items():
        assert issuers.match(iss) is expected
    for iss in ("", "https://ehr.example/r4//", "https://EHR.example/r4", "https://sim.example/vv"):
        with pytest.raises(UnknownIssuer):
            issuers.match(iss)
    assert issuers.named("https://ehr.example/r4") is plain
    with pytest.raises(UnknownIssuer):
        issuers.named("https://ehr.example/r4/")
