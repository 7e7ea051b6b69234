"""The clients file: what is read of it, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey
from signing import ISS, JKU, key, key_set

from smartapp.app import create_app
from smartapp.cds import Site, Sites, load_clients
from smartapp.cds.demo_keys import THUMBPRINTS
from smartapp.errors import ConfigError
from smartapp.settings import from_environ

# The CDS Hooks sandbox signs with this key, whose private half is in its public repository.
SANDBOX = {
    "kty": "EC",
    "crv": "P-384",
    "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
    "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
}

# The example of the contract.
WHOLE = f"""
[[client]]
iss = "{ISS}"
jku = "{JKU}"
tenant = "hospital-a"
audiences = ["urn:other"]
algorithms = ["ES384", "RS256"]
fhir_servers = ["https://ehr.example/fhir/r4"]
timezone = "America/New_York"
test = false
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "clients.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_client_as_the_contract_writes_it(tmp_path: Path) -> None:
    (client,) = load_clients(write(tmp_path, WHOLE))
    assert (client.iss, client.jku, client.name) == (ISS, JKU, "hospital-a")
    assert client.audiences == {"urn:other"}
    assert client.algorithms == {"ES384", "RS256"}
    assert client.fhir_servers == ("https://ehr.example/fhir/r4",)
    assert (client.timezone, client.test) == ("America/New_York", False)


@pytest.mark.clause("A13.6")
def test_the_recommended_algorithms_are_the_usual_ones(tmp_path: Path) -> None:
    (client,) = load_clients(write(tmp_path, f'[[client]]\niss = "{ISS}"\njku = "{JKU}"\n'))
    assert client.algorithms == {"ES384", "RS384"}
    assert client.name == ISS


