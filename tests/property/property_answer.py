"""An answer without what tells only how a man was written down, and where two answers differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from smartapp.engine import to_json
from smartapp.engine.assessment import Assessment, Evidence


def answer(found: Assessment) -> dict[str, Any]:
    """The answer without references, originals and the amounts in its sentences."""
    bare = replace(
        found,
        axis=replace(found.axis, evidence=()),
        findings=tuple(replace(f, evidence=()) for f in found.findings),
        unused=(),
    )
    members: dict[str, Any] = _without_amounts(json.loads(to_json(bare), parse_float=Decimal))
    members["axis"]["evidence"] = _evidence(found.axis.evidence)
    for finding, item in zip(found.findings, members["findings"], strict=True):
        item["evidence"] = _evidence(finding.evidence)
    for agent in members["therapy"]["agents"]:
        agent.pop("reference")
    for endpoint in members["endpoints"]:
        endpoint.pop("reference")
    members["wishes"].pop("source")
    return members


# Sentences quote values as they were sent (clinical rules 3), so their digits and units differ.
_AMOUNT = re.compile(
    r"[<>]?=? ?\d+(?:\.\d+)?(?: (?:%|[A-Za-z0-9*\[\]µ]+/[A-Za-z0-9\[\]]+))?"
    r"(?: ?(?:and|,) ?[<>]?=? ?\d+(?:\.\d+)?(?: (?:%|[A-Za-z0-9*\[\]µ]+/[A-Za-z0-9\[\]]+))?)*"
)


def _without_amounts(value: Any) -> Any:
    """The same members with every amount in a sentence replaced by a mark."""
    if type(value) is str:
        return _marked(value) if " " in value else value
    if type(value) is dict:
        return {key: _without_amounts(part) for key, part in value.items()}
    if type(value) is list:
        return [_without_amounts(part) for part in value]
    return value


@lru_cache(10_000)
def _marked(sentence: str) -> str:
    return _AMOUNT.sub("#", sentence)


def _evidence(items: Iterable[Evidence]) -> list[tuple[Any, ...]]:
    """Each datum once: which, how much, when, and for what."""
    found = {
        (
            e.analyte or "",
            None if e.value is None else e.value.normalize(),
            str(_instant(e.effective)),
            e.role,
        )
        for e in items
    }
    return sorted(found, key=str)


def _instant(when: Any) -> Any:
    return when.timestamp() if isinstance(when, datetime) and when.tzinfo else when


def difference(one: Any, other: Any, path: str = "") -> str:
    """The first place at which two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one:
            if one[key] != other.get(key):
                return difference(one[key], other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        for place, (a, b) in enumerate(zip(one, other, strict=False)):
            if a != b:
                return difference(a, b, f"{path}[{place}]")
        longer = one if len(one) > len(other) else other
        return f"{path}: {len(one)} or {len(other)}, {longer[min(len(one), len(other)) :]!r:.300}"
    return f"{path}: {one!r:.200} or {other!r:.200}"
