"""Errors as FHIR says them: an OperationOutcome that holds no patient data."""

from __future__ import annotations

import msgspec


def operation_outcome(code: str, diagnostics: str) -> bytes:
    """The body of a refused call. `code` is a FHIR issue type."""
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})