@pytest.mark.clause("A13.3")
def test_keys_may_stand_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ehr.json").write_text(json.dumps(key_set()))
    (client,) = load_clients(
        write(tmp_path, f'[[client]]\niss = "{ISS}"\njwks_file = "ehr.json"\n')
    )
    assert {k.kid for k in client.keys} == {"ec-1", "Zm9v+YmFy/cXV1eA=="}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("iss", ""), "client 1: iss: is required"),
        (("iss", "iss = 1"), "client 1: iss: a text is needed"),
        (("jku", ""), f"client 1 ({ISS}): jku: is required, or jwks_file"),
        (
            ("jku", 'jku = "http://ehr.example/jwks.json"'),
            "jku: 'http://ehr.example/jwks.json' must",
        ),
        (("jku", 'jku = "file:///etc/passwd"'), "jku: 'file:///etc/passwd': an http(s) address"),
        (("jku", 'jku = "https://ehr.example:x/"'), "no address is written so"),
        (("jku", 'jku = "https://user@ehr.example/"'), "may hold only scheme, host"),
        (("jku", 'jwks_file = "nowhere.json"'), "jwks_file: 'nowhere.json' cannot be read"),
        (("jku", 'jwks_file = "clients.toml"'), "jwks_file: does not hold a JSON object"),
        (("jku", 'jwks_file = "empty.json"'), "jwks_file: holds no usable public key"),
        (("tenant", 'tenant = ["a"]'), "tenant: a text is needed"),
        (("tenant", f'tenant = "{"t" * 201}"'), "tenant: at most 200"),
        (("audiences", 'audiences = "urn:other"'), "audiences: a list of texts is needed"),
        (("algorithms", 'algorithms = ["HS256"]'), "algorithms: 'HS256' is not one of"),
        (("algorithms", 'algorithms = ["none"]'), "algorithms: 'none' is not one of"),
        (("fhir_servers", 'fhir_servers = ["http://ehr.example/fhir"]'), "fhir_servers: 'http:"),
        (("timezone", 'timezone = "New York"'), "timezone: 'New York' is not an IANA time zone"),
        (("test", 'test = "no"'), "test: true or false is needed"),
        (("test", "system_actions_member = 1"), "system_actions_member: true or false is needed"),
        (("test", "tset = true"), "tset: unknown key"),
        (
            ("jku", 'jku = "https://sandbox.cds-hooks.org/.well-known/jwks.json"'),
            "jku: its signing",
        ),
        (("iss", 'iss = "https://inferno.healthit.gov/custom/crd_server"'), "iss: its signing"),
    ],
)
def test_a_wrong_file_is_refused_by_client_key_and_reason(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    (tmp_path / "empty.json").write_text('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}')
    name, line = change
    text = "\n".join(line if w.startswith(f"{name} =") else w for w in WHOLE.splitlines())
    with pytest.raises(ConfigError) as caught:
        load_clients(write(tmp_path, text))
    assert str(tmp_path / "clients.toml") in caught.value.public
    assert words in caught.value.public


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[client]\n", "cannot be read"),
        ("[client]\niss = 'x'\n", "write each as a [[client]] table"),
        ("client = [1]\n", "write each as a [[client]] table"),
        ("[[klient]]\n", "unknown key 'klient'"),
        (WHOLE + WHOLE, "and the same tenant"),
        (WHOLE + WHOLE.replace('tenant = "hospital-a"', ""), "each needs its tenant"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"clients\.toml") as caught:
        load_clients(write(tmp_path, text))
    assert words in caught.value.public


def test_the_deployment_does_not_start_on_a_wrong_file(tmp_path: Path) -> None:
    file = write(tmp_path, WHOLE.replace("test = false", "test = 1"))
    settings = from_environ(
        {
            "SMARTAPP_HOME_DIR": str(tmp_path / "home"),
            "SMARTAPP_SECRET_KEYS": "k" * 40,
            "SMARTAPP_CDS_CLIENTS_FILE": str(file),
        }
    )
    with pytest.raises(ConfigError, match="test: true or false is needed"):
        create_app(settings)


@pytest.mark.clause("A13.7")
def test_a_public_demo_key_needs_a_client_marked_for_tests(tmp_path: Path) -> None:
    (tmp_path / "ehr.json").write_text(json.dumps({"keys": [SANDBOX]}))
    text = '[[client]]\niss = "https://hospital.example"\njwks_file = "ehr.json"\n'
    with pytest.raises(ConfigError, match="public demo key; accepted only with test = true"):
        load_clients(write(tmp_path, text))
    (client,) = load_clients(write(tmp_path, text + "test = true\n"))
    assert client.keys[0].thumbprint in THUMBPRINTS


@pytest.mark.clause("A13.13")
def test_of_a_key_set_only_what_can_verify_is_read(tmp_path: Path) -> None:
    published = key("p384").as_dict(private=False)
    odd = [
        None, 7, "key", [], {}, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": 1}, {"kty": "EC"},
        {**published, "x": "AAAA"}, {**published, "crv": "P-256"}, {**published, "kid": 5},
        {**published, "use": "enc"}, {**published, "key_ops": "verify"},
        RSAKey.generate_key(1024).as_dict(private=False),
        {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "RSA", "n": 3, "e": 3},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
    ]  # fmt: skip
    private = ECKey.generate_key("P-384", {"kid": "careless"}).as_dict(private=True)
    (tmp_path / "ehr.json").write_text(json.dumps({"keys": [*odd, private, published]}))
    text = f'[[client]]\niss = "{ISS}"\njwks_file = "ehr.json"\n'
    (client,) = load_clients(write(tmp_path, text))
    assert [k.kid for k in client.keys] == ["careless", None]
    assert not any(k.key.is_private for k in client.keys), "a private half is not even read"


@pytest.mark.clause("A7.8")
def test_a_clients_servers_are_its_part_of_the_allow_list() -> None:
    known = Sites(
        [
            Site("https://a.example/fhir", timezone="America/Denver", profile="epic"),
            Site("https://b.example/fhir/"),
            Site("https://sim.example/v", prefix=True),
        ]
    )
    own = known.only(
        ["https://a.example/fhir/", "https://c.example/fhir", "https://sim.example/v/r4/fhir"],
        "America/New_York",
    )
    first = own.match("https://a.example/fhir")
    assert first is not None
    assert (first.profile, first.timezone) == ("epic", "America/Denver")
    assert own.match("https://b.example/fhir") is None
    third = own.match("https://c.example/fhir")
    assert third is not None
    assert third.timezone == "America/New_York"
    simulator = own.match("https://sim.example/v/r4/fhir")
    assert simulator is not None
    assert simulator.fhir_base == "https://sim.example/v", "where the dashboard keeps its findings"
    assert own.match("https://sim.example/v/r4/other") is None
    whole = known.only(["https://sim.example/v"], None)
    assert whole.match("https://sim.example/v/any/fhir") is not None
    assert whole.sole() is not None
    assert own.sole() is None
    assert known.only([], None).match("https://a.example/fhir") is None
