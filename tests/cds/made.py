"""Findings and assessments made by hand, for what the cards must do whatever the engine says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from smartapp.engine.assessment import (
    Assessment,
    Axis,
    Citation,
    Evidence,
    Finding,
    Option,
    ProtocolRef,
    Recommendation,
    Severity,
    Therapy,
)
from smartapp.patient.record import Wishes

WHEN = datetime(2026, 11, 1, 8, 10, tzinfo=UTC)


def evidence(**changes: Any) -> Evidence:
    given: dict[str, Any] = {
        "reference": "Observation/1",
        "analyte": "testosterone",
        "value": Decimal("181.705"),
        "unit": "ng/dL",
        "original": "6.30 nmol/L",
        "effective": WHEN,
        "role": "fired",
        **changes,
    }
    return Evidence(**given)


def finding(
    code: str = "hematocrit-high", severity: Severity = "warning", **changes: Any
) -> Finding:
    given: dict[str, Any] = {
        "id": f"id-{code}",
        "code": code,
        "severity": severity,
        "summary": f"{code} was found",
        "detail": "What it means.",
        "rule": "R-TEST-01",
        "basis": "guideline",
        "citations": (Citation("A guideline 2018", "https://guideline.example/2018"),),
        "evidence": (evidence(),),
        "fingerprint": "f1",
        "card": True,
        "decision": code,
        **changes,
    }
    return Finding(**given)


def option(agent: str, *regimens: str, eligible: bool = True) -> Option:
    return Option(agent, eligible, "as published", (), (), "off-label", regimens)


def assessment(*findings: Finding, **changes: Any) -> Assessment:
    given: dict[str, Any] = {
        "patient": "Patient/smith",
        "as_of": WHEN,
        "protocol": ProtocolRef("aua", "2026.11"),
        "axis": Axis("secondary", "low testosterone, LH in range"),
        "therapy": Therapy("none"),
        "recommendation": Recommendation("candidate"),
        "findings": findings,
        "not_evaluable": (),
        "near_misses": (),
        "due": (),
        "endpoints": (),
        "wishes": Wishes(),
        "unused": (),
        **changes,
    }
    return Assessment(**given)
