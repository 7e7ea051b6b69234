"""Starts servers: the production one, and the demo pair on this machine."""

from __future__ import annotations

import secrets
import signal
import tempfile
import threading
import webbrowser
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args
from wsgiref.types import WSGIApplication

import click
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from smartapp.errors import ConfigError
from smartapp.logs import start_logging
from smartapp.settings import PREFIX, Settings, from_environ, is_loopback

if TYPE_CHECKING:
    from smartapp.demo import Behaviour, DemoConfig


def application() -> WSGIApplication:
    """The app with settings from the environment: what a WSGI server imports and calls."""
    from smartapp.app import create_app

    settings = from_environ()
    start_logging(settings.log_level)
    return create_app(settings)


def serve(host: str, port: int, workers: int) -> None:
    """Run granian until stopped.

    Settings, the files they name and the ledger are tried first, so that what is wrong with them is
    one line here and not a traceback of each worker. Refuses (ConfigError, KnowledgeError,
    LedgerError) like `create_app`, and unverified hook calls beyond loopback.

    granian was chosen by measurement (`make bench`): less CPU a request than gunicorn, the same
    answers. Its access log is off; the app writes its own lines without query strings.
    """
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from smartapp.app import ground

    settings = from_environ()
    if settings.cds_auth == "optional" and not is_loopback(host):
        raise ConfigError(f"{PREFIX}CDS_AUTH=optional is for loopback only; --host is {host}")
    *_, ledger = ground(settings)
    ledger.close()
    Server(
        "smartapp.serve:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=8,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


def demo(
    port: int,
    ehr_port: int,
    *,
    open_browser: bool,
    base_path: str = "",
    vendor: str = "generic",
    empty: bool = False,
) -> None:
    """Run the app and the sandbox EHR in this process until interrupted.

    The app's home is a fresh folder that goes away at the end; nothing beyond loopback is asked.
    """
    start_logging("WARNING")
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    with (
        tempfile.TemporaryDirectory(prefix="hpg-demo-") as home,
        DemoPair(
            Path(home), port, ehr_port, base_path=base_path, vendor=vendor, empty=empty
        ) as pair,
    ):
        click.echo(
            f"Sandbox EHR  {pair.ehr_url}/\nApp          {pair.app_url}/\n"
            f"FHIR base    {pair.fhir_base}\nCtrl-C stops both."
        )
        if open_browser:
            webbrowser.open(f"{pair.ehr_url}/")
        stopped.wait()


class DemoPair:
    """App and sandbox EHR, each on its port of this machine: for the demo and for tests.

    The app is at 127.0.0.1 and the EHR at localhost, so that the frame is truly cross-site, as in
    a hospital. With `same_site` both are at 127.0.0.1. `client` names one of the EHR's registered
    clients: `hpg-monitor` (public), `hpg-monitor-confidential` (secret) or `hpg-monitor-key` (the
    app's own keys, made for the occasion). `vendor` names the kind of EHR that is played
    (demo/vendors.toml); `behaviour` plays one that has no name.
    `empty`: the EHR holds no patient yet.
    """

    def __init__(
        self,
        home: Path,
        port: int,
        ehr_port: int,
        *,
        base_path: str = "",
        same_site: bool = False,
        client: str = "hpg-monitor",
        vendor: str = "generic",
        behaviour: Behaviour | None = None,
        empty: bool = False,
    ) -> None:
        self.home = home
        self.app_url = f"http://127.0.0.1:{port}{base_path.rstrip('/')}"
        host = "127.0.0.1" if same_site else "localhost"
        self.ehr_url = f"http://{host}:{ehr_port}"
        self._ports = (port, ehr_port)
        self._client = client
        self._vendor = vendor
        self._behaviour = behaviour
        self._empty = empty

    def __enter__(self) -> DemoPair:
        from smartapp.app import create_app
        from smartapp.demo import DemoConfig, behaviour_of
        from smartapp.demo.serve import start

        config = DemoConfig(
            origin=self.ehr_url,
            app_base_url=self.app_url,
            launch_url=f"{self.app_url}/launch",
            redirect_uris=(f"{self.app_url}/callback",),
            behaviour=self._behaviour or behaviour_of(self._vendor),
        )
        self.fhir_base = config.fhir_base
        port, ehr_port = self._ports
        with ExitStack() as begun:
            app = create_app(self._settings(config))
            begun.callback(app.extensions["ledger"].close)
            begun.callback(app.extensions["stop_sweeper"])
            begun.callback(Running(app, "127.0.0.1", port).stop)
            self._ehr = start(config, "127.0.0.1", ehr_port, empty=self._empty)
            begun.callback(self._ehr.stop)
            self._begun = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._begun.close()

    def correct(self, resource: dict[str, Any]) -> None:
        """Let the sandbox's laboratory send a corrected version of a result."""
        self._ehr.repository.replace(resource)

    def _settings(self, config: DemoConfig) -> Settings:
        from smartapp.ledger.secrets import Vault
        from smartapp.smart.keyring import KeyRing
        from smartapp.smart.profiles import Profile, ways_of

        client = next(c for c in config.registrations if c.client_id == self._client)
        secret_key = secrets.token_urlsafe(48)
        profile: Profile = "generic"
        if self._vendor in get_args(Profile):
            profile = cast("Profile", self._vendor)
        lines = [
            "[[issuer]]",
            f'fhir_base = "{config.fhir_base}"',
            f'client_id = "{self._client}"',
            'timezone = "America/New_York"',
            f'frame_ancestors = ["{self.ehr_url}"]',
            f'profile = "{profile}"',
        ]
        # Only where neither discovery nor the profile can tell, so that both are tried.
        if (
            config.id_token_issuer != ways_of(profile).signing_issuer(config.issuer)
            or config.behaviour.smart_configuration == "none"
        ):
            lines.append(f'id_token_issuer = "{config.id_token_issuer}"')
        lines.append(f'auth = "{client.auth if config.behaviour.oauth else "none"}"')
        if client.secret is not None:
            lines.append('client_secret_file = "ehr.secret"')
            (self.home / "ehr.secret").write_text(client.secret, encoding="utf-8")
        if client.auth == "key":
            KeyRing(self.home, Vault((secret_key,)), lambda: datetime.now(UTC)).generate()
        # The sandbox writes testis volumes under a code of its own, as hospitals do.
        lines += [
            "[issuer.local_codes]",
            '"https://sandbox-ehr.example/exam-codes|TESTIS-VOL" = { loinc = "testis-volume" }',
        ]
        issuers = self.home / "issuers.toml"
        issuers.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return from_environ(
            {
                f"{PREFIX}PUBLIC_BASE_URL": self.app_url,
                f"{PREFIX}HOME_DIR": str(self.home),
                f"{PREFIX}ISSUERS_FILE": str(issuers),
                f"{PREFIX}CDS_CLIENTS_FILE": str(self._clients_file(config)),
                f"{PREFIX}SECRET_KEYS": secret_key,
                f"{PREFIX}CORS_ORIGINS": self.ehr_url,
            },
            demo=True,
        )

    def _clients_file(self, config: DemoConfig) -> Path:
        """The sandbox EHR as the one trusted CDS client: it signs every call, as a hospital's."""
        lines = [
            "[[client]]",
            f'iss = "{config.fhir_base}"',
            f'jku = "{config.jwks_url}"',
            'tenant = "sandbox"',
            f'fhir_servers = ["{config.fhir_base}"]',
            'timezone = "America/New_York"',
        ]
        clients = self.home / "cds-clients.toml"
        clients.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return clients


class _QuietHandler(WSGIRequestHandler):
    """Werkzeug's access log holds query strings (code, state, launch): the demo keeps none."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Running:
    """A WSGI app served from a thread of this process, on loopback."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._server: BaseWSGIServer = make_server(
            host, port, app, threaded=True, request_handler=_QuietHandler
        )
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; returns when the socket is closed."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
