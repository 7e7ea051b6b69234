"""The fixture patients: one folder each, dates written as day offsets from an anchor.

A folder `fhir_fixtures/patients/<story>/` holds `story.toml` (`title`, `text`, and `[expected]`,
what the product should say of this man) and `bundle.json`, a collection Bundle. A date in the
Bundle is a placeholder: `{{day-30}}` is thirty days before the anchor, `{{day-30T08:10-05:00}}`
that morning at ten past eight (`:ss` and the zone may be left out).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from smartapp.errors import ConfigError
from smartapp.share import share
from smartapp.stories import wire

_PLACEHOLDER = re.compile(
    r"\{\{day(?P<offset>[+-]\d{1,5})"
    r"(?:T(?P<clock>\d{2}:\d{2})(?P<seconds>:\d{2})?(?P<zone>Z|[+-]\d{2}:\d{2})?)?\}\}"
)
_LEFT_OVER = re.compile(r"\{\{[^{}]*\}\}")


@dataclass(frozen=True, slots=True)
class Story:
    """One fixture patient, dates already set.

    `bundle` is FHIR JSON with fractions as Decimal; `json()` gives it as bytes with the digits as
    written. `expected` is the `[expected]` table of story.toml, as written.
    """

    key: str
    title: str
    text: str
    expected: dict[str, Any]
    bundle: dict[str, Any]
    patient_id: str

    def json(self) -> bytes:
        """The Bundle as it would come over the wire."""
        return wire.encode(self.bundle)

    def resources(self) -> list[dict[str, Any]]:
        """The Bundle's resources in order. Entries without a resource of a type are left out."""
        found = []
        for entry in self.bundle.get("entry", ()):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
                found.append(resource)
        return found


def load_stories(anchor: date, folder: Path | None = None) -> tuple[Story, ...]:
    """Every story, ordered by key, with dates counted from `anchor`.

    Refuses (ConfigError, naming the file) a folder without both files, a placeholder outside the
    grammar, and a Bundle that does not hold exactly one Patient with an id.
    """
    base = folder or share("fhir_fixtures") / "patients"
    return tuple(_load(path, anchor) for path in sorted(base.iterdir()) if path.is_dir())


def load_practitioners() -> list[dict[str, Any]]:
    """The fictional physicians of `fhir_fixtures/practitioners.json`.

    Refuses (ConfigError) a file without any.
    """
    path = share("fhir_fixtures") / "practitioners.json"
    bundle = wire.decode(path.read_text(encoding="utf-8"))
    found = [entry["resource"] for entry in bundle["entry"]]
    if not found:
        raise ConfigError(f"{path} holds no practitioner")
    return found


def set_dates(text: str, anchor: date) -> str:
    """`text` with every placeholder replaced by its date.

    Refuses (ValueError) anything else in double braces: a typing error would otherwise be served.
    """
    done = _PLACEHOLDER.sub(lambda match: _day(match, anchor), text)
    if wrong := _LEFT_OVER.search(done):
        raise ValueError(f"{wrong.group()} is not a date placeholder")
    return done


def _day(match: re.Match[str], anchor: date) -> str:
    day = (anchor + timedelta(days=int(match["offset"]))).isoformat()
    if match["clock"] is None:
        return day
    return f"{day}T{match['clock']}{match['seconds'] or ':00'}{match['zone'] or ''}"


def _load(path: Path, anchor: date) -> Story:
    about = _about(path / "story.toml")
    bundle = _bundle(path / "bundle.json", anchor)
    story = Story(
        key=path.name,
        title=str(about.get("title", path.name)),
        text=str(about.get("text", "")),
        expected=dict(about.get("expected", {})),
        bundle=bundle,
        patient_id="",
    )
    patients = [r for r in story.resources() if r["resourceType"] == "Patient"]
    if len(patients) != 1 or not isinstance(patients[0].get("id"), str):
        raise ConfigError(f"{path / 'bundle.json'} must hold exactly one Patient with an id")
    return replace(story, patient_id=patients[0]["id"])


def _about(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _bundle(path: Path, anchor: date) -> dict[str, Any]:
    try:
        bundle = wire.decode(set_dates(path.read_text(encoding="utf-8"), anchor))
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(bundle, dict) or not isinstance(bundle.get("entry"), list):
        raise ConfigError(f"{path} is not a Bundle with entries")
    return bundle
