"""What is added to a man: a stop, what looks like one and is none, and things that matter less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from generated_facts import Allergy, Operation
from generated_pen import MORNINGS, OTHER_HOURS, Pen

# One for each way in which an agent is stopped absolutely.


def _ill(name: str, oldest: int = -3000, newest: int = -1, **more: Any) -> Callable[[Pen], None]:
    """A diagnosis; a few of them without any date."""

    def write(pen: Pen) -> None:
        dated = pen.rng.random() > 0.08
        pen.diagnosis(name, pen.day(oldest, newest) if dated else None, **more)

    return write


def _result(analyte: str, low: float, high: float, places: int = 1) -> Callable[[Pen], None]:
    return lambda pen: pen.newest(analyte, pen.number(low, high, places))


def _allergic(*drugs: str) -> Callable[[Pen], None]:
    def write(pen: Pen) -> None:
        recorded = pen.rng.choice((None, pen.day(-3000, -1)))
        pen.allergies.append(Allergy(pen.id(), pen.rng.choice(drugs), recorded=recorded))

    return write


def _eye_on_serm(pen: Pen) -> None:
    stop = pen.day(-800, -460)
    start = stop - pen.rng.randint(60, 300)
    pen.drug(pen.rng.choice(("clomiphene", "enclomiphene", "tamoxifen")), start, stop)
    event = pen.day(start, stop + 84)
    pen.diagnosis(pen.rng.choice(("visual", "eye-vascular")), event,
                  status=pen.rng.choice(("active", "resolved")))  # fmt: skip


def _untreated(name: str) -> Callable[[Pen], None]:
    def write(pen: Pen) -> None:
        pen.labs = [x for x in pen.labs if x.analyte != "tsh"]
        pen.diagnosis(name, pen.day(-900, -1))

    return write


def _on(name: str) -> Callable[[Pen], None]:
    return lambda pen: pen.drug(name, pen.day(-400, -5))


HAZARDS: dict[str, Callable[[Pen], None]] = {
    "allergy-clomiphene": _allergic("clomiphene", "enclomiphene"),
    "allergy-hcg": _allergic("hcg"),
    "allergy-inhibitor": _allergic("anastrozole", "letrozole"),
    "allergy-tamoxifen": _allergic("tamoxifen"),
    "allergy-fsh": _allergic("fsh"),
    "pituitary-deficiency": _ill("pituitary-deficiency"),
    "intracranial": _ill("intracranial"),
    "pituitary-tumor": _ill("pituitary-tumor"),
    "vte-recent": _ill("vte", -183, -1),
    "thrombophilia": _ill("thrombophilia"),
    "vte-past": _ill("vte-past"),
    "prostate-cancer": _ill("prostate-cancer"),
    "prostate-uncertain": _ill("prostate-uncertain"),
    "androgen-deprivation": _ill("androgen-deprivation"),
    "prostate-history": _ill("prostate-history"),
    "breast-cancer": _ill("breast-cancer"),
    "testicular-tumor": _ill("testicular-tumor"),
    "adrenal-tumor": _ill("adrenal-tumor"),
    "precocious-puberty": _ill("precocious-puberty"),
    "liver": lambda pen: _ill(pen.rng.choice(("cirrhosis", "hepatitis", "liver-other")))(pen),
    "alt-high": _result("alt", 136, 900, 0),
    "ast-high": _result("ast", 121, 900, 0),
    "bilirubin-high": _result("bilirubin", 2.5, 12),
    "tsh-low": _result("tsh", 0.01, 0.09, 2),
    "tsh-high": _result("tsh", 10.1, 60),
    "hyperthyroid": _untreated("hyperthyroid"),
    "adrenal": _untreated("adrenal"),
    "eye-on-serm": _eye_on_serm,
    "hematocrit": _result("hematocrit", 54, 64),
    "polycythemia-vera": _ill("polycythemia-vera"),
    "gnrh": _on("leuprolide"),
    "warfarin": _on("warfarin"),
    "fsh-high": lambda pen: pen.newest("fsh", pen.number(40.1, 90)),
}


def _resolved_vte(pen: Pen) -> None:
    onset = pen.day(-900, -200)
    pen.diagnosis("vte", onset, status="resolved", abated=pen.day(onset, -1))


def _refuted(pen: Pen) -> None:
    name = pen.rng.choice(("vte", "cirrhosis", "breast-cancer", "prostate-cancer", "thrombophilia"))
    pen.diagnosis(name, pen.day(-900, -1), refuted=True)


def _one_testis(pen: Pen) -> None:
    pen.operations.append(
        Operation(pen.id(), pen.rng.choice(("left", "right")), pen.day(-4000, -300))
    )


def _not_done(pen: Pen) -> None:
    pen.operations.append(Operation(pen.id(), "both", pen.day(-400, -30), done=False))


def _intolerant(pen: Pen) -> None:
    drug = pen.rng.choice(("clomiphene", "hcg", "tamoxifen"))
    pen.allergies.append(Allergy(pen.id(), drug, type="intolerance", recorded=-100))


def _past_allergy(pen: Pen) -> None:
    pen.allergies.append(Allergy(pen.id(), "clomiphene", active=False, recorded=-900))


def _treated_thyroid(pen: Pen) -> None:
    pen.diagnosis("hyperthyroid", pen.day(-900, -60))
    pen.drug("methimazole", pen.day(-50, -5))


def _ended(*names: str) -> Callable[[Pen], None]:
    """An illness that is over since a day nobody wrote down."""

    def write(pen: Pen) -> None:
        status = pen.rng.choice(("inactive", "resolved", "remission"))
        pen.diagnosis(pen.rng.choice(names), pen.day(-900, -5), status=status)

    return write


def _stopped(*names: str) -> Callable[[Pen], None]:
    """A drug that is over since a day nobody wrote down."""

    def write(pen: Pen) -> None:
        status = pen.rng.choice(("stopped", "completed", "on-hold", "unknown"))
        pen.drug(pen.rng.choice(names), pen.day(-700, -5), status=status)

    return write


def _earlier_draws(pen: Pen) -> None:
    for _ in range(pen.rng.randint(1, 3)):
        pen.lab("testosterone", pen.number(60, 700), pen.day(-800, -300),
                clock=pen.rng.choice((*MORNINGS, *OTHER_HOURS)))  # fmt: skip


DECOYS: tuple[Callable[[Pen], None], ...] = (
    _resolved_vte, _refuted, _one_testis, _not_done, _intolerant, _past_allergy, _treated_thyroid,
    _earlier_draws,
    _ended("vte", "prostate-cancer", "testicular-tumor", "libido", "obesity", "visual"),
    _stopped("clomiphene", "hcg", "tamoxifen", "testosterone-gel", "prednisone", "methimazole"),
    _result("hematocrit", 50, 53.9), _result("alt", 68, 134, 0), _result("psa", 4.1, 30),
    _result("triglycerides", 200, 1800, 0), _result("estradiol", 43, 140, 0),
    _ill("obesity"), _ill("diabetes"), _ill("apnea"), _ill("liver-minor"), _ill("hypothyroid"),
    _ill("visual"), _ill("prostate-intraepithelial"), _ill("fatigue"), _ill("infertility"),
    _on("oxycodone"), _on("levothyroxine"), _on("prednisone"),
)  # fmt: skip
