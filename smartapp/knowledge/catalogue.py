"""What can be recognised: analytes by LOINC and unit, drugs and problems by code and text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

UnitKind = Literal["mass", "molar", "units", "fraction", "number"]


@dataclass(frozen=True, slots=True)
class LoincCode:
    """One LOINC code of an analyte. `kind` is the property the code promises (mass, molar, …)."""

    code: str
    kind: UnitKind
    method: str | None
    display: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One accepted unit spelling of one analyte: canonical = sent * factor + 0 (exact Decimal)."""

    spelling: str
    factor: Decimal
    kind: UnitKind


@dataclass(frozen=True, slots=True)
class Limits:
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Analyte:
    """An analyte is a set of codes, one canonical unit, and what may be believed of its values.

    hard/soft        plausibility (outside hard: unused; outside soft: used and flagged)
    default_range    used where the laboratory's range is absent or outside the accept window
    accept_low/high  window for the laboratory's lower/upper limit (R-REF-01); None: not judged
    printed_cuts     SI values a laboratory prints for a cut, and the canonical figure they mean
    required         counts as "the hormone Observations" a hook answer requires (contract 4)
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


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug (or one form of it, where the form decides the wash-out).

    role          what it is to this product
    hpg_active    acts on the axis: labs drawn under it are not classified
    washout_days  after the last dose; None where the drug does not act on the axis
    allergy_group drugs that share a hypersensitivity (clinical-rules 8)
    """

    key: str
    name: str
    drug_class: str
    role: Literal["recalibration", "adjunct", "androgen", "gnrh", "other"]
    hpg_active: bool
    washout_days: int | None
    allergy_group: str | None
    rxnorm: frozenset[str]
    atc: tuple[str, ...]
    pattern: re.Pattern[str] | None
    regulatory: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class ConditionConcept:
    """One concept a problem or procedure may mean, by SNOMED CT, ICD-10 prefix, PCS, CPT or text.

    `pattern` matches text only; a text match never outranks a code that says otherwise.
    """

    key: str
    name: str
    snomed: frozenset[str]
    icd10: tuple[str, ...]
    icd10_except: tuple[str, ...]
    procedure_codes: frozenset[str]
    pattern: re.Pattern[str] | None
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All three, with the indices reading needs. Built once at start, never changed.

    by_loinc    LOINC code → analyte key
    by_rxnorm   RxNorm code → drug key
    by_snomed   SNOMED code → concept keys
    """

    analytes: Mapping[str, Analyte]
    drugs: Mapping[str, Drug]
    conditions: Mapping[str, ConditionConcept]
    by_loinc: Mapping[str, str]
    by_rxnorm: Mapping[str, str]
    by_snomed: Mapping[str, frozenset[str]]
