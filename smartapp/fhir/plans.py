"""What to ask a FHIR server about one patient, derived from the catalogue.

The same keys name our own searches and the prefetch templates we publish, so that the logic and
the request for its data cannot drift apart (architecture decision 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from smartapp.errors import InputError
from smartapp.fhir.quirks import Quirks, quirks_of
from smartapp.knowledge.catalogue import Catalogue

LOINC = "http://loinc.org"

# Keys that are one plain search by patient. Observations come in two, as the catalogue says: the
# hormones an answer cannot do without, and everything else that is measured.
_BY_PATIENT = {
    "conditions": "Condition",
    "procedures": "Procedure",
    "medicationRequests": "MedicationRequest",
    "medicationStatements": "MedicationStatement",
    "allergies": "AllergyIntolerance",
    "goals": "Goal",
    "dispenses": "MedicationDispense",
    "administrations": "MedicationAdministration",
    "questionnaires": "QuestionnaireResponse",
}
KEYS = ("patient", "hormones", "safety", *_BY_PATIENT)

# FHIR's vital signs profile puts these two into one Observation as components, and a search by code
# sees only the panel's own code.
_PANEL_OF = {"8480-6": "85354-9", "8462-4": "85354-9"}

_TOKEN = "{{context.patientId}}"  # noqa: S105 - a prefetch token, not a secret
_NO_LOCAL_CODES: Mapping[str, tuple[str, str | None]] = MappingProxyType({})
# Wider than FHIR's id by length and underscore, as some EHRs' ids are.
_is_id = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._\-]{1,128}").fullmatch
_medication = re.compile(rb'"reference"\s*:\s*"([^"\\]{0,400}?)Medication/([A-Za-z0-9.\-]{1,64})"')
_MOST_MEDICATIONS = 40


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """One thing to ask. Several plans may share a key (a code list cut into pieces).

    `query` is relative to the FHIR base and already encoded ("Observation?patient=1&code=…"), or
    the absolute next link of a Bundle to be continued. `single`: its first page is all that is
    wanted.
    """

    key: str
    query: str
    single: bool = False

    @property
    def needs(self) -> tuple[str, str] | None:
        """The permission it takes: a resource type, and "r" to read by id or "s" to search.

        None for a next link: it goes on with a search that was permitted.
        """
        if self.continued:
            return None
        kind, slash, _ = self.query.partition("?")[0].partition("/")
        return kind, "r" if slash else "s"

    @property
    def continued(self) -> bool:
        """Whether `query` is the next link of a Bundle."""
        return self.query.startswith(("http://", "https://"))


def search_plans(
    catalogue: Catalogue,
    patient_id: str,
    *,
    local_codes: Mapping[str, tuple[str, str | None]] = _NO_LOCAL_CODES,
    profile: str = "generic",
    quirks: Quirks | None = None,
) -> tuple[SearchPlan, ...]:
    """Everything the product reads about one patient, newest first where the server sorts.

    `local_codes` of the issuer ("system|code" or "code", with the LOINC code they mean) are asked
    beside the LOINC codes. `profile` names the server's quirks; `quirks` overrides them. Refuses
    (InputError) a patient id that could change the address.
    """
    if not _is_id(patient_id):
        raise InputError("the patient id is not a FHIR id")
    ways = quirks or quirks_of(profile)
    patient = quote(patient_id, safe="")
    plans = [SearchPlan("patient", f"Patient/{patient}")]
    for key, tokens in _observation_tokens(catalogue, local_codes).items():
        head, tail = f"Observation?patient={patient}&code=", _tail(ways, "Observation", "-date")
        pieces = _cut(tokens, ways.max_codes, ways.max_url - len(head) - len(tail))
        plans.extend(SearchPlan(key, head + codes + tail) for codes in pieces)
    plans.extend(
        SearchPlan(key, f"{kind}?patient={patient}{_tail(ways, kind, None)}")
        for key, kind in _BY_PATIENT.items()
    )
    return tuple(plans)


def prefetch_templates(catalogue: Catalogue) -> dict[str, str]:
    """One template per key, within the subset every CDS client can follow (standards A5).

    No parameter is repeated and the only token is the patient's id.
    """
    generic = quirks_of("generic")
    templates = {"patient": f"Patient/{_TOKEN}"}
    for key, tokens in _observation_tokens(catalogue, {}).items():
        templates[key] = (
            f"Observation?patient={_TOKEN}&code={','.join(tokens)}&_sort=-date"
            f"&_count={generic.count}"
        )
    for key, kind in _BY_PATIENT.items():
        templates[key] = f"{kind}?patient={_TOKEN}&_count={generic.count}"
    return templates


def medication_plans(bodies: Iterable[bytes], base: str) -> tuple[SearchPlan, ...]:
    """Reads of the Medications that requests and statements name only by reference.

    References to other servers are left alone. At most 40: the product needs the names of a few
    drugs, and a list longer than that is not worth the EHR's time.
    """
    ids: dict[str, None] = {}
    for body in bodies:
        for where, found in _medication.findall(body):
            if where in (b"", base.encode() + b"/"):
                ids[found.decode("ascii")] = None
    return tuple(
        SearchPlan("medications", f"Medication/{id_}") for id_ in list(ids)[:_MOST_MEDICATIONS]
    )


def _observation_tokens(
    catalogue: Catalogue, local_codes: Mapping[str, tuple[str, str | None]]
) -> dict[str, list[str]]:
    """`system|code` tokens by key, each once, in the order of the catalogue."""
    tokens: dict[str, dict[str, None]] = {"hormones": {}, "safety": {}}
    for analyte in catalogue.analytes.values():
        for code in analyte.loinc:
            tokens[analyte.plan][f"{LOINC}|{code}"] = None
            if code in _PANEL_OF:
                tokens[analyte.plan][f"{LOINC}|{_PANEL_OF[code]}"] = None
    told = catalogue.questionnaires
    if told is not None:
        tokens["safety"].update(dict.fromkeys(told.tokens()))
    for local, (loinc, _unit) in local_codes.items():
        meant = catalogue.analytes.get(catalogue.by_loinc.get(loinc, ""))
        endpoint = told is not None and loinc in told.by_code
        tokens[meant.plan if meant else "safety" if endpoint else "hormones"][local] = None
    return {key: list(found) for key, found in tokens.items() if found}


def _cut(tokens: Sequence[str], most: int, room: int) -> Iterator[str]:
    """The tokens, encoded and comma-joined, in pieces of at most `most` codes and `room` chars."""
    piece: list[str] = []
    length = 0
    for token in tokens:
        # The bar must be encoded; colon, slash and comma may stay and keep the query short.
        encoded = quote(token, safe=":/")
        if piece and (len(piece) == most or length + len(encoded) > room):
            yield ",".join(piece)
            piece, length = [], 0
        piece.append(encoded)
        length += len(encoded) + 1
    if piece:
        yield ",".join(piece)


def _tail(ways: Quirks, kind: str, order: str | None) -> str:
    parts = [ways.extra[kind]] if kind in ways.extra else []
    if order and ways.sort:
        parts.append(f"_sort={order}")
    parts.append(f"_count={ways.count}")
    return "".join(f"&{part}" for part in parts)
