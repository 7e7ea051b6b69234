"""Looking into FHIR JSON that may be odd: a wrong shape is an absence, never an exception."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def dig(value: Any, *path: str | int) -> Any:
    """The value at `path` (member names and list positions), or None where the path ends."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str | int) -> str | None:
    """The string at `path`, or None for anything else."""
    found = dig(value, *path)
    return found if isinstance(found, str) else None


def rows(value: Any, *path: str | int) -> Iterator[dict[str, Any]]:
    """The objects of the list at `path`; one object alone counts as a list of one."""
    found = dig(value, *path)
    for row in found if isinstance(found, list) else [found]:
        if isinstance(row, dict):
            yield row


def concept_label(concept: Any) -> str:
    """How a CodeableConcept reads: its text, else the first display, else the first code."""
    if label := text(concept, "text"):
        return label
    for name in ("display", "code"):
        for coding in rows(concept, "coding"):
            if label := text(coding, name):
                return label
    return ""


def human_name(resource: Any) -> str:
    """The official name as it is spoken, or the first one there is."""
    names = sorted(rows(resource, "name"), key=lambda name: name.get("use") != "official")
    for name in names:
        given = name.get("given") if isinstance(name.get("given"), list) else []
        parts = [*(part for part in given or [] if isinstance(part, str)), text(name, "family")]
        if spoken := " ".join(part for part in parts if part) or text(name, "text"):
            return spoken
    return "(no name)"
