"""The letters of the sheet: one family that has the letters of most names and the signs of units.

The fonts every PDF reader brings know only western European letters, and a name must not print as
question marks. FiraGO comes as a package; the PDF library wants files, so they are put once into
the home folder.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fonts:
    regular: Path
    bold: Path


def fonts(home: Path) -> Fonts:
    """The font files in `home`/fonts, put there when they are missing or not whole."""
    # Two megabytes of Python literals: not at start, and not for a command line.
    from pymupdf_fonts import FiraGO_Bold, FiraGO_Regular

    folder = home / "fonts" / version("pymupdf-fonts")
    return Fonts(
        _put(folder / "FiraGO-Regular.ttf", FiraGO_Regular.fontbuffer),
        _put(folder / "FiraGO-Bold.ttf", FiraGO_Bold.fontbuffer),
    )


def _put(path: Path, content: bytes) -> Path:
    """Workers may write it at the same time: each writes aside and renames."""
    if path.is_file() and path.stat().st_size == len(content):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    Path(aside).replace(path)
    return path
