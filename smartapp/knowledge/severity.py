"""Finding codes: how severe, whether a card, in which order and with which others (contract 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smartapp.knowledge.table import Table, read_toml

Severity = Literal["info", "warning", "critical"]
_SEVERITIES: Mapping[str, Severity] = {
    "info": "info",
    "warning": "warning",
    "critical": "critical",
}
ROLES = frozenset({"recalibration", "adjunct", "androgen"})


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One finding code.

    view, order   severity by the level the rule reports; an absent face makes no card there
    quiet         levels that stay on the dashboard
    order_roles   roles of the ordered drug for which the order face speaks
    decision      by level; findings of one decision share one card
    rank          order among findings of equal severity
    """

    code: str
    rank: int
    decision: Mapping[str, str]
    view: Mapping[str, Severity]
    order: Mapping[str, Severity]
    quiet: frozenset[str]
    order_roles: frozenset[str]


def load_findings(path: Path) -> Mapping[str, FindingKind]:
    """Every finding code of findings.toml, in the order of the file."""
    kinds: dict[str, FindingKind] = {}
    for rank, (code, row) in enumerate(read_toml(path).tables()):
        view, order = _face(row, "view"), _face(row, "order")
        if not view and not order:
            row.refuse("view", "a code without any severity can never be shown")
        roles = frozenset(row.texts("order-roles", tuple(sorted(ROLES))))
        if roles - ROLES:
            row.refuse("order-roles", f"{sorted(roles - ROLES)[0]!r} is not a role of a drug")
        quiet = frozenset(row.texts("quiet", ()))
        if quiet - (view.keys() | order.keys()):
            row.refuse("quiet", "names a level that no face has")
        kinds[code] = FindingKind(code, rank, _decision(row), view, order, quiet, roles)
        row.done()
    return kinds


def _decision(row: Table) -> Mapping[str, str]:
    """`decision = "safety"` or `decision = { default = …, level = … }`."""
    value = row.raw("decision")
    words = {"default": value} if isinstance(value, str) else value
    if not isinstance(words, dict) or "default" not in words:
        row.refuse("decision", "must be a word or a table with a default")
    return words


def _face(row: Table, name: str) -> Mapping[str, Severity]:
    """`order = "critical"` or `order = { default = …, level = … }`."""
    if name not in row:
        return {}
    value = row.raw(name)
    levels = {"default": value} if isinstance(value, str) else value
    if not isinstance(levels, dict):
        row.refuse(name, "must be a severity or a table of levels")
    for word in levels.values():
        if word not in _SEVERITIES:
            row.refuse(name, f"{word!r} is not a severity")
    return {level: _SEVERITIES[word] for level, word in levels.items()}
