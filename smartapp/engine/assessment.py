"""The answer: what the data mean, why, and what could not be told (contract, section 3).

These types are the JSON of `assess --format json`, feed the cards and fill the dashboard. Members
the contract does not name are marked "inside" and stay out of the JSON (see `to_json`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from smartapp.labs.reading import Unused
from smartapp.patient.record import Dose, Wishes

Severity = Literal["info", "warning", "critical"]
Basis = Literal["guideline", "label", "trial", "default", "extrapolated"]
AxisState = Literal[
    "eugonadal",
    "secondary",
    "primary",
    "severe-primary",
    "mixed",
    "compensated",
    "isolated-fsh",
    "suppressed",
    "on-therapy",
    "indeterminate",
    "insufficient",
    "not-applicable",
]
RecommendationStatus = Literal[
    "candidate",
    "not-suitable",
    "not-indicated",
    "specialist",
    "confirm-first",
    "on-therapy",
    "cannot-assess",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One datum a statement rests on.

    `value` in `unit` (canonical), `original` as sent; `role` says what it did ("fired", "range",
    "confirms", "blocks"). A diagnosis or drug has `analyte` None and its words in `note`.
    """

    reference: str
    analyte: str | None
    value: Decimal | None
    unit: str | None
    original: str | None
    effective: datetime | date | None
    role: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What would settle or answer a statement; cards turn it into a suggestion.

    kind     "order-lab" (`code` = LOINC) | "remove-order" (`code` = the draft's reference)
             | "start-regimen" (`code` = regimen key) | "refer" (`code` = specialty key)
             | "questionnaire" | "tell" (words only)
    """

    kind: Literal["order-lab", "remove-order", "start-regimen", "refer", "questionnaire", "tell"]
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about one man.

    `id` hashes issuer, patient, rule and state, never the evidence: the same in card, dashboard
    and feedback. Inside: `fingerprint` hashes the evidence; `card` is whether it makes a card in
    this context; `decision` groups findings that share a card; `agent` the drug it is about.
    """

    id: str
    code: str
    severity: Severity
    summary: str
    detail: str
    rule: str
    basis: Basis
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    fingerprint: str
    card: bool
    decision: str
    agent: str | None = None
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class NotEvaluable:
    """A rule that could not be judged: `reason` and what would fix it, in words (inside: fixes)."""

    rule: str
    code: str
    reason: str
    fix: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class NearMiss:
    rule: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    state: AxisState
    reason: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class TherapyAgent:
    agent: str
    start: date | None
    stop: date | None
    status: str
    dose: Dose | None
    reference: str


@dataclass(frozen=True, slots=True)
class Therapy:
    status: Literal["none", "recalibration", "testosterone", "other-androgen", "adjunct"]
    agents: tuple[TherapyAgent, ...] = ()
    weeks: int | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One agent: eligible or not, and by what it is blocked. An option, never an order.

    `blocked_by` and `cautions` are stable keys of the matrix; `regimen` is the published start in
    words; `regulatory` the off-label or on-label status. Inside: `regimens`, keys of published
    starts that may be drafted (clinical-rules 10); `blocked_words` and `caution_words`, what the
    keys mean, one for one.
    """

    agent: str
    eligible: bool
    regimen: str
    blocked_by: tuple[str, ...]
    cautions: tuple[str, ...]
    regulatory: str
    regimens: tuple[str, ...] = ()
    blocked_words: tuple[str, ...] = ()
    caution_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """One point the answer waits for: a stable key, the words, and what would settle it."""

    key: str
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The status and the options. Inside: `reasons`, what an unsettled answer waits for."""

    status: RecommendationStatus
    options: tuple[Option, ...] = ()
    reasons: tuple[Why, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    test: str
    loinc: str
    due: date
    window: tuple[date, date]
    overdue: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    tool: str
    item: str
    value: Decimal
    scale: str
    effective: datetime | date
    baseline: Decimal | None
    change: Decimal | None
    meaningful: bool | None
    reference: str


@dataclass(frozen=True, slots=True)
class ProtocolRef:
    """Which knowledge spoke. Inside: `overridden`, the parameters a site changed."""

    profile: str
    version: str
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    patient: str
    as_of: datetime
    protocol: ProtocolRef
    axis: Axis
    therapy: Therapy
    recommendation: Recommendation
    findings: tuple[Finding, ...]
    not_evaluable: tuple[NotEvaluable, ...]
    near_misses: tuple[NearMiss, ...]
    due: tuple[Due, ...]
    endpoints: tuple[Endpoint, ...]
    wishes: Wishes
    unused: tuple[Unused, ...]
