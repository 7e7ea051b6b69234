"""The furniture's words: what a state, a status or a severity is called on the screen.

Clinical sentences (findings, reasons, fixes) come from the knowledge; here are only the names.
Every key of the contract's enumerations has an entry; a test holds this to the types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["go", "caution", "stop", "neutral", "unknown"]

INTENDED_USE = (
    "For prescribers, as support for their judgement. Not for emergencies or time-critical "
    "decisions. The basis of every statement is shown so that it can be checked; decision and "
    "responsibility rest with the prescriber."
)


@dataclass(frozen=True, slots=True)
class Label:
    """A word, what it means in one line, and the tone it is painted in (never the tone alone)."""

    word: str
    tone: Tone
    hint: str = ""


AXIS: dict[str, Label] = {
    "eugonadal": Label("Eugonadal", "neutral", "testosterone not low, LH and FSH in range"),
    "secondary": Label(
        "Secondary hypogonadism", "caution", "low testosterone without a raised LH: central"
    ),
    "primary": Label(
        "Primary hypogonadism", "caution", "low testosterone with a raised LH: testes"
    ),
    "severe-primary": Label(
        "Severe primary testicular failure", "stop", "the testes cannot answer stimulation"
    ),
    "mixed": Label("Mixed hypogonadism", "caution", "low testosterone with a raised FSH"),
    "compensated": Label(
        "Compensated", "caution", "testosterone not low, held there by a raised LH"
    ),
    "isolated-fsh": Label("Isolated raised FSH", "caution", "testosterone not low, LH in range"),
    "suppressed": Label("Suppressed axis", "caution", "LH near zero: look for a drug or a lesion"),
    "on-therapy": Label("On therapy", "neutral", "not classified while a drug acts on the axis"),
    "indeterminate": Label("Not settled yet", "unknown", "one sample, or data that disagree"),
    "insufficient": Label("Not enough data", "unknown", "the samples needed are missing"),
    "not-applicable": Label("Outside these rules", "unknown", "not an adult man by the record"),
}

STATUS: dict[str, Label] = {
    "candidate": Label("Candidate for recalibration therapy", "go"),
    "not-suitable": Label("Recalibration therapy not suitable", "stop"),
    "not-indicated": Label("Recalibration therapy not indicated", "neutral"),
    "specialist": Label("Specialist review before any therapy", "caution"),
    "confirm-first": Label("Confirm before deciding", "caution"),
    "on-therapy": Label("On therapy: response and safety", "neutral"),
    "cannot-assess": Label("Cannot be assessed", "unknown"),
}

SEVERITY: dict[str, str] = {"critical": "Critical", "warning": "Warning", "info": "Note"}
SEVERITY_ORDER: dict[str, int] = {"critical": 0, "warning": 1, "info": 2}

BASIS: dict[str, str] = {
    "guideline": "guideline",
    "label": "drug label",
    "trial": "trial evidence",
    "default": "our default, where no guideline gives one",
    "extrapolated": "carried over from testosterone therapy",
}

THERAPY: dict[str, str] = {
    "none": "no hormone therapy on record",
    "recalibration": "recalibration therapy",
    "testosterone": "testosterone",
    "other-androgen": "another androgen",
    "adjunct": "adjunct only",
}

YES_NO: dict[str, str] = {"yes": "yes", "no": "no", "unknown": "not recorded"}

CLOCK: dict[str, str] = {
    "morning": "morning draw",
    "not-morning": "not a morning draw",
    "provisional": "time of day not known",
}

REPORT_STATUS: dict[str, tuple[str, str]] = {
    "preliminary": ("P", "preliminary"),
    "registered": ("P", "registered, not yet final"),
    "corrected": ("C", "corrected by the laboratory"),
    "amended": ("C", "amended by the laboratory"),
}

FLAGS: dict[str, str] = {
    "unit-over-code": "read by its unit, which contradicts its code",
    "soft-limit": "unusual value: please verify",
    "quoted-number": "the number came as text",
    "on-the-limit": "exactly on a printed limit",
    "preliminary": "preliminary",
    "corrected": "corrected by the laboratory",
    "amended": "amended by the laboratory",
    "local-code": "recognised by this site's local code",
    "assay-dependent-factor": "the conversion depends on the assay",
    "default-range": "no usable laboratory range: our default range",
    "assumed-unit": "no unit sent: unit assumed",
    "correction-undated": "since when is not told: known only as it stands today",
}

EPISODE: dict[str, str] = {
    "active": "ongoing",
    "stopped": "stopped",
    "uncertain": "end not known",
}

GAP_STATE: dict[str, str] = {
    "failed": "could not be read",
    "missing": "was not supplied",
    "partial": "was read only in part",
}

# FHIR resource type or search key, as a gap names it -> what it is, what no longer holds.
SOURCES: dict[str, tuple[str, str]] = {
    "patient": ("Demographics", "Whether the rules apply to this person is not certain."),
    "hormones": ("Hormone results", "The axis cannot be judged from what is shown here."),
    "safety": (
        "Safety laboratory results",
        "A missing hematocrit, PSA or liver test here does not mean it was not done.",
    ),
    "conditions": (
        "Diagnoses",
        "A contraindication may be on record that is not seen here; no diagnosis shown means "
        "nothing.",
    ),
    "procedures": ("Procedures", "An operation on the testes may be on record that is not seen."),
    "medications": (
        "Medications",
        "Results may have been drawn under a drug that is not seen; therapy bars may be missing.",
    ),
    "allergies": ("Allergies", "An allergy to one of the drugs may be on record that is not seen."),
    "goals": ("Goals", "A recorded wish for children may not be seen."),
    "questionnaires": ("Questionnaires", "Symptoms may be recorded that are not seen."),
}
SOURCE_OF: dict[str, str] = {
    "Patient": "patient",
    "Observation": "hormones",
    "Condition": "conditions",
    "Procedure": "procedures",
    "MedicationRequest": "medications",
    "MedicationStatement": "medications",
    "Medication": "medications",
    "medicationRequests": "medications",
    "medicationStatements": "medications",
    "AllergyIntolerance": "allergies",
    "Goal": "goals",
    "QuestionnaireResponse": "questionnaires",
}


def plain(key: str) -> str:
    """A machine key as words, for keys that no table names: "soft-limit" is "soft limit"."""
    return key.replace("-", " ").replace("_", " ")


WEIGHING = frozenset({"candidate", "not-suitable", "confirm-first", "specialist"})

# Why an option is closed, beyond the rows of the matrix.
# Reasons that say nothing against the drug itself.
OF_THE_STATE = frozenset(STATUS) - {"candidate"}


def flag(key: str) -> str:
    return FLAGS.get(key) or plain(key)
