"""No float touches a result: read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import smartapp.labs

SOURCES = sorted(Path(smartapp.labs.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_float_in_a_laboratory_path(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not (isinstance(node, ast.Attribute) and node.attr == "timestamp"), node.lineno
