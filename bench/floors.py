"""The floors: the least that a Flask view can do with the same bodies under the same server.

`bare` parses the body with orjson and returns a fixed card. `writing` also keeps the rows that the
service keeps, in one durable transaction on a database of the same making.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import orjson
from flask import Flask, Response, request

from smartapp.ledger import AuditEvent, audit, open_ledger
from smartapp.ledger.cards import HookCall, ShownFinding, record_call
from smartapp.settings import Settings

CARD = orjson.dumps(
    {
        "cards": [
            {
                "uuid": "49192bd1-f7f3-4bdd-bc5f-997dd59a950a",
                "summary": "A fixed card",
                "indicator": "info",
                "source": {"label": "The floor", "topic": {"code": "floor", "system": "urn:x"}},
                "detail": "word " * 600,
            }
        ]
    }
)


def bare() -> Flask:
    """Parse with orjson, answer with a fixed card."""
    app = Flask("floor")

    @app.post("/cds-services/<service>")
    def call(service: str) -> Response:
        orjson.loads(request.get_data(cache=False))
        return Response(CARD, content_type="application/json")

    return app


def writing() -> Flask:
    """The same, with one call, BENCH_FINDINGS findings and one audit row kept per request."""
    app = Flask("writing-floor")
    home = Path(os.environ["SMARTAPP_HOME_DIR"])
    ledger = open_ledger(Settings(home_dir=home, secret_keys=("b" * 40,)))
    findings = int(os.environ.get("BENCH_FINDINGS", "1"))

    @app.post("/cds-services/<service>")
    def call(service: str) -> Response:
        body = orjson.loads(request.get_data(cache=False))
        context = body["context"]
        card, now = str(uuid.uuid4()), datetime.now(UTC)
        with ledger.writing() as conn:
            kept = HookCall(
                card, now, "local", "local", context["patientId"], context["userId"], service,
                body["hookInstance"], context["encounterId"], "aua 1", 1,
            )  # fmt: skip
            record_call(conn, ledger.vault, kept, [_shown(card, n) for n in range(findings)])
            audit.append(conn, _event(kept))
        return Response(CARD, content_type="application/json")

    return app


def _shown(card: str, number: int) -> ShownFinding:
    finding = f"{number:024x}"
    return ShownFinding(
        card, finding, "code", "info", "R-1", finding, finding, finding, None, "A sentence " * 6
    )


def _event(call: HookCall) -> AuditEvent:
    return AuditEvent(
        kind=audit.HOOK_ANSWERED,
        at=call.at,
        who=call.user,
        patient=call.patient,
        issuer=call.issuer,
        detail={"call": call.call, "service": call.service, "findings": [], "keys": {}},
    )
