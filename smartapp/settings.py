"""Settings: one frozen object, read once from the environment (contract, section 6)."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from smartapp.errors import ConfigError

PREFIX = "SMARTAPP_"

# Hooks that are answered only where a site asks for it: most EHRs fire patient-view as well.
EXTRA_HOOKS = ("encounter-start",)

# The path becomes part of every route: nothing that a router or a browser would read otherwise.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a deployment may choose. Nothing else in the product reads the environment.

    `public_base_url` has no trailing slash and may hold a path; every URL we print or compare
    (redirect URI, JWT audience, card links) is built from it, never from a Host header.
    """

    public_base_url: str = "http://127.0.0.1:5000"
    home_dir: Path = Path("instance")
    database_url: str = ""
    secret_keys: tuple[str, ...] = ()
    issuers_file: Path | None = None
    cds_clients_file: Path | None = None
    cds_auth: Literal["required", "optional"] = "required"
    cds_discovery: Literal["public", "required"] = "public"
    cds_extra_hooks: tuple[str, ...] = ()
    protocol_file: Path | None = None
    trusted_proxies: int = 0
    cors_origins: tuple[str, ...] = ()
    max_body_mb: int = 10
    retention_days: int = 365
    metrics: str = "loopback"
    fhir_timeout_ms: int = 5000
    hook_deadline_ms: int = 2000
    log_level: str = "INFO"
    exchange_log: Path | None = None
    demo: bool = False

    @property
    def base_path(self) -> str:
        """The path part of the public URL: "" or "/something"."""
        return urlsplit(self.public_base_url).path.rstrip("/")

    @property
    def store_url(self) -> str:
        """The ledger's SQLAlchemy URL: `database_url`, or SQLite in `home_dir`."""
        return self.database_url or f"sqlite:///{self.home_dir / 'ledger.sqlite3'}"

    def url(self, path: str) -> str:
        """The public address of `path` (which starts with a slash)."""
        return self.public_base_url + path


def is_loopback(host: str) -> bool:
    """Whether `host` (name or address) can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def from_environ(environ: Mapping[str, str] | None = None, *, demo: bool = False) -> Settings:
    """Settings from `SMARTAPP_*` variables.

    Refuses (ConfigError, naming the variable) an unknown variable with our prefix, a value of the
    wrong shape, plain http for a public address, `CDS_AUTH=optional` beyond loopback, and missing
    secret keys outside the demo.
    """
    env = dict(os.environ if environ is None else environ)
    reader = _Reader({k[len(PREFIX) :]: v for k, v in env.items() if k.startswith(PREFIX)})
    default = Settings()
    settings = Settings(
        public_base_url=reader.base_url("PUBLIC_BASE_URL", default.public_base_url),
        home_dir=Path(reader.text("HOME_DIR", str(default.home_dir))),
        database_url=reader.text("DATABASE_URL", ""),
        secret_keys=reader.words("SECRET_KEYS"),
        issuers_file=reader.file("ISSUERS_FILE"),
        cds_clients_file=reader.file("CDS_CLIENTS_FILE"),
        cds_auth="optional"
        if reader.choice("CDS_AUTH", ("required", "optional")) == "optional"
        else "required",
        cds_discovery="required"
        if reader.choice("CDS_DISCOVERY", ("public", "required")) == "required"
        else "public",
        cds_extra_hooks=reader.some_of("CDS_EXTRA_HOOKS", EXTRA_HOOKS),
        protocol_file=reader.file("PROTOCOL_FILE"),
        trusted_proxies=reader.number("TRUSTED_PROXIES", default.trusted_proxies, 0, 10),
        cors_origins=reader.words("CORS_ORIGINS"),
        max_body_mb=reader.number("MAX_BODY_MB", default.max_body_mb, 1, 1000),
        retention_days=reader.number("RETENTION_DAYS", default.retention_days, 1, 36500),
        metrics=reader.metrics("METRICS", default.metrics),
        fhir_timeout_ms=reader.number("FHIR_TIMEOUT_MS", default.fhir_timeout_ms, 100, 120_000),
        hook_deadline_ms=reader.number("HOOK_DEADLINE_MS", default.hook_deadline_ms, 100, 60_000),
        exchange_log=reader.new_file("EXCHANGE_LOG"),
        log_level=reader.choice("LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
        demo=demo,
    )
    reader.refuse_unknown()
    host = urlsplit(settings.public_base_url).hostname or ""
    if settings.cds_auth == "optional" and not is_loopback(host):
        raise ConfigError(
            f"{PREFIX}CDS_AUTH=optional is for loopback only; PUBLIC_BASE_URL is {host}"
        )
    if not settings.secret_keys and not demo:
        raise ConfigError(
            f"{PREFIX}SECRET_KEYS is required: a comma list of random keys of at least 32 "
            "characters, the first encrypts, all decrypt"
        )
    for key in settings.secret_keys:
        if len(key) < 32:
            raise ConfigError(f"{PREFIX}SECRET_KEYS holds a key shorter than 32 characters")
    return settings


class _Reader:
    """Takes variables one by one and remembers which were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        # SMARTAPP_TEST_DATA belongs to the test suite, not to the product.
        self._asked: set[str] = {"TEST_DATA"}

    def text(self, name: str, default: str) -> str:
        self._asked.add(name)
        return self._values.get(name, "").strip() or default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(w.strip() for w in self.text(name, "").split(",") if w.strip())

    def some_of(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """A comma list of these words, each once, in their own order."""
        words = self.words(name)
        for word in words:
            if word not in allowed:
                raise ConfigError(f"{PREFIX}{name} names {word!r}; allowed: {', '.join(allowed)}")
        return tuple(word for word in allowed if word in words)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, allowed[0])
        if value not in allowed:
            raise ConfigError(f"{PREFIX}{name} is {value!r}; allowed: {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError:
            raise ConfigError(f"{PREFIX}{name} is {value!r}; a whole number is needed") from None
        if not low <= number <= high:
            raise ConfigError(f"{PREFIX}{name} is {number}; allowed: {low} to {high}")
        return number

    def file(self, name: str) -> Path | None:
        value = self.text(name, "")
        if not value:
            return None
        path = Path(value)
        if not path.is_file():
            raise ConfigError(f"{PREFIX}{name} names {value!r}, which is not a file")
        return path

    def new_file(self, name: str) -> Path | None:
        """A file that may be made."""
        value = self.text(name, "")
        if value and not Path(value).parent.is_dir():
            raise ConfigError(f"{PREFIX}{name} names {value!r}, whose folder is not there")
        return Path(value) if value else None

    def metrics(self, name: str, default: str) -> str:
        """ "off", "loopback", or a bearer token long enough not to be guessed."""
        value = self.text(name, default)
        if value not in ("off", "loopback") and len(value) < 16:
            raise ConfigError(
                f"{PREFIX}{name} must be off, loopback or a bearer token of at least 16 characters"
            )
        return value

    def base_url(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise ConfigError(f"{PREFIX}{name} is {value!r}; no address is written so") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{PREFIX}{name} is {value!r}; an http(s) address is needed")
        if parts.query or parts.fragment or parts.username:
            raise ConfigError(f"{PREFIX}{name} may hold only scheme, host, port and path")
        if not _PATH.fullmatch(parts.path):
            raise ConfigError(f"{PREFIX}{name} has the path {parts.path!r}; a plain one is needed")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigError(f"{PREFIX}{name} must be https unless it is loopback")
        return value

    def refuse_unknown(self) -> None:
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            raise ConfigError(f"unknown setting {PREFIX}{unknown[0]}")
