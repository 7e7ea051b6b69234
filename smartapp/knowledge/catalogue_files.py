"""The catalogue from its files. What contradicts itself is refused at start, by name and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException
from typing import get_args

from smartapp.knowledge.catalogue import (
    Analyte,
    Catalogue,
    ConditionConcept,
    Drug,
    Limits,
    LoincCode,
    Morning,
    Role,
    SuspectUnit,
    Unit,
    UnitKind,
    Vermeulen,
    Worse,
)
from smartapp.knowledge.catalogue_table import MARKS, Table, read_table
from smartapp.knowledge.questionnaires import load_questionnaires
from smartapp.knowledge.spelling import level_unit

_UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
_ROLES: tuple[Role, ...] = get_args(Role)


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
        worse=_worse(table),
    )


def _worse(table: Table) -> Worse | None:
    if not table.has("worse"):
        return None
    return "high" if table.choice("worse", ("high", "low")) == "high" else "low"


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
    for known in _UNIT_KINDS:
        if kind == known:
            return known
    return table.refuse("kind", f"{kind!r} is not one of {', '.join(_UNIT_KINDS)}")


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
    for known in _ROLES:
        if role == known:
            return known
    return table.refuse("role", f"{role!r} is not one of {', '.join(_ROLES)}")
