"""From a man's facts to a FHIR Bundle, in the many ways in which EHRs would write the same man.

The tables are written from the evidence base, not read from the catalogue: a code that the
catalogue forgot or mistook shows itself here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import msgspec
from generated_facts import Allergy, Diagnosis, Drug, Lab, Man, Operation, Supply, Told, Wish

TODAY = date(2026, 11, 22)
LOCAL = timezone(timedelta(hours=-5))
ZONE = "Etc/GMT+5"  # the same clock as LOCAL, by name
LOCAL_CODES = {"TESTIS": ("testis-volume", None)}

Json = dict[str, Any]
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_is_id = re.compile(rb'"id":"([^"]+)"')
_LOINC = "http://loinc.org"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_SNOMED = "http://snomed.info/sct"
_CPT = "http://www.ama-assn.org/go/cpt"
_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@dataclass(frozen=True, slots=True)
class Style:
    """How a man is written down. Whatever it is, the answer must not change.

    si          units of the SI world, and the codes that go with them
    codes       which vocabulary names illnesses, operations and drugs, where it knows them
    utc         times as UTC; the reader is told the time zone
    shuffle     seed of the order of rows; None: as they come
    unrelated   rows that are none of our business beside them
    duplicates  rows told twice: the same row again, under another id, or in the other units
    """

    si: bool = False
    codes: Literal["icd", "snomed", "text"] = "icd"
    utc: bool = False
    shuffle: int | None = None
    unrelated: bool = False
    duplicates: bool = False

    @property
    def timezone(self) -> str | None:
        return ZONE if self.utc else None


PLAIN = Style()


def day_of(day: int) -> date:
    return TODAY + timedelta(days=day)


def moment_of(day: int) -> datetime:
    """The late afternoon of that day: whatever was reported on it is known by then."""
    return datetime.combine(day_of(day), time(18), LOCAL)


def bundle(man: Man, style: Style = PLAIN) -> bytes:
    """The man as a Bundle of type collection."""
    rows = [_patient_row(man), *_rows(man, style)]
    if style.duplicates:
        rows += _again(man, style, rows)
    if style.unrelated:
        rows += _unrelated_rows()
    if style.shuffle is not None:
        random.Random(style.shuffle).shuffle(rows)
    entries = b'},{"resource":'.join(rows)
    return b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + entries + b"}]}"


def draft(drug: str) -> bytes:
    """A draft order of that drug, as an order hook would bring it."""
    return _ENCODER.encode({
        "resourceType": "MedicationRequest", "id": f"draft-{drug}", "status": "draft",
        "intent": "order", "subject": {"reference": "Patient/man"}, **_drug_named(drug, PLAIN),
    })  # fmt: skip


# A fact is written once for each way of writing it: the same bytes go into many a Bundle.
# By identity, because comparing facts costs more than writing them; each keeps its fact alive.
_MOST_KEPT = 20_000
_kept: dict[tuple[int, object], tuple[object, bytes]] = {}


def _rows(man: Man, style: Style) -> Iterator[bytes]:
    for lab in man.labs:
        yield _written(lab, (style.si, style.utc), lambda lab=lab: _observation(lab, style))
    for kind, write in _KINDS:
        for fact in getattr(man, kind):
            yield _written(fact, style.codes, lambda fact=fact, write=write: write(fact, style))
    for told in man.told:
        if told.apart:
            for n, (item, _) in enumerate(told.figures):
                yield _written(told, item, lambda told=told, n=n: _figure(told, n))
        else:
            yield _written(told, None, lambda told=told: _response(told))


def _written(fact: object, way: object, write: Callable[[], Json]) -> bytes:
    known = _kept.get((id(fact), way))
    if known is None or known[0] is not fact:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        known = _kept[id(fact), way] = (fact, _ENCODER.encode(write()))
    return known[1]


def _patient_row(man: Man) -> bytes:
    return _ENCODER.encode(_patient(man))


def _patient(man: Man) -> Json:
    born = day_of(-40).replace(year=TODAY.year - man.age)
    row: Json = {"resourceType": "Patient", "id": "man", "gender": man.gender,
                 "birthDate": born.isoformat()}  # fmt: skip
    if man.birth_sex:
        url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
        row["extension"] = [{"url": url, "valueCode": man.birth_sex}]
    return row


# --- results -------------------------------------------------------------------------------------

# analyte: LOINC and unit, LOINC and unit in the SI world, value in SI = value * factor / divisor
_ANALYTES: dict[str, tuple[str, str, str, str, str, str]] = {
    "testosterone": ("2986-8", "ng/dL", "14913-8", "nmol/L", "1", "28.842"),
    "testosterone-hcg-pre": ("1639-4", "ng/dL", "1639-4", "nmol/L", "1", "28.842"),
    "testosterone-hcg-72h": ("47945-1", "ng/dL", "47945-1", "nmol/L", "1", "28.842"),
    "testosterone-hcg-96h": ("1638-6", "ng/dL", "1638-6", "nmol/L", "1", "28.842"),
    "lh": ("10501-5", "m[IU]/mL", "10501-5", "[IU]/L", "1", "1"),
    "fsh": ("15067-2", "mIU/mL", "15067-2", "IU/L", "1", "1"),
    "estradiol": ("2243-4", "pg/mL", "14715-7", "pmol/L", "1", "0.27238"),
    "shbg": ("13967-5", "nmol/L", "13967-5", "nmol/L", "1", "1"),
    "albumin": ("1751-7", "g/dL", "1751-7", "g/L", "10", "1"),
    "prolactin": ("2842-3", "ng/mL", "15081-3", "m[IU]/L", "21.2", "1"),
    "hematocrit": ("4544-3", "%", "4544-3", "L/L", "1", "100"),
    "psa": ("2857-1", "ng/mL", "2857-1", "ug/L", "1", "1"),
    "tsh": ("3016-3", "u[IU]/mL", "3016-3", "mIU/L", "1", "1"),
    "alt": ("1742-6", "U/L", "1742-6", "ukat/L", "1", "60"),
    "ast": ("1920-8", "U/L", "1920-8", "ukat/L", "1", "60"),
    "bilirubin": ("1975-2", "mg/dL", "1975-2", "umol/L", "1", "0.058466"),
    "ferritin": ("2276-4", "ng/mL", "2276-4", "ug/L", "1", "1"),
    "triglycerides": ("2571-8", "mg/dL", "14927-8", "mmol/L", "0.01129", "1"),
    "bmi": ("39156-5", "kg/m2", "39156-5", "kg/m2", "1", "1"),
    "sperm-concentration": ("9780-8", "10*6/mL", "9780-8", "10*6/mL", "1", "1"),
    "testis-volume": ("", "mL", "", "mL", "1", "1"),
}
# Exact enough that the six digits in which rules compare come back whole.
_DIGITS = 13


def _in_si(value: Decimal, analyte: str, digits: int = _DIGITS) -> Decimal:
    *_, factor, divisor = _ANALYTES[analyte]
    if factor == divisor == "1":
        return value
    exact = value * Decimal(factor) / Decimal(divisor)
    if not exact:
        return exact
    places = digits - 1 - exact.adjusted()
    return round(exact, min(places, 15))


def _observation(lab: Lab, style: Style) -> Json:
    loinc, unit, si_loinc, si_unit, _, _ = _ANALYTES[lab.analyte]
    shown = lab.true if lab.printed is None else lab.printed
    if style.si and not lab.mislabelled:
        loinc, unit, shown = si_loinc, si_unit, _in_si(shown, lab.analyte)
    quantity: Json = {"value": shown}
    if lab.unit:
        quantity |= {"unit": unit, "code": unit, "system": "http://unitsofmeasure.org"}
    if lab.comparator:
        quantity["comparator"] = lab.comparator
    coding = {"system": _LOINC, "code": loinc} if loinc else {"system": "urn:lab", "code": "TESTIS"}
    row: Json = {
        "resourceType": "Observation", "id": f"lab-{lab.id}", "status": lab.status,
        "subject": {"reference": "Patient/man"}, "code": {"coding": [coding]},
        "effectiveDateTime": _when(lab, style), "valueQuantity": quantity,
    }  # fmt: skip
    if lab.issued is not None:
        row["issued"] = _stamp(datetime.combine(day_of(lab.issued), time(17), LOCAL), style)
    if lab.site:
        row["bodySite"] = {"text": f"{lab.site} testis"}
    if lab.limits is not None:
        ends = {"low": lab.limits[0], "high": lab.limits[1]}
        row["referenceRange"] = [{
            end: {"value": _in_si(Decimal(text), lab.analyte) if style.si else Decimal(text),
                  "unit": unit, "code": unit}
            for end, text in ends.items()
        }]  # fmt: skip
    return row


def _when(lab: Lab, style: Style) -> str:
    if not lab.clock:
        return day_of(lab.day).isoformat()
    return _stamp(datetime.combine(day_of(lab.day), time.fromisoformat(lab.clock), LOCAL), style)


def _stamp(moment: datetime, style: Style) -> str:
    if style.utc:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.isoformat()


# --- diagnoses -----------------------------------------------------------------------------------

# ICD-10-CM, SNOMED CT and words that say the same; an empty place: that vocabulary does not.
_Named = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
DIAGNOSES: dict[str, _Named] = {
    "vte": (("I26.99", "I82.409", "I82.4Y9", "I81"), ("59282003", "128053003"),
            ("Pulmonary embolism", "Deep vein thrombosis of leg")),
    "thrombophilia": (("D68.51", "D68.59", "D68.61", "D68.62"), ("234467004", "26843008"),
                      ("Factor V Leiden", "Antiphospholipid syndrome")),
    "vte-past": (("Z86.711", "Z86.718", "I82.501"), (), ("History of pulmonary embolism",)),
    "prostate-cancer": (("C61",), ("399068003",), ("Prostate cancer", "Carcinoma of prostate")[:1]),
    "prostate-uncertain": (("D40.0",), (), ()),
    "androgen-deprivation": ((), (), ("Androgen deprivation therapy",)),
    "prostate-history": (("Z85.46",), (), ("History of prostate cancer",)),
    "prostate-intraepithelial": (("N42.31",), ("254901000",),
                                 ("Prostatic intraepithelial neoplasia",)),
    "breast-cancer": (("C50.922", "C50.121"), ("372095001", "254837009"), ("Breast cancer",)),
    "testicular-tumor": (("C62.90", "C62.11"), ("363449006",), ("Testicular cancer",)),
    "adrenal-tumor": (("C74.90",), (), ("Adrenocortical carcinoma",)),
    "cirrhosis": (("K74.60",), ("19943007",), ("Cirrhosis of liver",)),
    "hepatitis": (("B18.2",), (), ("Chronic hepatitis C",)),
    "liver-other": (("K70.30", "C22.0", "I85.00", "Z94.4"), ("41309000",), ()),
    "liver-minor": (("K76.0",), ("197321007",), ("Fatty liver",)),
    "hypothyroid": (("E03.9",), ("40930008",), ("Hypothyroidism",)),
    "hyperthyroid": (("E05.90", "E05.00"), ("34486009", "90739004"), ("Hyperthyroidism",)),
    "adrenal": (("E27.1", "E27.40", "E24.9", "E25.0"), ("386584007",), ("Adrenal insufficiency",)),
    "intracranial": (("C71.9", "D32.0", "D44.4", "Z85.841"), (), ("Meningioma",)),
    # It explains a very low LH, which another tumour does not.
    "pituitary-tumor": (("D35.2", "D44.3"), ("254956000",), ("Pituitary adenoma",)),
    "pituitary-deficiency": (("E23.0", "E89.3"), ("33927004", "74728003", "93559003", "722944006"),
                             ("Hypopituitarism", "Kallmann syndrome")),
    "visual": (("H53.8", "H53.19", "H53.2", "H53.9"), ("63102001", "111516008"),
               ("Blurred vision", "Visual disturbance")),
    "eye-vascular": (("H34.8110", "H46.9", "H33.001"), ("46085004", "42059000", "66760008"),
                     ("Retinal vein occlusion", "Optic neuritis")),
    "polycythemia-vera": (("D45",), ("109992005",), ("Polycythemia vera",)),
    "precocious-puberty": (("E30.1",), (), ("Precocious puberty",)),
    "klinefelter": (("Q98.0", "Q98.4"), ("405769009",), ("Klinefelter syndrome",)),
    "xx-male": (("Q98.3",), (), ("46,XX male",)),
    # Q99.1 counts only where its words name pure gonadal dysgenesis.
    "dysgenesis": (("Q99.1",), ("95218005",), ("Pure gonadal dysgenesis",)),
    "anorchia": (("Q55.0",), (), ("Anorchia",)),
    "castration": (("E89.5", "Z90.79"), (), ("Surgical castration",)),
    "libido": (("R68.82", "F52.0"), ("8357008",), ("Low libido",)),
    "erection": (("N52.9", "F52.21"), ("860914002",), ("Erectile dysfunction",)),
    "depression": (("F32.9", "F33.1"), ("35489007",), ("Depression",)),
    "osteoporosis": (("M81.0",), ("64859006",), ("Osteoporosis",)),
    "flush": (("R23.2",), (), ("Hot flushes",)),
    "fatigue": (("R53.83",), ("84229001",), ("Fatigue",)),
    "obesity": (("E66.9",), ("414916001",), ("Obesity",)),
    "diabetes": (("E11.9", "E11.65"), ("44054006",), ("Type 2 diabetes mellitus",)),
    "apnea": (("G47.33",), ("78275009",), ("Obstructive sleep apnea",)),
    "infertility": (("N46.9",), ("2904007",), ("Male infertility",)),
}  # fmt: skip


def _concept(named: _Named, style: Style, pick: int) -> Json:
    """The code of the style's vocabulary with the words beside it; else what there is."""
    icd, snomed, words = named
    kinds = {"icd": (_ICD, icd), "snomed": (_SNOMED, snomed)}
    order = {"icd": ("icd", "snomed"), "snomed": ("snomed", "icd"), "text": ()}[style.codes]
    concept: Json = {"text": words[pick % len(words)]} if words else {}
    for kind in order or (() if words else ("icd",)):
        system, codes = kinds[kind]
        if codes:
            return concept | {"coding": [{"system": system, "code": codes[pick % len(codes)]}]}
    return concept


