"""20,000 generated men: recalibration is never recommended where it must not be, nothing that gets
worse is told more mildly, and no number comes from nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from generated_facts import Man, shrunk, told
from generated_men import man_of, men
from hypothesis import Phase, given, settings
from property_judging import judged
from property_laws import LAWS, WORSE, Law, Met, worse_is_not_better

MEN = 20_000
ENOUGH = MEN // 40
# No shrinking by Hypothesis: a smaller integer is no smaller man; `shrunk` takes facts away.
many = settings(
    max_examples=MEN, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)


def hold(man: Man, name: str, law: Law) -> None:
    """Puts a man to a law; fails with the least facts that break it."""
    if law(man) is not None:
        least = shrunk(man, lambda one: law(one) is not None)
        pytest.fail(f"{name}: {law(least)}\n{told(least)}", pytrace=False)


def test_what_holds_of_every_man(record_property: Callable[[str, object], None]) -> None:
    met = Met()
    laws: Mapping[str, Law] = {
        "worse is not better": lambda man: worse_is_not_better(man, met.men),
        **{
            name: LAWS[name]
            for name in (
                "never recommended", "never silent", "failure on a drug", "numbers accounted for"
            )
        },
    }  # fmt: skip

    @many
    @given(men())
    def every_man(man: Man) -> None:
        met.count(man)
        for name, law in laws.items():
            hold(man, name, law)

    every_man()
    record_property("counts", met.lines())
    assert met.men["men"] >= MEN
    rare = {name: n for name, n in met.men.items() if not name.startswith("+") and n < ENOUGH}
    assert not rare, f"antecedents met by too few men: {rare}"
    wanted = [f"severe primary: {criterion}" for criterion in "abcdef"]
    wanted += [f"later {analyte} beside a finding" for analyte in WORSE]
    assert not [name for name in wanted if met.men[name] < ENOUGH]


def test_the_plain_candidates_are_candidates() -> None:
    """Without a stop most of the men built as candidates are: the law above is no empty one."""
    built = [
        man
        for man in map(man_of, range(3_000))
        if man.stratum == "candidate"
        and not (man.hazards or man.gaps or man.drugs or man.supplies)
        and not any(x.corrects or x.mislabelled for x in man.labs)
    ]
    statuses = [judged(man).recommendation.status for man in built]
    assert len(built) > 150
    assert statuses.count("candidate") > 0.9 * len(built)
    assert set(statuses) <= {"candidate", "confirm-first", "specialist"}
