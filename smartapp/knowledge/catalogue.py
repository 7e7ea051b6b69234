"""What can be recognised: analytes by LOINC and unit, drugs and problems by code and text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, DecimalException
from typing import Literal, get_args

from smartapp.knowledge.catalogue_table import MARKS, Table, read_table
from smartapp.knowledge.questionnaires import Questionnaires, load_questionnaires
from smartapp.knowledge.spelling import level_unit

UnitKind = Literal["mass", "molar", "units", "fraction", "number"]
PlanKey = Literal["hormones", "safety"]
Role = Literal["recalibration", "adjunct", "androgen", "gnrh", "other"]

UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
ROLES: tuple[Role, ...] = get_args(Role)


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


def load_catalogue() -> Catalogue:
    """The catalogue of this version, compiled.

    Refuses (KnowledgeError, naming file, key and reason) a file that contradicts itself: a code
    claimed twice, a unit without a kind, a regular expression that does not compile, soft limits
    outside the hard ones, a unit the values cannot be converted to, an unknown key.
    """
    analyte_file = read_table("analytes.toml")
    drug_file = read_table("drugs.toml")
    condition_file = read_table("conditions.toml")
    version = tuple(f.text("version") for f in (analyte_file, drug_file, condition_file))
    vermeulen = _vermeulen(analyte_file.table("vermeulen"))
    morning = _morning(analyte_file.table("morning"))
    analytes = read_analytes(analyte_file)
    by_loinc = {code: key for key, analyte in analytes.items() for code in analyte.loinc}
    not_ours = _not_ours(analyte_file, by_loinc)
    analyte_file.done()
    drugs = read_drugs(drug_file)
    drug_file.done()
    conditions = read_conditions(condition_file)
    condition_file.done()
    by_snomed: dict[str, frozenset[str]] = {}
    for key, concept in conditions.items():
        for code in concept.snomed:
            by_snomed[code] = by_snomed.get(code, frozenset()) | {key}
    return Catalogue(
        analytes=analytes,
        drugs=drugs,
        conditions=conditions,
        by_loinc=by_loinc,
        by_rxnorm={code: key for key, drug in drugs.items() for code in drug.rxnorm},
        by_snomed=by_snomed,
        not_ours=not_ours,
        vermeulen=vermeulen,
        morning=morning,
        version=version,
        questionnaires=load_questionnaires(),
    )


def read_analytes(file: Table) -> dict[str, Analyte]:
    """Every `[analyte.…]` table of the file. Refuses a LOINC code that two analytes claim."""
    units: dict[str, dict[str, Unit]] = {}
    analytes: dict[str, Analyte] = {}
    owner: dict[str, str] = {}
    for key, table in file.children("analyte"):
        units[key] = _with_display(table, _units(table, units))
        analytes[key] = analyte = _analyte(key, table, units[key])
        table.done()
        _claim(table, "loinc", analyte.loinc, owner, key)
    for key, analyte in analytes.items():
        if analyte.suspect_unit and analyte.suspect_unit.unless_high not in analytes:
            file.refuse(f"analyte.{key}.suspect_unit.unless_high", "names no analyte")
    return analytes


def read_drugs(file: Table) -> dict[str, Drug]:
    """Every `[drug.…]` table of the file. Refuses an RxNorm code that two drugs claim."""
    drugs: dict[str, Drug] = {}
    owner: dict[str, str] = {}
    for key, table in file.children("drug"):
        drugs[key] = drug = _drug(key, table)
        table.done()
        _claim(table, "rxnorm", drug.rxnorm, owner, key)
    return drugs


def read_conditions(file: Table) -> dict[str, ConditionConcept]:
    """Every `[concept.…]` table of the file. A code may belong to several concepts."""
    concepts: dict[str, ConditionConcept] = {}
    for key, table in file.children("concept"):
        concepts[key] = concept = ConditionConcept(
            key=key,
            name=table.text("name"),
            snomed=frozenset(table.words("snomed")),
            icd10=table.words("icd10"),
            icd10_except=table.words("icd10_except"),
            procedure_codes=frozenset(table.words("procedures")),
            pattern=table.pattern("text"),
            unless=table.pattern("unless"),
            source=table.text("source"),
            mark=table.choice("mark", MARKS),
            unverified=frozenset(table.words("unverified")),
        )
        table.done()
        _codes_are_marked(
            table, concept, concept.snomed | {*concept.icd10} | concept.procedure_codes
        )
        for prefix in concept.icd10_except:
            if not prefix.startswith(concept.icd10):
                table.refuse("icd10_except", f"{prefix} is under none of the prefixes")
        if not (concept.snomed or concept.icd10 or concept.procedure_codes or concept.pattern):
            table.refuse("", "can be recognised by nothing")
    return concepts


def _codes_are_marked(table: Table, entry: Drug | ConditionConcept, codes: frozenset[str]) -> None:
    """Refuses a doubt about a code that is not here, and a "V" that no code bears out."""
    for code in sorted(entry.unverified - codes):
        table.refuse("unverified", f"{code} is no code of this entry")
    if entry.mark == "V" and codes and entry.unverified >= codes:
        table.refuse("mark", "is V, and every code of the entry is unverified")


def _claim(table: Table, what: str, codes: Iterable[str], owner: dict[str, str], key: str) -> None:
    for code in codes:
        if code in owner:
            table.refuse(what, f"{code} already belongs to {owner[code]}")
        owner[code] = key


def _not_ours(file: Table, by_loinc: Mapping[str, str]) -> dict[str, str]:
    table = file.table("not_ours")
    for code in table.names():
        if code in by_loinc:
            table.refuse(code, f"is also a code of {by_loinc[code]}")
    return {code: table.text(code) for code in table.names()}


def _limits(table: Table, key: str) -> Limits | None:
    pair = table.pair(key)
    return None if pair is None else Limits(*pair)


def _morning(table: Table) -> Morning:
    morning = Morning(start=table.clock("start"), end=table.clock("end"))
    if morning.start >= morning.end:
        table.refuse("end", "is not after the start")
    table.text("source")
    table.choice("mark", MARKS)
    table.done()
    return morning


def _vermeulen(table: Table) -> Vermeulen:
    constants = Vermeulen(
        k_shbg=table.number("k_shbg"),
        k_albumin=table.number("k_albumin"),
        albumin_molar_mass=table.number("albumin_molar_mass"),
        testosterone_molar_mass=table.number("testosterone_molar_mass"),
        default_albumin=table.number("default_albumin"),
        albumin_max_days=table.whole_or_none("albumin_max_days") or 0,
        albumin_limits=Limits(*(table.pair("albumin_limits") or (None, None))),
        shbg_limits=Limits(*(table.pair("shbg_limits") or (None, None))),
        measured_apart=table.number("measured_apart"),
        source=table.text("source"),
        mark=table.choice("mark", MARKS),
    )
    table.done()
    return constants


def _analyte(key: str, table: Table, units: Mapping[str, Unit]) -> Analyte:
    loinc = _loinc(table)
    hard = _limits(table, "hard") or Limits(None, None)
    soft = _limits(table, "soft") or hard
    _inside(table, "soft", soft, hard)
    default_range = _limits(table, "default_range") or Limits(None, None)
    _inside(table, "default_range", default_range, hard)
    unit, si_unit = table.text("unit"), table.text("si_unit")
    if _factor(table, "unit", unit, units) != 1:
        table.refuse("unit", f"{unit} is not the unit whose factor is 1")
    conventional = table.text_or_none("conventional_unit")
    order = table.text("order_loinc", next(iter(loinc), ""))
    if order and order not in loinc:
        table.refuse("order_loinc", f"{order} is no code of this analyte")
    return Analyte(
        key=key,
        name=table.text("name"),
        short=table.text("short"),
        unit=unit,
        si_unit=si_unit,
        si_factor=1 / _factor(table, "si_unit", si_unit, units),
        loinc=loinc,
        order_loinc=order,
        units=units,
        hard=hard,
        soft=soft,
        default_range=default_range,
        accept_low=_limits(table, "accept_low"),
        accept_high=_limits(table, "accept_high"),
        printed_cuts=_printed_cuts(table.table("printed_cuts")),
        required=table.flag("required", default=False),
        source=table.text("source"),
        mark=table.choice("mark", MARKS),
        plan="hormones" if table.choice("plan", ("hormones", "safety")) == "hormones" else "safety",
        ucum=table.text("ucum"),
        conventional_unit=conventional,
        conventional_factor=None
        if conventional is None
        else 1 / _factor(table, "conventional_unit", conventional, units),
        refused_units=frozenset(level_unit(u) for u in table.words("refused_units")),
        refused_reason=table.text("refused_reason", ""),
        suspect_unit=_suspect_unit(table, units),
        names=table.words("names"),
        trap=table.text("trap", ""),
    )


def _loinc(table: Table) -> dict[str, LoincCode]:
    codes: dict[str, LoincCode] = {}
    for entry in table.tables("loinc"):
        code = entry.text("code")
        if not _is_loinc(code):
            entry.refuse("code", f"{code} is not a LOINC code: its check digit is wrong")
        if code in codes:
            entry.refuse("code", f"{code} is listed twice")
        codes[code] = LoincCode(
            code=code,
            kind=_kind(entry),
            method=entry.text_or_none("method"),
            display=entry.text("display"),
        )
        entry.done()
    return codes


def _is_loinc(code: str) -> bool:
    """Whether the check digit (mod 10, Luhn) fits: a mistyped code is found at start."""
    body, dash, check = code.partition("-")
    if not (dash and body.isascii() and body.isdigit() and len(check) == 1 and check.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(check)


def _kind(table: Table) -> UnitKind:
    kind = table.text("kind")
    for known in UNIT_KINDS:
        if kind == known:
            return known
    return table.refuse("kind", f"{kind!r} is not one of {', '.join(UNIT_KINDS)}")


def _units(table: Table, earlier: Mapping[str, Mapping[str, Unit]]) -> dict[str, Unit]:
    """Spelling → unit, as written and levelled; `units_of` takes those of an earlier analyte."""
    if table.has("units_of"):
        other = table.text("units_of")
        if other not in earlier:
            table.refuse("units_of", f"{other} is no analyte before this one")
        return dict(earlier[other])
    units: dict[str, Unit] = {}
    for entry in table.tables("units"):
        ucum = entry.text("ucum")
        unit = Unit(
            spelling=ucum,
            factor=entry.number("factor"),
            kind=_kind(entry),
            offset=entry.number("offset", "0"),
            note=entry.text_or_none("note"),
        )
        if unit.factor <= 0:
            entry.refuse("factor", "must be above zero")
        for spelling in (ucum, *entry.words("also")):
            for form in (spelling, level_unit(spelling)):
                if units.setdefault(form, unit) is not unit:
                    entry.refuse("ucum", f"{spelling} is also a spelling of {units[form].spelling}")
        entry.done()
    if not units:
        table.refuse("units", "at least one unit is needed")
    return units


def _with_display(table: Table, units: dict[str, Unit]) -> dict[str, Unit]:
    """Adds the spellings we show ourselves, so that they too are found as they stand."""
    for name in ("unit", "si_unit", "conventional_unit"):
        spelling = table.text(name, "")
        unit = units.get(level_unit(spelling))
        if unit is not None:
            units.setdefault(spelling, unit)
    return units


def _factor(table: Table, key: str, spelling: str, units: Mapping[str, Unit]) -> Decimal:
    unit = units.get(level_unit(spelling))
    if unit is None:
        table.refuse(key, f"{spelling} is not among the units")
    return unit.factor


def _suspect_unit(table: Table, units: Mapping[str, Unit]) -> SuspectUnit | None:
    if not table.has("suspect_unit"):
        return None
    entry = table.table("suspect_unit")
    suspect = SuspectUnit(
        unit=entry.text("ucum"),
        low=entry.number("low"),
        high=entry.number("high"),
        unless_high=entry.text("unless_high"),
        within_days=entry.whole_or_none("within_days") or 0,
    )
    entry.done()
    if suspect.unit not in {unit.spelling for unit in units.values()}:
        entry.refuse("ucum", f"{suspect.unit} is not among the units")
    return suspect


def _printed_cuts(table: Table) -> dict[Decimal, Decimal]:
    cuts: dict[Decimal, Decimal] = {}
    for printed in table.names():
        try:
            cuts[Decimal(printed)] = table.number(printed)
        except DecimalException:
            table.refuse(printed, "is not a number")
    return cuts


def _inside(table: Table, key: str, inner: Limits, outer: Limits) -> None:
    too_low = inner.low is not None and outer.low is not None and inner.low < outer.low
    too_high = inner.high is not None and outer.high is not None and inner.high > outer.high
    if too_low or too_high:
        table.refuse(key, "reaches outside the hard limits")


def _drug(key: str, table: Table) -> Drug:
    drug = Drug(
        key=key,
        name=table.text("name"),
        drug_class=table.text("class"),
        role=_role(table),
        hpg_active=table.flag("hpg_active"),
        washout_days=table.whole_or_none("washout_days"),
        allergy_group=table.text_or_none("allergy_group"),
        rxnorm=frozenset(table.words("rxnorm")),
        atc=table.words("atc"),
        pattern=table.pattern("text"),
        unless=table.pattern("unless"),
        units_per_mg=table.number("units_per_mg") if table.has("units_per_mg") else None,
        regulatory=table.text("regulatory"),
        source=table.text("source"),
        mark=table.choice("mark", MARKS),
        unverified=frozenset(table.words("unverified")),
    )
    _codes_are_marked(table, drug, drug.rxnorm | {*drug.atc})
    if drug.hpg_active != (drug.washout_days is not None):
        table.refuse("washout_days", "is given for a drug that acts on the axis, and only for one")
    return drug


def _role(table: Table) -> Role:
    role = table.text("role")
    for known in ROLES:
        if role == known:
            return known
    return table.refuse("role", f"{role!r} is not one of {', '.join(ROLES)}")