def _condition(diagnosis: Diagnosis, style: Style) -> Json:
    row: Json = {
        "resourceType": "Condition", "id": f"dx-{diagnosis.id}",
        "subject": {"reference": "Patient/man"},
        "code": _concept(DIAGNOSES[diagnosis.name], style, diagnosis.pick),
    }  # fmt: skip
    if diagnosis.status is not None:
        row["clinicalStatus"] = {"coding": [{"code": diagnosis.status}]}
    if diagnosis.refuted:
        row["verificationStatus"] = {"coding": [{"code": "refuted"}]}
    for name, day in (
        ("onsetDateTime", diagnosis.onset), ("recordedDate", diagnosis.recorded),
        ("abatementDateTime", diagnosis.abated),
    ):  # fmt: skip
        if day is not None:
            row[name] = day_of(day).isoformat()
    return row


_SIDES = {"left": ("54520-LT", "7771000"), "right": ("54520-RT", "24028007")}


def _procedure(operation: Operation, style: Style) -> Json:
    row: Json = {
        "resourceType": "Procedure", "id": f"op-{operation.id}",
        "status": "completed" if operation.done else "not-done",
        "subject": {"reference": "Patient/man"}, "code": _orchiectomy(operation, style),
    }  # fmt: skip
    if operation.side in _SIDES and style.codes == "snomed":
        row["bodySite"] = [
            {"coding": [{"system": _SNOMED, "code": _SIDES[operation.side][1]}]},
        ]
    if operation.day is not None:
        row["performedDateTime"] = day_of(operation.day).isoformat()
    return row


