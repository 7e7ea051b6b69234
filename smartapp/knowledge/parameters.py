"""The protocol from its files: base values, one profile laid over them, the site's own last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

from smartapp.errors import KnowledgeError
from smartapp.knowledge.protocol import SECTIONS, Parameter, Protocol
from smartapp.knowledge.table import MARKS, Table, read_toml

Values = dict[str, Parameter]
# The mark of a value from a site's file: the source of ours says nothing of it.
SITE = "SITE"

# Pairs that would contradict each other if a site moved one of them past the other.
_ASCENDING = (
    ("low-t.clearly-low", "low-t.low-if-shbg-normal"),
    ("low-t.low-if-shbg-normal", "low-t.free-t-top"),
    ("low-t.free-t-top", "low-t.free-t-top-diabetes"),
    ("shbg.low", "shbg.high"),
    ("shbg.high", "shbg.high-older"),
    ("contraindications.tsh-stop-low", "contraindications.tsh-stop-high"),
    ("contraindications.transaminase-caution", "contraindications.transaminase-stop"),
    ("contraindications.hematocrit-relative", "contraindications.hematocrit-stop"),
    ("hematocrit.warning", "hematocrit.stop"),
    ("hematocrit.stop", "hematocrit.single-stop"),
    ("hematocrit.confirm-min", "hematocrit.confirm-max"),
    ("estradiol.low", "estradiol.limit"),
    ("estradiol.limit", "estradiol.high"),
    ("estradiol.high", "estradiol.very-high"),
    ("psa.limit", "psa.very-high"),
    ("psa.confirm-min", "psa.confirm-max"),
    ("liver.enzyme-raised", "liver.enzyme-high"),
    ("liver.enzyme-high", "liver.enzyme-stop"),
    ("lipids.raised", "lipids.high"),
    ("lipids.high", "lipids.stop"),
    ("semen.warning", "semen.concentration"),
    ("mood.watch", "mood.high"),
    ("dose.clomiphene-low", "dose.clomiphene-high"),
    ("dose.enclomiphene-low", "dose.enclomiphene-high"),
    ("dose.enclomiphene-base-low", "dose.enclomiphene-base-high"),
    ("dose.enclomiphene-base-low", "dose.enclomiphene-low"),
    ("dose.hcg-dose-low", "dose.hcg-dose-high"),
    ("dose.hcg-week-low", "dose.hcg-week-high"),
    ("dose.anastrozole-low", "dose.anastrozole-high"),
    ("response.low", "response.target"),
    ("response.target", "response.over"),
    ("response.over", "response.far-over"),
    *(
        pair
        for step in (
            "first",
            "clomiphene-first",
            "quarter",
            "half",
            "year",
            "repeat",
            "often",
            "bone",
            "stop",
        )
        for pair in (
            (f"monitoring.{step}-low", f"monitoring.{step}"),
            (f"monitoring.{step}", f"monitoring.{step}-high"),
        )
    ),
    ("monitoring.first-high", "monitoring.quarter"),
    ("monitoring.clomiphene-first-high", "monitoring.quarter"),
    ("monitoring.quarter", "monitoring.half"),
    ("monitoring.half", "monitoring.year"),
    ("monitoring.stop-high", "monitoring.stop-until"),
)
# A site's value this many times ours, or less than this part of it, was written in another unit or
# slipped a digit: 0.51 for 51 %, 5.2 nmol/L for 150 ng/dL. Days and years may differ as they like.
_FAR = 3
_FREE_UNITS = frozenset({"d", "a", ""})


def load_protocol(path: Path, profile: str | None = None, site: Path | None = None) -> Protocol:
    """The parameters of `profile` (else the site's, else the pack's default).

    Refuses (KnowledgeError, naming file, key and reason) an unknown profile, section or key, a
    missing parameter, a value of the wrong type or below zero, limits out of order, and a site's
    value so far from ours that it must be in another unit.
    """
    pack = read_toml(path)
    version, date, default = pack.text("version"), pack.text("date"), pack.text("default-profile")
    profiles, studies = pack.table("profile"), pack.table("rcv-profile")
    study = pack.choice("default-rcv-profile", studies.names)
    values: Values = {}
    for section in SECTIONS:
        _base(pack.table(section), section, values)
    pack.done()
    own = read_toml(site) if site is not None else None
    name = profile or (own.text("profile", default) if own is not None else default)
    if own is not None:
        own.text("profile", default)
    if name not in profiles:
        said_by = path.name if own is None or profile else own.file
        known = ", ".join(profiles.names)
        raise KnowledgeError(f"{said_by}: profile: {name!r} is not one of {known}")
    for section, table in profiles.table(name).tables():
        _base(table, section, values, overlay=True)
    if own is not None:
        study = _study(own, study, studies, values)
        _site(own, values)
    _check_order(values, (site or path).name)
    overridden = tuple(sorted(key for key, value in values.items() if value.overridden))
    sections: dict[str, Any] = {
        section.replace("-", "_"): kind(
            **{f.name: values[f"{section}.{f.name.replace('_', '-')}"].value for f in fields(kind)}
        )
        for section, kind in SECTIONS.items()
    }
    return Protocol(
        name, version, date, overridden, **sections, rcv_profile=study, parameters=values
    )


def profile_names(path: Path) -> tuple[str, ...]:
    """The profiles of a pack, in the order of the file."""
    return tuple(name for name, _ in read_toml(path).table("profile").tables())


def _base(table: Table, section: str, values: Values, overlay: bool = False) -> None:
    """Full parameters (value, unit, source, mark) of one section of the pack."""
    if section not in SECTIONS:
        table.refuse("", "is not a section")
    types = _types(section)
    for name, row in table.tables():
        if name not in types:
            table.refuse(name, "is not a parameter")
        key = f"{section}.{name}"
        values[key] = Parameter(
            key,
            _typed(row, "value", types[name]),
            row.text("unit", ""),
            row.text("source"),
            row.choice("mark", MARKS),
        )
        row.done()
    if not overlay:
        for name in types:
            if f"{section}.{name}" not in values:
                table.refuse(name, "is missing")


def _study(own: Table, default: str, studies: Table, values: Values) -> str:
    """The study of variation a site goes by; what it changes counts as overridden."""
    chosen = own.choice("rcv-profile", studies.names, default)
    if "rcv-profile" not in own:
        return default
    own.raw("rcv-profile")
    before = dict(values)
    for section, table in studies.table(chosen).tables():
        _base(table, section, values, overlay=True)
    for key, value in values.items():
        if value.value != before[key].value:
            values[key] = replace(value, overridden=True)
    return chosen


def _site(own: Table, values: Values) -> None:
    """Bare values of a site's file: same sections, same names, nothing new."""
    for section in own.unasked:
        if section not in SECTIONS:
            own.refuse(section, "is not a section")
        table = own.table(section)
        for name, kind in _types(section).items():
            if name in table:
                old = values[f"{section}.{name}"]
                value = _bare(table, name, kind, old)
                if value != old.value:
                    values[old.key] = Parameter(
                        old.key, value, old.unit, old.source, SITE, overridden=True
                    )
        table.done()


