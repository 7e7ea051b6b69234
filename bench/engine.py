"""One assessment in one process: how long, against parsing the same Bundle, and how it grows."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from statistics import median
from typing import Any

import orjson

from bench.bodies import call
from smartapp.engine import assess
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.patient import read_record

Json = dict[str, Any]

SIZES = (50, 200, 500, 1000, 5000)
MOST_MS = 3.0
MOST_OVER_PARSING = 3.0

# Diagnoses and drugs of an ordinary long chart; a few bear on the rules, most do not.
PROBLEMS = ("I10", "E78.5", "R68.82", "N52.9", "M54.5", "K21.9", "J30.1", "E66.9", "F41.1", "L40.0")
DRUGS = (
    ("29046", "lisinopril"), ("83367", "atorvastatin"), ("7646", "omeprazole"),
    ("6809", "metformin"), ("10582", "levothyroxine"), ("36567", "simvastatin"),
)  # fmt: skip


def long_chart(observations: int, problems: int = 30, drugs: int = 30) -> bytes:
    """A man with that many results, diagnoses and prescriptions, as one Bundle."""
    random = Random(observations)  # noqa: S311 - made-up patients, no secret
    now = datetime.now(UTC)
    said = call(random, observations, now)["prefetch"]
    patient = said["patient"]["id"]
    rows: list[Json] = [said["patient"]]
    for key in ("hormones", "safety"):
        rows += [entry["resource"] for entry in said[key]["entry"]]
    subject = {"reference": f"Patient/{patient}"}
    for n in range(problems):
        day = (now - timedelta(days=random.randrange(30, 2000))).date().isoformat()
        rows.append({
            "resourceType": "Condition", "id": f"c{n}", "subject": subject, "recordedDate": day,
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm",
                                 "code": PROBLEMS[n % len(PROBLEMS)]}]},
        })  # fmt: skip
    for n in range(drugs):
        day = (now - timedelta(days=random.randrange(30, 2000))).date().isoformat()
        code, name = DRUGS[n % len(DRUGS)]
        rows.append({
            "resourceType": "MedicationRequest", "id": f"m{n}", "subject": subject,
            "status": "active", "intent": "order", "authoredOn": day,
            "medicationCodeableConcept": {
                "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                            "code": code}], "text": name},
            "dosageInstruction": [{"text": "one tablet daily"}],
        })  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": row} for row in rows]}  # fmt: skip
    return json.dumps(bundle).encode()


def print_engine(knowledge: Knowledge) -> None:
    """The issue's man of 200 results, 30 drugs, 30 problems; then growth from 50 to 5,000."""
    now = datetime.now(UTC)
    print("\none man in one process, 30 drugs, 30 problems (median, ms)")
    print("  results    parse     read   record   assess      all   assess/parse  all/parse")
    alone: dict[int, float] = {}
    for size in SIZES:
        body = long_chart(size)
        resources = read_bundle(body)
        record = read_record(resources, knowledge.catalogue, issuer="bench")
        parts = [
            _ms(partial(orjson.loads, body)),
            _ms(partial(read_bundle, body)),
            _ms(partial(read_record, resources, knowledge.catalogue, issuer="bench")),
            _ms(partial(assess, record, knowledge, now)),
        ]
        parse, *work = parts
        alone[size] = work[-1]
        whole = sum(work)
        print(
            f"  {size:7d} {parse:8.3f} " + " ".join(f"{part:8.3f}" for part in (*work, whole))
            + f"   {work[-1] / parse:12.2f} {whole / parse:10.2f}"
        )  # fmt: skip
        if size == 200:
            aims = (
                ("assessment of the man of 200", work[-1], MOST_MS, " ms"),
                ("assessment over parsing", work[-1] / parse, MOST_OVER_PARSING, ""),
            )
    for said, value, most, unit in aims:
        missed = "" if value <= most else "  MISSED"
        print(f"  {said}: {value:.2f}{unit} (aim: at most {most}{unit}){missed}")
    grown = (alone[5000] - alone[50]) / (5000 - 50) / ((alone[500] - alone[50]) / (500 - 50))
    print(f"  growth of one more result, 50-5,000 over 50-500: {grown:.2f} (1 is linear)")


def _ms(work: Callable[[], object], rounds: int = 40) -> float:
    for _ in range(3):
        work()
    gc.collect()
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return median(took) * 1000