def _orchiectomy(operation: Operation, style: Style) -> Json:
    side, text = operation.side, style.codes == "text"
    if side == "both":
        if text:
            return {"text": "Bilateral orchiectomy"}
        codes = ((_PCS, "0VTC0ZZ"), (_PCS, "0VTC4ZZ"), (_CPT, "54520-50"), (_CPT, "54690-50"))
        system, code = codes[operation.pick % len(codes)]
        return {"coding": [{"system": system, "code": code}]}
    if text:
        return {"text": f"{side} orchiectomy".strip()}
    if side and style.codes == "icd":
        return {"coding": [{"system": _CPT, "code": _SIDES[side][0]}]}
    code = ("54520", "54530", "54535", "54690")[operation.pick % 4]
    return {"coding": [{"system": _CPT, "code": code}]}


# --- what he told --------------------------------------------------------------------------------

_OWN = "https://hpg-recalibration.example/fhir/CodeSystem/endpoint"
_PHQ_CODES = {
    "total": "44261-6", "interest": "44250-9", "down": "44255-8", "sleep": "44259-0",
    "tired": "44254-1", "appetite": "44251-7", "failure": "44258-2", "concentration": "44252-5",
    "psychomotor": "44253-3", "self-harm": "44260-8",
}  # fmt: skip


