"""Real men beside a published survey: `SMARTAPP_TEST_DATA=… python tests/property/nhanes_emas.py`.

NHANES 2021-2023 drew each man once, names no hour and asked for no symptoms. Nobody may be
classified from that, and the first table shows that nobody is. For the second each man is PRESENTED
as if his one draw had been repeated on a second morning, with symptoms: an assumption made here to
compare the axis states with the survey, and never made by the program.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import load
from smartapp.patient import read_record

AS_OF = datetime(2022, 9, 1, 17, tzinfo=UTC)
PROFILES = ("aua", "es", "eau", "bssm")
# Of 3,369 men of 40-79 years (Tajar 2010, JCEM 95:1810; evidence 1.5).
EMAS = {"secondary": "11.8", "primary": "2.0", "compensated": "9.5"}
BANDS = ((18, 39), (40, 59), (60, 79), (80, 120))
_COLUMNS = (
    ("LBXTST", "2986-8", "ng/dL"), ("LBXLUH", "10501-5", "m[IU]/mL"),
    ("LBXFSH", "15067-2", "m[IU]/mL"), ("LBXEST", "2243-4", "pg/mL"),
    ("LBXSHBG", "13967-5", "nmol/L"),
)  # fmt: skip
_AS_PUBLISHED = ("2022-06-01",)
_TWO_MORNINGS = ("2022-06-01T08:30:00-05:00", "2022-06-15T08:30:00-05:00")
_SHOWN = (
    "eugonadal", "secondary", "primary", "severe-primary", "mixed", "compensated", "isolated-fsh",
    "suppressed", "indeterminate", "insufficient", "not-applicable",
)  # fmt: skip

EXPLANATION = """\
Why these are not the figures of EMAS:
- EMAS drew blood before 10:00 after a fast. NHANES draws in morning, afternoon and evening sessions
  and publishes no hour; men under 45 are 20-25 % lower in the afternoon, so more look low here.
- One draw presented twice cannot disagree with itself. In a true second sample some low values
  come back normal: what is shown overstates low testosterone, and nobody is "indeterminate" for
  disagreement.
- EMAS cut at 10.5 nmol/L (300 ng/dL) of total testosterone and LH 9.4 IU/L alone. The profiles
  send 231-346 ng/dL through SHBG and free testosterone; a low SHBG (obesity is commoner in the US)
  makes many of these "not low", so the states differ by profile. es asks for both below 264.
- EMAS left out men with known pituitary, testicular or severe disease and men on drugs that act
  on the axis; here nobody's drugs and diagnoses are known. Suppressed LH is mostly such drugs.
- EMAS has no FSH step: "mixed" and "isolated-fsh" here are parts of its secondary and eugonadal,
  "severe-primary" is a part of its primary.
- The gonadotropins come from other assays with other calibrations; nothing here is weighted to the
  US population, the men are few, and the oldest are all published as 80."""


def main() -> int:
    """Prints the tables; 2 when the data are not there."""
    people = list(read_men())
    if not people:
        print("SMARTAPP_TEST_DATA holds no nhanes/men_2021_2023.csv", file=sys.stderr)
        return 2
    print(f"NHANES 2021-2023, {len(people)} men as published: one draw, no hour, no symptoms")
    for profile in PROFILES:
        found = [judged(man, _AS_PUBLISHED, profile) for man in people]
        states = Counter(answer.axis.state for answer in found)
        statuses = Counter(answer.recommendation.status for answer in found)
        codes = Counter(f.code for answer in found for f in answer.findings)
        print(f"  {profile}: {_line(states)}\n        {_line(statuses)}\n        {_line(codes)}")
    print("\nThe same men PRESENTED as two morning draws on two days, symptoms ASSUMED present:")
    for profile in PROFILES:
        print(f"\n{profile}: per cent of the men of each age")
        print(table(states_by_age(people, profile)))
    print(f"\n{EXPLANATION}")
    return 0


def read_men() -> Iterator[Mapping[str, str]]:
    """The men of the file, if there is one."""
    folder = os.environ.get("SMARTAPP_TEST_DATA")
    path = Path(folder or ".") / "nhanes" / "men_2021_2023.csv"
    if folder and path.exists():
        with path.open() as file:
            yield from csv.DictReader(file)


def states_by_age(
    people: list[Mapping[str, str]], profile: str
) -> dict[tuple[int, int], Counter[str]]:
    """Axis states of the presented men, by age band; (40, 79) are the ages of EMAS."""
    found: dict[tuple[int, int], Counter[str]] = {band: Counter() for band in (*BANDS, (40, 79))}
    for man in people:
        state = judged(man, _TWO_MORNINGS, profile, symptoms=True).axis.state
        for low, high in found:
            if low <= _age(man) <= high:
                found[low, high][state] += 1
    return found


def table(found: Mapping[tuple[int, int], Counter[str]]) -> str:
    """States down, ages across, EMAS last."""
    head = [f"{low}-{high}" if high < 120 else f"{low}+" for low, high in found]
    lines = [f"{'':16s}" + "".join(f"{h:>9s}" for h in head) + "     EMAS 40-79"]
    lines.append(
        f"{'men':16s}" + "".join(f"{c.total():9d}" for c in found.values()) + "           3369"
    )
    for state in _SHOWN:
        if any(c[state] for c in found.values()):
            cells = "".join(f"{100 * c[state] / max(1, c.total()):9.1f}" for c in found.values())
            lines.append(f"{state:16s}{cells}{EMAS.get(state, ''):>15s}")
    return "\n".join(lines)


def judged(
    man: Mapping[str, str], draws: tuple[str, ...], profile: str, *, symptoms: bool = False
) -> Assessment:
    """One man's assessment, his one draw told at each of the moments."""
    knowledge = load(profile) if profile not in _KNOWN else _KNOWN[profile]
    _KNOWN[profile] = knowledge
    found = read_bundle(msgspec.json.encode(bundle(man, draws, symptoms)))
    return assess(read_record(found, knowledge.catalogue, issuer="nhanes"), knowledge, AS_OF)


_KNOWN: dict[str, Any] = {}


def bundle(man: Mapping[str, str], draws: tuple[str, ...], symptoms: bool) -> dict[str, Any]:
    """The man as a Bundle; with `symptoms` also a low libido that nobody asked him about."""
    subject = {"reference": "Patient/man"}
    rows: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "man", "gender": "male",
         "birthDate": f"{2022 - _age(man)}-01-01"}
    ]  # fmt: skip
    for number, when in enumerate(draws):
        rows += [
            {"resourceType": "Observation", "id": f"{loinc}-{number}", "status": "final",
             "subject": subject, "effectiveDateTime": when,
             "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
             "valueQuantity": {"value": float(man[column]), "unit": unit, "code": unit}}
            for column, loinc, unit in _COLUMNS
            if man[column] not in ("", ".")
        ]  # fmt: skip
    if symptoms:
        rows.append({
            "resourceType": "Condition", "id": "assumed", "subject": subject,
            "clinicalStatus": {"coding": [{"code": "active"}]}, "recordedDate": "2022-05-01",
            "code": {"text": "Low libido",
                     "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "R68.82"}]},
        })  # fmt: skip
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in rows],
    }


def _age(man: Mapping[str, str]) -> int:
    return int(float(man["RIDAGEYR"]))


def _line(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
