"""Is the service that is measured the one that judges? Answers against the engine in-process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from smartapp.cds.cards import EXTENSION, arrange
from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.fhir.model import Resources
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.patient import read_record

ISSUER = "local"  # the namespace of calls that name no FHIR server


def assess_body(body: bytes, knowledge: Knowledge, as_of: datetime) -> Assessment:
    """The assessment of a call's prefetch, without any server."""
    call: dict[str, Any] = orjson.loads(body)
    found = Resources()
    for value in call["prefetch"].values():
        read_bundle(orjson.dumps(value), found)
    record = read_record(
        found, knowledge.catalogue, issuer=ISSUER, patient_id=call["context"]["patientId"]
    )
    return assess(record, knowledge, as_of)


def differences(
    bodies: Sequence[bytes], answers: Sequence[bytes], knowledge: Knowledge
) -> list[str]:
    """One line for every answer whose findings are not those of `assess` on the same data."""
    now = datetime.now(UTC)
    wrong = []
    for number, (body, answer) in enumerate(zip(bodies, answers, strict=True)):
        judged = assess_body(body, knowledge, now).findings
        groups, _ = arrange(finding for finding in judged if finding.card)
        expected = [[(f.id, f.severity) for f in group] for group in groups]
        given = [
            [(f["id"], f["severity"]) for f in card["extension"][EXTENSION]]
            for card in orjson.loads(answer)["cards"]
        ]
        if given != expected:
            wrong.append(f"answer {number}: {given} instead of {expected}")
    return wrong
