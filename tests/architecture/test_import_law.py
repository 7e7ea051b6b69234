"""The arrows of the house: which room may import which. Read from the source, not at run time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "smartapp"

# room -> rooms and files it may import (itself always). Wiring files know every room.
LAW: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "share": set(),
    "grants": set(),
    "sitefile": {"errors", "settings"},
    "knowledge": {"errors"},
    "fhir": {"errors", "knowledge", "grants"},
    "labs": {"errors", "knowledge", "fhir"},
    "patient": {"errors", "knowledge", "fhir", "labs"},
    "engine": {"errors", "knowledge", "labs", "patient"},
    "ledger": {"errors", "settings"},
    "jose": {"settings"},
    "smart": {"errors", "settings", "ledger", "jose", "sitefile", "grants"},
    "cds": {
        "errors", "settings", "knowledge", "fhir", "labs", "patient", "engine", "ledger", "jose",
        "sitefile", "grants",
    },
    "exchange": {"errors", "knowledge", "jose"},
    "dashboard": {
        "errors", "settings", "knowledge", "fhir", "labs", "patient", "engine", "ledger", "smart",
        "share",
    },
    "doctor": {"errors", "settings", "knowledge", "fhir", "labs", "jose", "smart"},
    "stories": {"errors", "share"},
    "demo": {"errors", "settings", "share", "stories"},
}  # fmt: skip
WIRING = {"app", "charts", "cli", "ehr", "impact", "logs", "picker", "serve", "site"}

# What a room may never touch, whoever offers it.
FORBIDDEN_MODULES: dict[str, set[str]] = {
    "knowledge": {"flask", "requests", "sqlalchemy"},
    "labs": {"flask", "requests", "sqlalchemy", "time", "os", "socket"},
    "patient": {"flask", "requests", "sqlalchemy", "time", "os", "socket"},
    "engine": {"flask", "requests", "sqlalchemy", "time", "os", "socket", "pathlib", "random"},
}
CLOCK_FREE = {"labs", "patient", "engine", "knowledge"}


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def sources() -> list[Path]:
    return [p for p in sorted(ROOT.rglob("*.py")) if room_of(p) != "__init__"]


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that the law can be read"
            module = node.module or ""
            names |= (
                {f"{module}.{alias.name}" for alias in node.names}
                if module == "smartapp"
                else {module}
            )
    return names


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_one_way(path: Path) -> None:
    room = room_of(path)
    names = imported(ast.parse(path.read_text()))
    rooms = {n.split(".")[1] for n in names if n.startswith("smartapp.")}
    if room not in WIRING:
        assert room in LAW, f"{room} is a new room: give it its place in the law"
        assert rooms - {room} - {"__version__"} <= LAW[room]
    outside = {n.split(".")[0] for n in names}
    assert not outside & FORBIDDEN_MODULES.get(room, set())


@pytest.mark.parametrize(
    "path",
    [p for p in sources() if room_of(p) in CLOCK_FREE],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_pure_rooms_read_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"now", "utcnow", "today"}, "the clock is an argument"