def _response(told: Told) -> Json:
    """The form filled in, its questions by the links of the form."""
    return {
        "resourceType": "QuestionnaireResponse", "id": f"qr-{told.id}", "status": "completed",
        "subject": {"reference": "Patient/man"}, "authored": day_of(told.day).isoformat(),
        "item": [
            {"linkId": f"{told.tool}.{item}", "answer": [_answer(told.tool, value)]}
            for item, value in told.figures
        ],
    }  # fmt: skip


def _answer(tool: str, value: int) -> Json:
    return {"valueBoolean": bool(value)} if tool == "signs" else {"valueInteger": value}


def _figure(told: Told, n: int) -> Json:
    """One figure as a result of its own."""
    item, value = told.figures[n]
    if told.tool == "phq-9":
        coding = {"system": _LOINC, "code": _PHQ_CODES[item]}
    else:
        coding = {"system": _OWN, "code": told.tool if item == "total" else item}
    return {
        "resourceType": "Observation", "id": f"qo-{told.id}-{item}", "status": "final",
        "subject": {"reference": "Patient/man"}, "code": {"coding": [coding]},
        "effectiveDateTime": day_of(told.day).isoformat(),
        "issued": day_of(told.reported[n]).isoformat(), **_answer(told.tool, value),
    }  # fmt: skip


