"""Every comparison of a source file, and the file's code with one of them flipped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], str]] = {
    ast.Lt: (ast.LtE, "< to <="),
    ast.LtE: (ast.Lt, "<= to <"),
    ast.Gt: (ast.GtE, "> to >="),
    ast.GtE: (ast.Gt, ">= to >"),
    ast.Eq: (ast.NotEq, "== to !="),
    ast.NotEq: (ast.Eq, "!= to =="),
    ast.Is: (ast.IsNot, "is to is not"),
    ast.IsNot: (ast.Is, "is not to is"),
    ast.In: (ast.NotIn, "in to not in"),
    ast.NotIn: (ast.In, "not in to in"),
}
_METHODS = {"below": "up_to", "up_to": "below", "above": "at_least", "at_least": "above"}
_FUNCTIONS = {
    "every": "some", "some": "every", "any": "all", "all": "any", "min": "max", "max": "min",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flip:
    """One flip. `place` and `which` find its node again; lines are counted from 1.

    text  the line of the source on which it begins, as a reader knows it
    """

    file: Path
    place: int
    which: int
    line: int
    end: int
    what: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.file}:{self.line}:{self.place}.{self.which}: {self.what}"


def flips_of(file: Path, source: str) -> Iterator[Flip]:
    """Every flip of one file, in the order of its lines."""
    tree = ast.parse(source)
    lines = source.splitlines()
    found = [
        Flip(file, place, which, node.lineno, node.end_lineno or node.lineno, what, text)
        for place, node in enumerate(ast.walk(tree))
        if isinstance(node, ast.expr)
        for which in range(len(node.ops) if isinstance(node, ast.Compare) else 1)
        if (what := _flip(node, which, really=False)) is not None
        for text in (lines[node.lineno - 1].strip(),)
    ]
    return iter(sorted(found, key=lambda f: (f.line, f.place, f.which)))


def flipped(flip: Flip, source: str, filename: str) -> CodeType:
    """The code of the whole file with that one flip in it, every line where it was."""
    tree = ast.parse(source)
    _flip(list(ast.walk(tree))[flip.place], flip.which, really=True)
    return compile(tree, filename, "exec", dont_inherit=True)


def _flip(node: ast.AST, which: int, *, really: bool) -> str | None:
    """What a flip of the node would be called, None if it is none; done only if `really`."""
    if isinstance(node, ast.Compare):
        other, what = _COMPARISONS[type(node.ops[which])]
        if really:
            node.ops[which] = other()
        return what
    if isinstance(node, ast.BoolOp):
        is_and = isinstance(node.op, ast.And)
        if really:
            node.op = ast.Or() if is_and else ast.And()
        return "and to or" if is_and else "or to and"
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        name, instead = node.func.attr, _METHODS[node.func.attr]
        if really:
            node.func.attr = instead
        return f"{name} to {instead}"
    if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        name, instead = node.func.id, _FUNCTIONS[node.func.id]
        if really:
            node.func.id = instead
        return f"{name} to {instead}"
    return None
