"""The chart as a picture and the script that draws it in the page; both out of vl-convert.

vl-convert starts a JavaScript engine on its first call, and a process forked after that hangs: so
it is imported and called only while a worker answers, never at start. Calls go one at a time.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

_ENGINE = Lock()

# What the bundle hands out; everything else in it stays inside the module.
_SNIPPET = "export default vegaEmbed;"


def draw(spec: Mapping[str, Any]) -> str:
    """The spec as one SVG, for print, export and pages without JavaScript."""
    import vl_convert

    with _ENGINE:
        svg: str = vl_convert.vegalite_to_svg(dict(spec))
    return svg


def picture(spec: Mapping[str, Any]) -> bytes:
    """The spec as one PNG, fine enough for paper."""
    import vl_convert

    with _ENGINE:
        png: bytes = vl_convert.vegalite_to_png(dict(spec), scale=2.5)
    return png


@dataclass(frozen=True, slots=True)
class Bundle:
    """The Vega-Embed module of one vl-convert version, kept in the home folder.

    The file's name holds the hash of its content, so browsers may keep it for ever; a gzip copy
    lies beside it. Workers may make it at the same time: each writes aside and renames.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def packed(self) -> Path:
        return self.path.with_name(self.name + ".gz")


def bundle(home: Path) -> Bundle:
    """The bundle in `home`/chart, made (about a second) when it is not there or was damaged."""
    folder = home / "chart" / version("vl-convert-python")
    with _ENGINE:
        for path in sorted(folder.glob("vega-embed.*.js")):
            found = Bundle(path)
            if found.packed.is_file() and path.name == _name(path.read_bytes()):
                return found
        return _make(folder)


def _make(folder: Path) -> Bundle:
    import vl_convert

    source = vl_convert.javascript_bundle(_SNIPPET).encode()
    folder.mkdir(parents=True, exist_ok=True)
    made = Bundle(folder / _name(source))
    _put(made.packed, gzip.compress(source, 9, mtime=0))
    _put(made.path, source)
    return made


def _name(source: bytes) -> str:
    return f"vega-embed.{hashlib.sha256(source).hexdigest()[:20]}.js"


def _put(path: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    Path(aside).replace(path)