# --- drugs, allergies, wishes --------------------------------------------------------------------

# RxNorm (ingredient or product) and words; an empty code: RxNorm does not hold it.
DRUGS: dict[str, tuple[str, str]] = {
    "clomiphene": ("2596", "clomiphene citrate 50 MG Oral Tablet"),
    "enclomiphene": ("", "enclomiphene citrate 12.5 mg capsule"),
    "hcg": ("4986", "chorionic gonadotropin 10000 UNT injection"),
    "fsh": ("386938", "follitropin alfa injection"),
    "anastrozole": ("84857", "anastrozole 1 MG Oral Tablet"),
    "letrozole": ("72965", "letrozole 2.5 MG Oral Tablet"),
    "tamoxifen": ("10324", "tamoxifen 20 MG Oral Tablet"),
    "testosterone-cypionate": ("835827", "testosterone cypionate 200 MG/ML Injectable Solution"),
    "testosterone-gel": ("1597123", "testosterone 1.62 % topical gel"),
    "anabolic-steroid": ("7779", "oxandrolone 10 MG Oral Tablet"),
    "leuprolide": ("42375", "leuprolide 7.5 MG injection"),
    "warfarin": ("11289", "warfarin 5 MG Oral Tablet"),
    "methimazole": ("", "methimazole 10 MG Oral Tablet"),
    "levothyroxine": ("10582", "levothyroxine 0.1 MG Oral Tablet"),
    "oxycodone": ("7804", "oxycodone 10 MG Oral Tablet"),
    "prednisone": ("8640", "prednisone 10 MG Oral Tablet"),
}


