"""docs/connect.md followed to the letter, with the sandbox EHR in the place of the public ones."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from smartapp.app import create_app
from smartapp.demo import DemoConfig, behaviour_of
from smartapp.demo.serve import start
from smartapp.serve import Running
from smartapp.settings import from_environ

PAGE = (Path(__file__).parents[2] / "docs" / "connect.md").read_text(encoding="utf-8")
PATIENT = "gregor-halloran"

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="the page's commands use curl")


def block(name: str) -> str:
    """The page's fenced block of that name."""
    found = re.search(rf"^ *```\w+ {name}\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"the page has no block {name}"
    return re.sub(r"(?m)^   ", "", found[1])


def run(command: str) -> None:
    """One command of the page, in a shell that finds this installation's `smartapp`."""
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "NO_PROXY": "*"}
    subprocess.run(["bash", "-ec", f"set -o pipefail; {command}"], env=environ, check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """The page's app and, in the place of a public server, the sandbox EHR without patients."""

    def __init__(self, vendor: str) -> None:
        port, ehr_port = free_port(), free_port()
        self.app = f"http://127.0.0.1:{port}"
        self.config = DemoConfig(
            origin=f"http://localhost:{ehr_port}",
            app_base_url=self.app,
            launch_url=f"{self.app}/launch",
            redirect_uris=(f"{self.app}/callback",),
            behaviour=behaviour_of(vendor),
        )
        self._ports = port, ehr_port

    @contextmanager
    def running(self, issuers: str, home: Path) -> Iterator[None]:
        (home / "issuers.toml").write_text(issuers)
        settings = from_environ(
            {
                "SMARTAPP_SECRET_KEYS": "k" * 48,
                "SMARTAPP_ISSUERS_FILE": str(home / "issuers.toml"),
                "SMARTAPP_HOME_DIR": str(home),
                "SMARTAPP_PUBLIC_BASE_URL": self.app,
            }
        )
        with ExitStack() as begun:
            app = create_app(settings)
            begun.callback(app.extensions["ledger"].close)
            begun.callback(app.extensions["stop_sweeper"])
            begun.callback(Running(app, "127.0.0.1", self._ports[0]).stop)
            begun.callback(start(self.config, "127.0.0.1", self._ports[1], empty=True).stop)
            yield

    def browse(self, url: str) -> requests.Response:
        """Follow redirects as a browser does: the app's cookie counts as secure on loopback."""
        cookie = ""
        for _ in range(8):
            ours = url.startswith(self.app)
            answer = requests.get(
                url, headers={"Cookie": cookie} if ours else {}, allow_redirects=False, timeout=20
            )
            if ours and "Set-Cookie" in answer.headers:
                cookie = answer.headers["Set-Cookie"].partition(";")[0]
            if not answer.is_redirect:
                return answer
            url = requests.compat.urljoin(url, answer.headers["Location"])
        raise AssertionError("redirected in a circle")


@needs_curl
def test_the_open_server_of_the_page(tmp_path: Path) -> None:
    public, site = "https://hapi.fhir.org/baseR4", Site("hapi")
    base = site.config.fhir_base
    with site.running(block("open").replace(public, base), tmp_path):
        run(block("load-open").replace(public, base))
        run(block("load-open").replace(public, base))
        address = re.search(r"<http://127.0.0.1:5000(/open\?[^>]+)>", PAGE)
        assert address
        page = site.browse(site.app + address[1].replace(public, base))
        assert page.status_code == 200
        assert urlsplit(page.url).path.startswith("/chart/")
        assert "Halloran" in page.text
        assert "open test server" in page.text.lower()
        assert "Severe primary testicular failure" in page.text

        run(block("delete-open").replace(public, base))
        assert requests.get(f"{base}/Patient/{PATIENT}", timeout=5).status_code == 404
        assert requests.get(f"{base}/Observation?_count=1", timeout=5).json()["total"] == 0


@needs_curl
def test_the_smart_launcher_of_the_page(tmp_path: Path) -> None:
    public, site = "https://launch.smarthealthit.org", Site("smart-launcher")
    with site.running(block("launcher").replace(public, site.config.origin), tmp_path):
        run(block("load-launcher").replace(public, site.config.origin))
        chart = requests.get(f"{site.config.origin}/chart/{PATIENT}/app", timeout=20)
        frame = re.search(r'<iframe[^>]+src="([^"]+)"', chart.text)
        assert frame, "the patient who was loaded has a chart"
        page = site.browse(unescape(frame[1]))
        assert page.status_code == 200, page.text
        assert "Halloran" in page.text
        assert "Severe primary testicular failure" in page.text
