"""What a server says of itself to anybody, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from smartapp.doctor.tls import Tls, Untrusted, meet
from smartapp.doctor.visit import Visit
from smartapp.doctor.wire import Answer, Silence, Wire
from smartapp.errors import DiscoveryFailed
from smartapp.settings import is_loopback
from smartapp.smart import older
from smartapp.smart.discovery import SmartConfiguration

LIMIT_S = 60.0
# Nobody has this id: a server that lets strangers ask shows them an empty answer and no patient.
NOBODY = "Patient?_id=hpg-monitor-doctor-nobody"

Place = Literal["base", "host-root", "metadata"]
Heard = Answer | Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Answers of one server to questions without a token.

    `configuration`: as the app's own discovery reads it, None (with `problem`) when it cannot;
    `place`: where it was found; `well_known`: what lies below the base. `authorize`, `token`: the
    endpoints, None without a configuration; `tls`: one of each https host that the app would ask.
    """

    configuration: SmartConfiguration | None
    problem: str
    place: Place | None
    well_known: Heard
    metadata: Heard
    stranger: Heard
    authorize: Heard | None
    token: Heard | None
    tls: tuple[Tls | Untrusted | Silence, ...]

    @property
    def statement(self) -> dict[str, Any] | None:
        """The CapabilityStatement."""
        document = self.metadata.document if isinstance(self.metadata, Answer) else None
        found = document is not None and document.get("resourceType") == "CapabilityStatement"
        return document if found else None

    @property
    def reachable(self) -> bool:
        """Whether the FHIR server answered anything at all."""
        return any(
            isinstance(heard, Answer) for heard in (self.metadata, self.well_known, self.stranger)
        )

    @property
    def lets_strangers_ask(self) -> bool:
        """Whether a search without a token was answered."""
        return isinstance(self.stranger, Answer) and self.stranger.status == 200


def is_open(visit: Visit, published: Published) -> bool:
    """Whether this is an open test server: as its table says, else by what it does."""
    if visit.issuer is not None:
        return visit.issuer.auth == "none"
    return published.configuration is None and published.lets_strangers_ask


def look(visit: Visit) -> Published:
    """Ask `visit.base` and the endpoints it names; every failure is a `Silence`."""
    wire = Wire(visit.timeout_s, LIMIT_S, visit.clock)
    well_known = wire.get(f"{visit.root}/.well-known/smart-configuration")
    metadata = wire.get(f"{visit.root}/metadata")
    stranger = wire.get(f"{visit.root}/{NOBODY}")
    configuration, problem = _configuration(visit)
    place: Place | None = None
    if configuration is not None:
        place = _place(visit, configuration, well_known, wire)
    authorize = configuration.authorization_endpoint if configuration else None
    return Published(
        configuration=configuration,
        problem=problem,
        place=place,
        well_known=well_known,
        metadata=metadata,
        stranger=stranger,
        authorize=wire.get(authorize) if authorize else None,
        token=wire.post_nothing(configuration.token_endpoint) if configuration else None,
        tls=_tls(visit, configuration),
    )


def _configuration(visit: Visit) -> tuple[SmartConfiguration | None, str]:
    try:
        return visit.discovery.smart(visit.base), ""
    except DiscoveryFailed as error:
        return None, error.public


def _place(visit: Visit, configuration: SmartConfiguration, well_known: Heard, wire: Wire) -> Place:
    if isinstance(well_known, Answer) and well_known.status == 200 and well_known.document:
        return "base"
    root = wire.get(f"{older.host_root(visit.base)}/.well-known/smart-configuration")
    document = root.document if isinstance(root, Answer) and root.status == 200 else None
    named = (document or {}).get("token_endpoint")
    return "host-root" if named == configuration.token_endpoint else "metadata"


def _tls(
    visit: Visit, configuration: SmartConfiguration | None
) -> tuple[Tls | Untrusted | Silence, ...]:
    named = [visit.base]
    if configuration is not None:
        endpoints = (configuration.authorization_endpoint, configuration.token_endpoint)
        named += [url for url in endpoints if url is not None]
    hosts = {urlsplit(url).netloc: url for url in named if url.startswith("https://")}
    return tuple(meet(url, visit.timeout_s) for url in hosts.values())


def is_this_machine(url: str) -> bool:
    """Whether nobody but this machine can be asked at `url`."""
    return is_loopback(urlsplit(url).hostname or "")
