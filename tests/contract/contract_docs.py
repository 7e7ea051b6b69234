"""docs/openapi.json and docs/examples/, made from the code: one real call and answer per hook.

Run `python tests/contract/contract_docs.py` to write them anew.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.append(str(Path(__file__).parents[1] / "cds"))

from contract_stories import STORIES, call
from hookwork import Door

from smartapp import __version__
from smartapp.cds.discovery import EXTRA_SERVICES, SERVICES
from smartapp.cds.openapi import openapi
from smartapp.fhir.plans import prefetch_templates
from smartapp.knowledge import Knowledge, load

Json = dict[str, Any]

DOCS = Path(__file__).parents[2] / "docs"
BASE = "http://127.0.0.1:5000"
# Hook → whose chart it is, and what is being ordered.
TOLD = {
    "patient-view": ("one-low-sample", None),
    "order-select": ("prolactin-first", "clomiphene"),
    "order-sign": ("severe-primary", "clomiphene"),
    "encounter-start": ("one-low-sample", None),
}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def files(knowledge: Knowledge) -> Iterator[tuple[Path, str]]:
    """Every generated file with what it should hold."""
    templates = prefetch_templates(knowledge.catalogue)
    services = (*SERVICES, *EXTRA_SERVICES)
    yield DOCS / "openapi.json", _text(openapi(BASE, services, templates, __version__))
    with tempfile.TemporaryDirectory() as home:
        extra = {"cds_extra_hooks": ("encounter-start",)}
        door = Door(Path(home), knowledge, settings=extra)
        for hook, (story, drug) in TOLD.items():
            yield from _example(door, hook, call(STORIES[story], drug))
        door.ledger.close()


def _example(door: Door, hook: str, body: Json) -> Iterator[tuple[Path, str]]:
    body |= {"hook": hook, "hookInstance": str(UUID(int=1, version=4))}
    if hook == "order-select":
        drafts = body["context"]["draftOrders"]["entry"]
        body["context"]["selections"] = [f"MedicationRequest/{drafts[0]['resource']['id']}"]
    answer = door.post(f"hpg-{hook}", body)
    assert answer.status_code == 200, answer.text
    said = _masked(answer.get_json())
    yield DOCS / "examples" / f"{hook}.request.json", _text(body)
    yield DOCS / "examples" / f"{hook}.response.json", _text(said)
    if hook == "order-sign":
        yield DOCS / "examples" / "feedback.request.json", _text(_feedback(said["cards"][0]))


def _feedback(card: Json) -> Json:
    reason = card["overrideReasons"][0]
    item = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": reason, "userComment": "Discussed with andrology."},
        "outcomeTimestamp": "2026-11-22T15:04:05Z",
    }
    return {"feedback": [item]}


def _masked(answer: Json) -> Json:
    """The answer with its UUIDs numbered: they are new in every call."""
    seen: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return seen.setdefault(match[0], str(UUID(int=len(seen) + 1, version=4)))

    masked: Json = json.loads(_UUID.sub(number, json.dumps(answer)))
    return masked


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file, and take away examples of hooks that are no more."""
    made = dict(files(load()))
    (DOCS / "examples").mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text, "utf-8")
    for path in (DOCS / "examples").glob("*.json"):
        if path not in made:
            path.unlink()


if __name__ == "__main__":
    main()
