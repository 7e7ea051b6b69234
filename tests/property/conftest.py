"""Generated men come first: one test of theirs is a fifth of the suite.

Begun last, it would keep one process busy while the others have nothing left to do. (That is where
it stood as long as files were given out by the number of their tests: hence the option in
pyproject.toml.)
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent != HERE)