def _bare(table: Table, name: str, kind: type, old: Parameter) -> Decimal | int | bool:
    """A site's value. Refuses one given as a table, and one too far from ours to be meant."""
    if isinstance(table.raw(name), Mapping):
        table.refuse(name, f"must be the bare value, as in `{name} = {old.value}` ({old.unit})")
    value = _typed(table, name, kind)
    if kind is bool or old.unit in _FREE_UNITS or table.key == "options":
        return value
    if not old.value <= value * _FAR <= old.value * _FAR * _FAR:
        table.refuse(name, f"{value} is far from {old.value}: the value must be in {old.unit}")
    return value


def _types(section: str) -> dict[str, type]:
    hints = get_type_hints(SECTIONS[section])
    return {f.name.replace("_", "-"): hints[f.name] for f in fields(SECTIONS[section])}


def _typed(table: Table, name: str, kind: type) -> Decimal | int | bool:
    if kind is bool:
        value = table.raw(name)
        if not isinstance(value, bool):
            table.refuse(name, "must be true or false")
        return value
    number = table.whole(name) if kind is int else table.number(name)
    if not (isinstance(number, int) or number.is_finite()) or number < 0:
        table.refuse(name, "must be a number of at least 0")
    return number


def _check_order(values: Values, file: str) -> None:
    for low, high in _ASCENDING:
        lower, upper = values[low], values[high]
        if lower.value <= upper.value:
            continue
        if upper.overridden and not lower.overridden:
            raise KnowledgeError(f"{file}: {high}: {upper.value} lies below {low}, {lower.value}")
        raise KnowledgeError(f"{file}: {low}: {lower.value} lies above {high}, {upper.value}")
