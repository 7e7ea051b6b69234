"""The catalogue turned round for recognising problems and drugs. Built once per catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smartapp.knowledge.catalogue import Catalogue, Drug
from smartapp.patient.sieve import Sieve

Keys = frozenset[str]


@dataclass(frozen=True, slots=True)
class Index:
    """Lookups from what a record says to the catalogue's keys.

    icd10              prefix without dots → concepts with the longer prefixes they except
    icd10_lengths      lengths of prefixes that occur, shortest first
    procedures         CPT and ICD-10-PCS code → concept keys
    ambiguous          concepts with words that tell of something else their codes mean
    problem_words      finds concept keys in text
    atc                ATC prefix → drug key; atc_lengths: lengths that occur, longest first
    drug_words         finds drug keys in text
    general            drugs of unknown form: others of their class are forms of them
    """

    catalogue: Catalogue
    snomed: Mapping[str, Keys]
    icd10: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
    icd10_lengths: tuple[int, ...]
    procedures: Mapping[str, Keys]
    ambiguous: Keys
    problem_words: Sieve
    rxnorm: Mapping[str, str]
    atc: Mapping[str, str]
    atc_lengths: tuple[int, ...]
    drug_words: Sieve
    general: Keys

    def match_icd10(self, code: str, found: set[str], excepted: set[str]) -> None:
        """Adds to `found` the concepts of a dotless upper-case ICD-10 code, and to `excepted`
        those from which it is taken out."""
        for length in self.icd10_lengths:
            for key, exceptions in self.icd10.get(code[:length], ()):
                (excepted if code.startswith(exceptions) else found).add(key)

    def drug(self, key: str) -> Drug:
        return self.catalogue.drugs[key]


# One entry per catalogue in use: one in production, a few in tests. Holding the catalogue itself
# keeps its id from being used again.
_built: dict[int, Index] = {}


def index_of(catalogue: Catalogue) -> Index:
    """The index of `catalogue`, compiled at its first use."""
    index = _built.get(id(catalogue))
    if index is None:
        index = _built[id(catalogue)] = _build(catalogue)
    return index


def _build(catalogue: Catalogue) -> Index:
    icd10: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    procedures: dict[str, set[str]] = {}
    for key, concept in catalogue.conditions.items():
        exceptions = tuple(_dotless(code) for code in concept.icd10_except)
        for prefix in concept.icd10:
            icd10.setdefault(_dotless(prefix), []).append((key, exceptions))
        for code in concept.procedure_codes:
            procedures.setdefault(code.upper(), set()).add(key)
    atc = {code: key for key, drug in catalogue.drugs.items() for code in drug.atc}
    return Index(
        catalogue=catalogue,
        snomed=catalogue.by_snomed,
        icd10={prefix: tuple(rows) for prefix, rows in icd10.items()},
        icd10_lengths=tuple(sorted({len(prefix) for prefix in icd10})),
        procedures={code: frozenset(keys) for code, keys in procedures.items()},
        ambiguous=frozenset(k for k, c in catalogue.conditions.items() if c.unless),
        problem_words=Sieve((k, c.pattern) for k, c in catalogue.conditions.items() if c.pattern),
        rxnorm=catalogue.by_rxnorm,
        atc=atc,
        atc_lengths=tuple(sorted({len(code) for code in atc}, reverse=True)),
        drug_words=Sieve((k, d.pattern) for k, d in catalogue.drugs.items() if d.pattern),
        general=frozenset(
            k for k, d in catalogue.drugs.items() if d.hpg_active and k == d.drug_class
        ),
    )


def _dotless(code: str) -> str:
    return code.replace(".", "").upper()
