"""What can be recognised: analytes by LOINC and unit, drugs and problems by code and text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Literal

from smartapp.knowledge.questionnaires import Questionnaires

UnitKind = Literal["mass", "molar", "units", "fraction", "number"]
PlanKey = Literal["hormones", "safety"]
Worse = Literal["high", "low"]
Role = Literal["recalibration", "adjunct", "androgen", "gnrh", "other"]


@dataclass(frozen=True, slots=True)
class LoincCode:
    """One LOINC code of an analyte. `kind` is the property the code promises (mass, molar, …)."""

    code: str
    kind: UnitKind
    method: str | None
    display: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One accepted unit of one analyte: canonical = sent * factor + offset (exact Decimal).

    `offset` is zero but for HbA1c; `note` is a flag every value converted with it carries.
    """

    spelling: str
    factor: Decimal
    kind: UnitKind
    offset: Decimal = Decimal(0)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class SuspectUnit:
    """Values that were probably sent under the wrong label (clinical-rules 2.5).

    A value within `low`..`high` labelled `unit` is not believed when the man's `unless_high` (an
    analyte key), drawn within `within_days`, is at or below its upper limit.
    """

    unit: str
    low: Decimal
    high: Decimal
    unless_high: str
    within_days: int


@dataclass(frozen=True, slots=True)
class Vermeulen:
    """The pinned constants of calculated free testosterone (clinical-evidence 2.1).

    Association constants in L/mol, molar masses in g/mol, albumin in g/dL, SHBG in nmol/L.
    A measured albumin counts within `albumin_max_days` of the draw. A measured bioavailable
    testosterone further than `measured_apart` per cent from the calculated one disagrees with it.
    """

    k_shbg: Decimal
    k_albumin: Decimal
    albumin_molar_mass: Decimal
    testosterone_molar_mass: Decimal
    default_albumin: Decimal
    albumin_max_days: int
    albumin_limits: Limits
    shbg_limits: Limits
    measured_apart: Decimal
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Morning:
    """The local hours in which a draw counts as a morning one, both bounds included."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Analyte:
    """An analyte is a set of codes, one canonical unit, and what may be believed of its values.

    hard/soft        plausibility (outside hard: unused; outside soft: used and flagged)
    default_range    used where the laboratory's range is absent or outside the accept window
    accept_low/high  window for the laboratory's lower/upper limit (R-REF-01); None: not judged
    printed_cuts     SI values a laboratory prints for a cut, and the canonical figure they mean
    required         counts as "the hormone Observations" a hook answer requires (contract 4)
    plan             which search of the plan asks for it
    ucum             `unit` in UCUM, for what is written out
    si_factor        SI = canonical * si_factor; conventional_factor likewise, where the canonical
                     unit is the SI one (free testosterone), else None
    units            spelling as in the file and levelled (`level_unit`) → unit
    refused_units    levelled spellings that are known and never converted, for `refused_reason`
    names            lower-case words by which a row without a known code looks like this analyte
    trap             the usual unit mistake, in words; "" when there is none
    order_loinc      the code we order by; "" where none is agreed
    worse            which of two values of one date acts in rules that stop or warn; None: neither
    """

    key: str
    name: str
    short: str
    unit: str
    si_unit: str | None
    si_factor: Decimal | None
    loinc: Mapping[str, LoincCode]
    order_loinc: str
    units: Mapping[str, Unit]
    hard: Limits
    soft: Limits
    default_range: Limits
    accept_low: Limits | None
    accept_high: Limits | None
    printed_cuts: Mapping[Decimal, Decimal]
    required: bool
    source: str
    mark: str
    plan: PlanKey = "safety"
    ucum: str = ""
    conventional_unit: str | None = None
    conventional_factor: Decimal | None = None
    refused_units: frozenset[str] = frozenset()
    refused_reason: str = ""
    suspect_unit: SuspectUnit | None = None
    names: tuple[str, ...] = ()
    trap: str = ""
    worse: Worse | None = None


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug (or one form of it, where the form decides the wash-out).

    role          what it is to this product
    hpg_active    acts on the axis: labs drawn under it are not classified
    washout_days  after the last dose; None where the drug does not act on the axis
    allergy_group drugs that share a hypersensitivity (clinical-rules 8)
    pattern       text; where several drugs match, the longest match is meant
    atc           prefixes; a longer prefix of another drug outranks a shorter one
    unless        words that tell of another form of its class: then the class's own entry is meant
    units_per_mg  [IU] in a milligram, where it is dosed by weight too
    unverified    codes of this entry that no public source was seen to confirm
    """

    key: str
    name: str
    drug_class: str
    role: Role
    hpg_active: bool
    washout_days: int | None
    allergy_group: str | None
    rxnorm: frozenset[str]
    atc: tuple[str, ...]
    pattern: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    units_per_mg: Decimal | None
    regulatory: str
    source: str
    mark: str
    unverified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConditionConcept:
    """One concept a problem or procedure may mean, by SNOMED CT, ICD-10 prefix, PCS, CPT or text.

    `pattern` matches text only; a text match never outranks a code that says otherwise. `unless`:
    words that tell of something else its codes mean as well.
    `unverified`: codes of this entry that no public source was seen to confirm.
    """

    key: str
    name: str
    snomed: frozenset[str]
    icd10: tuple[str, ...]
    icd10_except: tuple[str, ...]
    procedure_codes: frozenset[str]
    pattern: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    source: str
    mark: str
    unverified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All three, with the indices reading needs. Built once at start, never changed.

    by_loinc    LOINC code → analyte key
    by_rxnorm   RxNorm code → drug key
    by_snomed   SNOMED code → concept keys
    not_ours    LOINC code → why it is never read as one of our analytes, whatever its label says
    version     of the analyte, drug and condition files, in this order
    questionnaires  what the man tells: tools, items, codes and our forms (with their own version)
    """

    analytes: Mapping[str, Analyte]
    drugs: Mapping[str, Drug]
    conditions: Mapping[str, ConditionConcept]
    by_loinc: Mapping[str, str]
    by_rxnorm: Mapping[str, str]
    by_snomed: Mapping[str, frozenset[str]]
    not_ours: Mapping[str, str] = field(default_factory=dict)
    vermeulen: Vermeulen | None = None
    morning: Morning | None = None
    version: tuple[str, ...] = ()
    questionnaires: Questionnaires | None = None
