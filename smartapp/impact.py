"""What a change of the protocol changes for given men: `smartapp rules impact OLD NEW FILE…`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.errors import InputError
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import PROFILES, Knowledge, load
from smartapp.knowledge.protocol import Protocol
from smartapp.knowledge.table import read_toml
from smartapp.patient import read_record


@dataclass(frozen=True, slots=True)
class Change:
    """What differs for one man, as lines: findings that come, go or change severity; states."""

    patient: str
    lines: tuple[str, ...]
    came: tuple[str, ...]
    went: tuple[str, ...]
    moved: tuple[str, ...]


def protocol_named(name: str) -> Knowledge:
    """The knowledge of a profile's name, of a site's file, or of a whole protocol file.

    Refuses (KnowledgeError) a file that does not fit, and (InputError) what is neither.
    """
    if name in PROFILES:
        return load(name)
    path = Path(name)
    if not path.is_file():
        raise InputError(f"{name}: neither a file nor one of the profiles {', '.join(PROFILES)}")
    whole = "default-profile" in read_toml(path)
    return load(protocol_file=path) if whole else load(site_file=path)


def compare(
    body: bytes, old: Knowledge, new: Knowledge, as_of: datetime, timezone: str | None
) -> Change:
    """One man under both. Refuses (InputError) a Bundle that cannot be assessed."""
    resources = read_bundle(body)
    before, after = (
        assess(
            read_record(resources, knowledge.catalogue, issuer="", timezone=timezone),
            knowledge,
            as_of,
        )
        for knowledge in (old, new)
    )
    return difference(before, after)


def difference(before: Assessment, after: Assessment) -> Change:
    """What one assessment says that the other does not; a finding is known by its id."""
    was, now = ({f.id: f for f in a.findings} for a in (before, after))
    came = [now[key] for key in now if key not in was]
    went = [was[key] for key in was if key not in now]
    moved = [(was[key], now[key]) for key in now if key in was]
    moved = [(old, new) for old, new in moved if old.severity != new.severity]
    lines = [
        *_turned("axis", before.axis.state, after.axis.state),
        *_turned("status", before.recommendation.status, after.recommendation.status),
        *(f"- {f.code} ({f.severity}): {f.summary}" for f in went),
        *(f"+ {f.code} ({f.severity}): {f.summary}" for f in came),
        *(f"~ {new.code}: {old.severity} -> {new.severity}" for old, new in moved),
    ]
    return Change(
        after.patient,
        tuple(lines),
        tuple(f.code for f in came),
        tuple(f.code for f in went),
        tuple(f.code for _, f in moved),
    )


def report(changes: Iterable[Change], old: Protocol, new: Protocol) -> Iterator[str]:
    """Both protocols with the parameters that differ, each man who changes, and the totals."""
    yield f"old: {_named(old)}"
    yield f"new: {_named(new)}"
    for key, parameter in new.parameters.items():
        earlier = old.parameters.get(key)
        if earlier is not None and earlier.value != parameter.value:
            yield f"  {key}: {earlier.value} -> {parameter.value} {parameter.unit}".rstrip()
    men = changed = 0
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    for change in changes:
        men += 1
        if not change.lines:
            continue
        changed += 1
        came.update(change.came)
        went.update(change.went)
        moved.update(change.moved)
        yield change.patient
        yield from (f"  {line}" for line in change.lines)
    yield f"{changed} of {men} change"
    for code in sorted(came | went | moved):
        yield f"  {code}: {came[code]} new, {went[code]} gone, {moved[code]} of another severity"


def _turned(what: str, before: str, after: str) -> Iterator[str]:
    if before != after:
        yield f"{what}: {before} -> {after}"


def _named(protocol: Protocol) -> str:
    changed = f", overridden: {', '.join(protocol.overridden)}" if protocol.overridden else ""
    return f"{protocol.profile} {protocol.version}{changed}"
