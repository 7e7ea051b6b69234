"""Generated calls to the CDS endpoints, judged by the app's own OpenAPI description.

Run as a program it does so for long (`make soak-http`): `contract_http.py [--cases N] [--seed S]`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.specs.openapi import checks as described

sys.path.append(str(Path(__file__).parents[1] / "cds"))

from hookwork import NOW, draft, order, prefetch, severe, view

from smartapp.app import create_app
from smartapp.settings import from_environ

Json = dict[str, Any]

CHECKS = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
]
# Real calls, of which one place at a time is spoiled.
REAL = (
    view(prefetch(severe())),
    order(prefetch(severe()), draft()),
    order(prefetch(severe()), draft(), hook="order-select", select=["MedicationRequest/draft-1"]),
)
# JSON of every kind, and what has tripped readers before.
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e300, 10**40, "", " ", "x" * 5000, "1e999999", "\ud800".encode(
        "utf-8", "replace").decode(), "2026-02-30", [], [None], [[]], {}, {"": None},
    {"resourceType": "Bundle"}, {"resourceType": "OperationOutcome", "issue": [{}]},
)  # fmt: skip


def make_app(home: Path) -> Flask:
    """The whole app, open to unsigned calls of this machine, with every service it can offer."""
    env = {
        "SMARTAPP_SECRET_KEYS": "k" * 40,
        "SMARTAPP_HOME_DIR": str(home),
        "SMARTAPP_CDS_AUTH": "optional",
        "SMARTAPP_CDS_EXTRA_HOOKS": "encounter-start",
    }
    app = create_app(from_environ(env), clock=lambda: NOW)
    app.extensions["stop_sweeper"]()
    return app


def soak(app: Flask, cases: int, seed_: int) -> Counter[str]:
    """At least `cases` generated calls, and as many again of each spoiled one as of an endpoint.

    Returns the answers counted by endpoint and status.
    Refuses (a failure that names the call) an answer that the description does not hold.
    """
    told: Counter[str] = Counter()

    def judge(case: Case) -> None:
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        told[f"{case.operation.label} {answer.status_code}"] += 1

    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    plans = [
        (operation, mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if operation.body
    ]
    each = -(-cases // len(plans))
    for operation, mode in plans:
        sent = given(operation.as_strategy(generation_mode=mode))(judge)
        seed(seed_)(
            settings(
                max_examples=each,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(sent)
        )()
    web = app.test_client()
    for body in REAL:
        for changed in spoiled(body, each, random.Random(f"{seed_} {body['hook']}")):
            path, sent = f"/cds-services/hpg-{body['hook']}", json.dumps(changed)
            status = web.post(path, data=sent, content_type="application/json").status_code
            assert status in (200, 400, 412), changed
            told[f"spoiled {body['hook']} {status}"] += 1
    return told


def spoiled(body: Json, count: int, dice: random.Random) -> Iterator[Json]:
    """`body` that many times, each with another member, row or value replaced, lost or doubled."""
    for _ in range(count):
        yield _spoil(body, dice)


def _spoil(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict) and value and dice.random() < 0.93:
        # Where there is more to spoil, more is spoiled.
        (key,) = dice.choices(list(value), [len(repr(v)) ** 0.5 for v in value.values()])
        kept = {k: v for k, v in value.items() if k != key}
        return kept if dice.random() < 0.05 else {**kept, key: _spoil(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.93:
        place = dice.randrange(len(value))
        spoilt = _spoil(value[place], dice)
        return [*value[:place], *[spoilt] * dice.choice((1, 1, 1, 2)), *value[place + 1 :]]
    return dice.choice(ODD)


def main() -> None:
    """Print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20261122)
    given_ = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        app = make_app(Path(home))
        told = soak(app, given_.cases, given_.seed)
        app.extensions["ledger"].close()
    for label, count in sorted(told.items()):
        print(f"{count:6d}  {label}")
    print(f"{told.total():6d}  calls; no 5xx, no answer that is not described")


if __name__ == "__main__":
    main()