def _drug_named(name: str, style: Style) -> Json:
    code, words = DRUGS[name]
    concept: Json = {"text": words}
    if code and style.codes != "text":
        concept["coding"] = [{"system": _RXNORM, "code": code}]
    return {"medicationCodeableConcept": concept}


def _taken(drug: Drug, style: Style) -> Json:
    return _statement(drug, style) if drug.stated else _request(drug, style)


def _statement(drug: Drug, style: Style) -> Json:
    period = {"start": day_of(drug.start).isoformat()}
    if drug.stop is not None:
        period["end"] = day_of(drug.stop).isoformat()
    row: Json = {
        "resourceType": "MedicationStatement", "id": f"st-{drug.id}", "status": drug.status,
        "subject": {"reference": "Patient/man"}, "effectivePeriod": period,
        **_drug_named(drug.name, style),
    }  # fmt: skip
    if drug.authored is not None:
        row["dateAsserted"] = day_of(drug.authored).isoformat()
    return row


def _supply(supply: Supply, style: Style) -> Json:
    day = day_of(supply.day).isoformat()
    row: Json = {"status": "completed", "subject": {"reference": "Patient/man"},
                 **_drug_named(supply.drug, style)}  # fmt: skip
    if supply.given:
        kind = {"resourceType": "MedicationAdministration", "id": f"ad-{supply.id}"}
        return kind | row | {"effectiveDateTime": day}
    row |= {"whenHandedOver": day}
    if supply.days is not None:
        row["daysSupply"] = {"value": supply.days, "unit": "d", "code": "d"}
    return {"resourceType": "MedicationDispense", "id": f"di-{supply.id}"} | row


def _request(drug: Drug, style: Style) -> Json:
    bounds: Json = {"start": day_of(drug.start).isoformat()}
    if drug.stop is not None:
        bounds["end"] = day_of(drug.stop).isoformat()
    dosage: Json = {"timing": {"repeat": {"boundsPeriod": bounds}}}
    if drug.dose:
        dosage["text"] = drug.dose
    row: Json = {
        "resourceType": "MedicationRequest", "id": f"rx-{drug.id}", "status": drug.status,
        "intent": "order", "subject": {"reference": "Patient/man"}, "dosageInstruction": [dosage],
        **_drug_named(drug.name, style),
    }  # fmt: skip
    if drug.authored is not None:
        row["authoredOn"] = day_of(drug.authored).isoformat()
    return row


def _allergy(allergy: Allergy, style: Style) -> Json:
    concept = _drug_named(allergy.drug, style)["medicationCodeableConcept"]
    row: Json = {
        "resourceType": "AllergyIntolerance", "id": f"al-{allergy.id}", "type": allergy.type,
        "clinicalStatus": {"coding": [{"code": "active" if allergy.active else "resolved"}]},
        "patient": {"reference": "Patient/man"},
        "code": concept | {"text": allergy.drug},
    }  # fmt: skip
    if allergy.recorded is not None:
        row["recordedDate"] = day_of(allergy.recorded).isoformat()
    return row


def _wish(wish: Wish, _style: Style) -> Json:
    if wish.kind == "goal":
        return {"resourceType": "Goal", "id": f"wish-{wish.id}", "lifecycleStatus": "active",
                "description": {"text": "Wants to father a child"},
                "subject": {"reference": "Patient/man"},
                "startDate": day_of(wish.day).isoformat()}  # fmt: skip
    return {"resourceType": "Condition", "id": f"wish-{wish.id}",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": _ICD, "code": "Z31.69"}],
                     "text": "Counseling on procreation"},
            "subject": {"reference": "Patient/man"},
            "recordedDate": day_of(wish.day).isoformat()}  # fmt: skip


