"""A man from one seed, the same on every machine.

`stratum` and `hazards` say what the generator was after; what holds of the man is for the oracle
to read from the facts.
"""

from __future__ import annotations

import random

from generated_events import EVENTS
from generated_facts import Man
from generated_hazards import DECOYS, HAZARDS
from generated_pen import Pen
from generated_strata import STRATA
from hypothesis import strategies as st


def men() -> st.SearchStrategy[Man]:
    """The same men as a Hypothesis strategy: an integer is a man."""
    return st.builds(man_of, st.integers(0, 2**48))


def man_of(seed: int) -> Man:
    """The man of that seed, the same on every machine."""
    pen = Pen(random.Random(seed))
    rng = pen.rng
    stratum = rng.choices(list(STRATA), [weight for weight, _ in STRATA.values()])[0]
    age = rng.choice((19, 24, 33, 38, 41, 47, 52, 58, 66, 74))
    STRATA[stratum][1](pen)
    hazards: list[str] = []
    if stratum != "not-a-man" and rng.random() < 0.72:
        hazards = rng.sample(sorted(HAZARDS), rng.choice((1, 1, 1, 2, 2, 3)))
        for name in hazards:
            HAZARDS[name](pen)
    if rng.random() < 0.35:
        for _ in range(rng.randint(1, 3)):
            rng.choice(DECOYS)(pen)
    for chance, happen in EVENTS:
        if rng.random() < chance:
            happen(pen)
    gaps: tuple[str, ...] = ()
    if rng.random() < 0.03:
        gaps = (rng.choice(("Condition", "MedicationRequest", "AllergyIntolerance", "safety")),)
    sex = _NOT_MEN[rng.randrange(len(_NOT_MEN))] if stratum == "not-a-man" else ("male", "M", age)
    gender, birth_sex, age = sex if sex[2] else (sex[0], sex[1], age)
    if stratum != "not-a-man" and rng.random() < 0.1:
        gender, birth_sex = rng.choice((("unknown", "M"), ("male", "")))
    return Man(
        seed, stratum, age, gender, birth_sex, tuple(pen.labs), tuple(pen.diagnoses),
        tuple(pen.operations), tuple(pen.drugs), tuple(pen.allergies), tuple(pen.wishes),
        tuple(pen.supplies), tuple(pen.told), gaps, tuple(hazards),
    )  # fmt: skip


_NOT_MEN = (("female", "F", 0), ("male", "M", 16), ("unknown", "", 0), ("male", "F", 0))
