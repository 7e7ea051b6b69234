"""How the EHR looks: `smart_style_url` (SMART 2.2, experimental), taken over as far as it is safe.

Only colours, a font size and fonts are taken, each checked; what is odd is left out, and what would
make the page hard to read too. The colours of findings stay ours: they mean something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from smartapp.jose import Unreadable
from smartapp.jose.documents import fetch_document, is_safe
from smartapp.smart.discovery import origin_of

MAX_BYTES = 64 * 1024
MAX_AGE = timedelta(minutes=10)
_LONGEST_WAIT_S = 2.0
_CACHE_SIZE = 50

# WCAG 2.2, 1.4.3: text of normal size.
CONTRAST = 4.5
# The quieter text of dashboard.css in its light and in its dark dress: an EHR's ground is used in
# the one on which this can still be read.
_QUIET = {"light": "#52616f", "dark": "#a9b6c2"}

_colour = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})").fullmatch
_length = re.compile(r"(\d{1,2}(?:\.\d{1,2})?)(px|rem|em)").fullmatch
_font = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,39}").fullmatch
_GENERIC = ("serif", "sans-serif", "system-ui", "ui-serif", "ui-sans-serif")
_PX = {"px": 1.0, "rem": 16.0, "em": 16.0}
_SMALLEST_PX, _LARGEST_PX = 12.0, 20.0


@dataclass(frozen=True, slots=True)
class Styles:
    """The EHRs' style documents as our own style sheets, kept for ten minutes."""

    timeout_s: float
    clock: Callable[[], datetime]
    _kept: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def sheet(self, url: str, origins: tuple[str, ...]) -> str:
        """CSS for the document at `url`; empty, silently, where it is not of one of `origins`,
        cannot be read, or holds nothing that fits: the app then looks as it always does."""
        if not is_safe(url) or origin_of(url) not in origins:
            return ""
        now = self.clock()
        kept = self._kept.get(url)
        if kept is not None and now - kept[0] < MAX_AGE:
            return kept[1]
        try:
            wait = min(self.timeout_s, _LONGEST_WAIT_S)
            css = style_sheet(fetch_document(url, wait, max_bytes=MAX_BYTES).content)
        except Unreadable:
            css = ""
        if len(self._kept) >= _CACHE_SIZE:
            self._kept.clear()
        self._kept[url] = (now, css)
        return css


def style_sheet(document: Mapping[str, Any]) -> str:
    """CSS that sets what of a SMART style document is well-formed and readable."""
    dress, colours = _colours(document)
    rules = []
    if colours:
        rules.append(f"@media (prefers-color-scheme: {dress}) {{ :root {{ {_set(colours)} }} }}")
    if type_ := _type(document):
        rules.append(f":root {{ {_set(type_)} }}")
    if heading := _fonts(document.get("font_family_heading")):
        rules.append(f"h1, h2, h3 {{ font-family: {heading}; }}")
    return "\n".join(rules)


def contrast(one: str, other: str) -> float:
    """How well two colours (#rgb or #rrggbb) stand off from each other, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _colours(document: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    ground = _checked_colour(document, "color_background")
    if ground is None:
        return "", {}
    dress = next((d for d, quiet in _QUIET.items() if contrast(ground, quiet) >= CONTRAST), None)
    if dress is None:
        return "", {}
    found = {"--page": ground, "--paper": ground}
    text = _checked_colour(document, "color_text")
    if text is not None and contrast(ground, text) >= CONTRAST:
        found["--ink"] = text
    mark = _checked_colour(document, "color_highlight")
    if mark is not None and contrast(ground, mark) >= CONTRAST:
        found |= {"--link": mark, "--focus": mark}
    return dress, found


def _type(document: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    size = document.get("dim_font_size")
    match = _length(size) if isinstance(size, str) else None
    if match is not None:
        pixels = float(match[1]) * _PX[match[2]]
        if _SMALLEST_PX <= pixels <= _LARGEST_PX:
            found["font-size"] = f"{pixels:g}px"
    if fonts := _fonts(document.get("font_family_body")):
        found["font-family"] = fonts
    return found


def _fonts(value: object) -> str:
    """The names of a font list, quoted, with a generic one at the end; empty if one is odd."""
    if not isinstance(value, str) or len(value) > 300:
        return ""
    names = [name.strip().strip("'\"").strip() for name in value.split(",")]
    if not all(_font(name) for name in names):
        return ""
    quoted = [name if name in _GENERIC else f'"{name}"' for name in names[:8]]
    return ", ".join(dict.fromkeys([*quoted, "sans-serif"]))


def _checked_colour(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and _colour(value) else None


def _set(declarations: Mapping[str, str]) -> str:
    return " ".join(f"{name}: {value};" for name, value in declarations.items())


def _luminance(colour: str) -> float:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (_linear(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
