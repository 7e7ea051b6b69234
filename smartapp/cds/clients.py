"""The CDS clients this deployment trusts: the clients file (contract, section 7) as objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from smartapp.cds.demo_keys import HOSTS, THUMBPRINTS
from smartapp.errors import ConfigError
from smartapp.jose import ALGORITHMS, PublicKey, Unreadable, read_key_set
from smartapp.jose.documents import parse_object
from smartapp.sitefile import Entry, read_entries

# What CDS Hooks recommends; any other is named by the client's own list.
USUAL_ALGORITHMS = frozenset(("ES384", "RS384"))
LONGEST_TENANT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One CDS client (an EHR), as registered here.

    iss           the `iss` of its tokens, compared exactly
    jku           where its keys are; a token's own `jku` must be this one
    keys          its keys when they came as a file; then nothing is fetched
    tenant        the `tenant` its tokens may name, and must where one `iss` has several; None: any
    audiences     accepted in `aud` beside the exact address of the endpoint
    algorithms    with which its tokens may be signed
    fhir_servers  what `fhirServer` of its calls may name
    timezone      local clock of its draws where its EHR's own entry says none
    test          public demo keys are accepted
    system_actions_member  its order-sign answers carry `systemActions`, which is always empty:
                  some test kits demand the member
    """

    iss: str
    jku: str | None = None
    keys: tuple[PublicKey, ...] = ()
    tenant: str | None = None
    audiences: frozenset[str] = frozenset()
    algorithms: frozenset[str] = USUAL_ALGORITHMS
    fhir_servers: tuple[str, ...] = ()
    timezone: str | None = None
    test: bool = False
    system_actions_member: bool = False

    @property
    def name(self) -> str:
        """Under what its cards, feedback and snoozes are kept: the tenant, or else `iss`."""
        return self.tenant or self.iss


class Clients:
    """The registered clients, found by what a token says."""

    __slots__ = ("_by_iss",)

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self._by_iss: dict[str, list[Client]] = {}
        for client in clients:
            others = self._by_iss.setdefault(client.iss, [])
            if any(client.tenant == other.tenant for other in others):
                raise ConfigError(f"two clients have the iss {client.iss} and the same tenant")
            others.append(client)
        for iss, sharing in self._by_iss.items():
            if len(sharing) > 1 and any(client.tenant is None for client in sharing):
                raise ConfigError(f"several clients have the iss {iss}: each needs its tenant")

    def __iter__(self) -> Iterator[Client]:
        return (client for sharing in self._by_iss.values() for client in sharing)

    def __len__(self) -> int:
        return sum(map(len, self._by_iss.values()))

    def find(self, iss: str, tenant: str | None) -> Client | None:
        """The client whose token this may be.

        A token that names a tenant is of the client registered with it, or of one registered
        without any. One that names none can be told only where one client has that `iss`.
        """
        sharing = self._by_iss.get(iss, ())
        if len(sharing) == 1 and (tenant is None or sharing[0].tenant in (None, tenant)):
            return sharing[0]
        return next((c for c in sharing if tenant is not None and c.tenant == tenant), None)


def load_clients(path: Path) -> Clients:
    """The clients of a TOML file with one `[[client]]` table each.

    Key files are read now, relative to the file. Refuses (ConfigError, naming file, client and
    key) unreadable TOML, unknown or missing keys, wrong types and values, plain http beyond
    loopback, key files without a usable key, and public demo keys of a client that is no test.
    """
    try:
        return Clients([_client(entry) for entry in read_entries(path, "client")])
    except ConfigError as error:
        said = error.public
        raise ConfigError(said if said.startswith(str(path)) else f"{path}: {said}") from None


def _client(entry: Entry) -> Client:
    iss = entry.text("iss")
    if iss is None:
        raise entry.wrong("iss", "is required")
    entry.named(iss)
    test = entry.flag("test")
    client = Client(
        iss=iss,
        jku=entry.address("jku"),
        keys=_keys(entry, test),
        tenant=_tenant(entry, iss),
        audiences=frozenset(entry.texts("audiences")),
        algorithms=_algorithms(entry),
        fhir_servers=entry.addresses("fhir_servers"),
        timezone=entry.timezone("timezone"),
        test=test,
        system_actions_member=entry.flag("system_actions_member"),
    )
    entry.done()
    if client.jku is None and not client.keys:
        raise entry.wrong("jku", "is required, or jwks_file")
    for key, address in (("iss", client.iss), ("jku", client.jku)):
        if not test and address is not None and _host(address) in HOSTS:
            raise entry.wrong(key, "its signing keys are public; accepted only with test = true")
    return client


def _keys(entry: Entry, test: bool) -> tuple[PublicKey, ...]:
    content = entry.file("jwks_file")
    if content is None:
        return ()
    try:
        keys = read_key_set(parse_object(content))
    except Unreadable:
        raise entry.wrong("jwks_file", "does not hold a JSON object") from None
    if not keys:
        raise entry.wrong("jwks_file", "holds no usable public key")
    if not test and any(key.thumbprint in THUMBPRINTS for key in keys):
        raise entry.wrong("jwks_file", "holds a public demo key; accepted only with test = true")
    return keys


def _tenant(entry: Entry, iss: str) -> str | None:
    tenant = entry.text("tenant")
    if len(tenant or iss) > LONGEST_TENANT:
        raise entry.wrong("tenant", f"at most {LONGEST_TENANT} characters are kept; give a name")
    return tenant


def _algorithms(entry: Entry) -> frozenset[str]:
    named = entry.texts("algorithms")
    for name in named:
        if name not in ALGORITHMS:
            allowed = ", ".join(sorted(ALGORITHMS))
            raise entry.wrong("algorithms", f"{name!r} is not one of {allowed}")
    return frozenset(named) or USUAL_ALGORITHMS


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # an `iss` need not be an address
        return ""
