"""Refusals of the FHIR API, as OperationOutcome."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A FHIR interaction refused: HTTP status, OperationOutcome issue code, one sentence.

    `challenge` is the WWW-Authenticate header of a 401 or 403 (RFC 6750, section 3).
    """

    def __init__(self, status: int, code: str, text: str, challenge: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.challenge = challenge


def operation_outcome(refused: Refused) -> dict[str, Any]:
    """The body of a refusal."""
    issue = {"severity": "error", "code": refused.code, "diagnostics": refused.text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