_KINDS: tuple[tuple[str, Callable[[Any, Style], Json]], ...] = (
    ("diagnoses", _condition),
    ("operations", _procedure),
    ("drugs", _taken),
    ("supplies", _supply),
    ("allergies", _allergy),
    ("wishes", _wish),
)


# --- what must make no difference ----------------------------------------------------------------


def _again(man: Man, style: Style, rows: list[bytes]) -> list[bytes]:
    """Every row told twice: as it is, under another id, or in the units of the other world."""
    more = [
        row if place % 3 == 0 else _is_id.sub(rb'"id":"\1-again"', row, count=1)
        for place, row in enumerate(rows[1:])
    ]
    if style.si:
        return more
    return more + [
        _written(lab, "twin", lambda lab=lab: _twin(lab, style))
        for lab in man.labs
        if lab.analyte == "testosterone" and lab.unit and lab.printed is None
    ]


def _twin(lab: Lab, style: Style) -> Json:
    """The same draw as laboratories print it a second time: in nmol/L, with three digits."""
    other = replace(style, si=True)
    row = _observation(replace(lab, id=f"{lab.id}-twin", limits=None), other)
    row["valueQuantity"]["value"] = _in_si(lab.true, lab.analyte, 3)
    return row


@cache
def _unrelated_rows() -> tuple[bytes, ...]:
    return tuple(_ENCODER.encode(row) for row in _unrelated())


def _unrelated() -> list[Json]:
    """A record is mostly about other things; some of them look a little like ours."""
    subject = {"subject": {"reference": "Patient/man"}}
    labs = (("2345-7", "mg/dL", 101), ("2160-0", "mg/dL", 1), ("2132-9", "pg/mL", 410),
            ("1848-1", "ng/dL", 40), ("10886-0", "ng/mL", 1), ("15432-8", "%", 2))  # fmt: skip
    rows: list[Json] = [
        {"resourceType": "Observation", "id": f"other-{code}", "status": "final", **subject,
         "code": {"coding": [{"system": _LOINC, "code": code}]},
         "effectiveDateTime": f"{day_of(-12).isoformat()}T08:05:00-05:00",
         "valueQuantity": {"value": value, "unit": unit, "code": unit}}
        for code, unit, value in labs
    ]  # fmt: skip
    rows += [
        {"resourceType": "Condition", "id": f"other-{code}", **subject,
         "clinicalStatus": {"coding": [{"code": "active"}]},
         "code": {"coding": [{"system": _ICD, "code": code}], "text": text},
         "recordedDate": day_of(-40).isoformat()}
        for code, text in (
            ("M54.5", "Low back pain"), ("J06.9", "Cold"), ("S93.4", "Sprained ankle"),
            ("H52.1", "Myopia"), ("Z80.42", "Family history of prostate cancer"),
            ("Z12.5", "Screening for prostate cancer"),
        )
    ]  # fmt: skip
    rows.append({"resourceType": "MedicationRequest", "id": "other-drug", "status": "active",
                 "intent": "order", **subject, "authoredOn": day_of(-40).isoformat(),
                 "medicationCodeableConcept": {"text": "Lisinopril 10 MG Tablet"}})  # fmt: skip
    rows.append({"resourceType": "AllergyIntolerance", "id": "other-allergy",
                 "patient": {"reference": "Patient/man"},
                 "code": {"text": "Penicillin"}})  # fmt: skip
    rows += [
        {"resourceType": "Encounter", "id": "other-visit", "status": "finished", **subject},
        {"resourceType": "Observation", "id": "neighbour", "status": "final",
         "subject": {"reference": "Patient/neighbour"},
         "code": {"coding": [{"system": _LOINC, "code": "2986-8"}]},
         "effectiveDateTime": f"{day_of(-1).isoformat()}T08:05:00-05:00",
         "valueQuantity": {"value": 22, "unit": "ng/dL", "code": "ng/dL"}},
    ]  # fmt: skip
    return rows
