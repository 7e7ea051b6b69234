"""An assessment as JSON: exactly the members of the contract, numbers with their digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from smartapp.engine.assessment import (
    Assessment,
    Evidence,
    Finding,
    TherapyAgent,
)

_ENCODER = msgspec.json.Encoder(decimal_format="number")

# Members that stay inside the product (marked so in assessment.py) are not named here.
_EVIDENCE = (
    "reference", "analyte", "value", "unit", "original", "effective", "role", "note",
)  # fmt: skip
_FINDING = ("id", "code", "severity", "summary", "detail", "rule", "basis")
_OPTION = ("agent", "eligible", "regimen", "blocked_by", "cautions", "regulatory")
_DOSE = ("amount", "unit", "per_day", "text")
_ENDPOINT = (
    "tool", "item", "value", "scale", "effective", "baseline", "change", "meaningful", "reference",
)  # fmt: skip


def to_json(assessment: Assessment) -> bytes:
    """The assessment of the contract, section 3, as UTF-8 JSON.

    Dates are ISO 8601, decimals JSON numbers with the digits they have, absent values null.
    """
    return _ENCODER.encode(to_members(assessment))


def to_members(assessment: Assessment) -> Mapping[str, Any]:
    """The same as plain members, for NDJSON lines that carry them beside other members."""
    axis, therapy, standing = assessment.axis, assessment.therapy, assessment.recommendation
    return {
        "patient": assessment.patient,
        "as_of": assessment.as_of,
        "protocol": _members(assessment.protocol, ("profile", "version")),
        "axis": {
            "state": axis.state,
            "reason": axis.reason,
            "evidence": _evidence(axis.evidence),
        },
        "therapy": {
            "status": therapy.status,
            "agents": [_agent(agent) for agent in therapy.agents],
            "weeks": therapy.weeks,
        },
        "recommendation": {
            "status": standing.status,
            "options": [_members(option, _OPTION) for option in standing.options],
        },
        "findings": [_finding(finding) for finding in assessment.findings],
        "not_evaluable": [
            _members(item, ("rule", "code", "reason", "fix")) for item in assessment.not_evaluable
        ],
        "near_misses": [
            _members(item, ("rule", "code", "text")) for item in assessment.near_misses
        ],
        "due": [
            _members(item, ("test", "loinc", "due", "window", "overdue")) for item in assessment.due
        ],
        "endpoints": [_members(item, _ENDPOINT) for item in assessment.endpoints],
        "wishes": _members(assessment.wishes, ("fertility", "endogenous", "source", "date")),
        "unused": [_members(item, ("reference", "reason")) for item in assessment.unused],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        **_members(finding, _FINDING),
        "citations": [_members(c, ("label", "url")) for c in finding.citations],
        "evidence": _evidence(finding.evidence),
    }


def _evidence(items: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    return [_members(item, _EVIDENCE) for item in items]


def _agent(agent: TherapyAgent) -> dict[str, Any]:
    return {
        **_members(agent, ("agent", "start", "stop", "status")),
        "dose": None if agent.dose is None else _members(agent.dose, _DOSE),
        "reference": agent.reference,
    }


def _members(item: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}
