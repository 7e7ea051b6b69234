"""The peer: HealthChain's CDS gateway with a handler that does nothing, in a venv of its own.

Asked for with PEERS=1, because it downloads a package. The handler returns one fixed card; the
rest is what the framework does with the same bodies.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[1] / "build" / "peers"
PACKAGE = "healthchain"
PATH = "/cds/cds-services/hpg-patient-view"

APP = """
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models import Card, CDSRequest, CDSResponse

cds = CDSHooksService()


@cds.hook("patient-view", id="hpg-patient-view")
def empty(request: CDSRequest) -> CDSResponse:
    card = Card(summary="A fixed card", indicator="info", source={"label": "The peer"})
    return CDSResponse(cards=[card])


app = HealthChainAPI()
app.register_service(cds, path="/cds")
"""


def wanted() -> bool:
    """Whether the peer was asked for."""
    return os.environ.get("PEERS") == "1"


def interpreter() -> str:
    """The Python of the peer's environment, made on first use."""
    python = HOME / "venv" / "bin" / "python"
    if not python.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=True)  # noqa: S603
        pip = [str(python), "-m", "pip", "install", "-q", PACKAGE, "uvicorn"]
        subprocess.run(pip, check=True)  # noqa: S603
    (HOME / "hpg_peer.py").write_text(APP, encoding="utf-8")
    return str(python)


def environment() -> dict[str, str]:
    """Where the peer's app is found."""
    return {"PYTHONPATH": str(HOME)}
