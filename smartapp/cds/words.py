"""The fixed sentences of a card, and how anything from outside is written into its Markdown.

Clinical sentences come from the knowledge; here is only what frames them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

INTENDED_USE = (
    "For prescribers, as support for their judgement. Not for emergencies or time-critical "
    "decisions. The basis of every statement is shown so that it can be checked."
)
RESPONSIBILITY = "Decision and responsibility: prescriber."

# "Fewer than 140 characters" (CDS Hooks 2.0.1, card attributes), counted in code points.
SUMMARY_LIMIT = 139

LAUNCH_LABEL = "Open in the HPG Recalibration Monitor"

BASIS = {
    "guideline": "guideline",
    "label": "drug label",
    "trial": "trial evidence",
    "default": "our default, where no guideline gives one",
    "extrapolated": "carried over from testosterone therapy",
}

# Prefetch key or FHIR type -> what a physician calls it.
SOURCES = {
    "patient": "demographics",
    "hormones": "hormone results",
    "safety": "safety laboratory results",
    "conditions": "diagnoses",
    "procedures": "procedures",
    "medicationRequests": "prescriptions",
    "medicationStatements": "reported medication",
    "medications": "names of some drugs",
    "allergies": "allergies",
    "goals": "goals",
    "dispenses": "dispensed medication",
    "administrations": "administered medication",
    "questionnaires": "questionnaire answers",
}

MORNING_DRAW = "Draw between 07:00 and 11:00 on the patient's clock, fasting if possible."

_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "`": "\\`",
        "*": "\\*",
        "_": "\\_",
        "[": "\\[",
        "]": "\\]",
        "#": "\\#",
        "|": "\\|",
        "~": "\\~",
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
        "\n": " ",
        "\r": " ",
        "\t": " ",
    }
)


def escape(text: str) -> str:
    """`text` as literal Markdown on one line: no markup, no HTML, no link from a bare address."""
    safe = text.translate(_ESCAPES)
    if "://" in safe:
        safe = safe.replace("://", ":\\//")
    if "www." in safe:
        safe = safe.replace("www.", "www\\.")
    return safe


def number(value: Decimal) -> str:
    """At most four significant digits, never an exponent."""
    digits = 3 - value.adjusted() if value else 0
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > max(digits, 0):
        value = round(value, max(digits, 0))
    return format(value, "f")


def moment(when: datetime | date | None) -> str:
    """A date, with the time and offset as sent when there is one."""
    if when is None:
        return "date unknown"
    if isinstance(when, datetime):
        return when.isoformat(" ", "minutes")
    return when.isoformat()


def cut(text: str, most: int = SUMMARY_LIMIT) -> str:
    """`text` on one line of at most `most` code points, cut at a word (CDS Hooks: summary)."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    at = head.rfind(" ")
    return (head[:at] if at > most // 2 else head).rstrip(" ,;:.") + "…"
