"""Rules that could not be judged: why, and what would settle it (architecture decision 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from smartapp.engine.axis import AxisView
from smartapp.engine.case import Case
from smartapp.engine.facts import SERM_AGENTS, eye_on_serm
from smartapp.engine.standing import Standing
from smartapp.engine.stops import OPTIONS, SEVERE
from smartapp.engine.telling import tell_risk
from smartapp.knowledge.matrix import Row


@dataclass(frozen=True, slots=True)
class Abstention:
    """One rule left open. `reason` and `fix` are keys of the wording's [reason] and [fix].

    orders     analytes whose measurement would settle it
    asks       the part of the questionnaire that would: "symptoms" or "wishes"
    decisive   the recommendation could change, and no other finding asks for the same
    weighs     the status waits for it
    row        the row of the matrix it is about
    words      for the places of reason and fix
    """

    rule: str
    code: str
    reason: str
    fix: str
    orders: tuple[str, ...] = ()
    asks: str | None = None
    decisive: bool = True
    weighs: bool = True
    row: str | None = None
    words: Mapping[str, str] | None = None


# Statuses in which the options are weighed.
_OPEN_TO_OPTIONS = ("confirm-first", "candidate", "not-suitable")
_UNREAD = {
    "problems": "problems-unread",
    "therapy": "therapy-unread",
    "allergies": "allergies-unread",
    "labs": "labs-unread",
    "safety-labs": "safety-labs-unread",
}
_LOW_T: dict[str, tuple[str, tuple[str, ...], bool]] = {
    # reason -> what to order, and whether no other finding asks for it
    "none": ("two-mornings", ("testosterone",), True),
    "only-invalid": ("two-mornings", ("testosterone",), False),
    "single": ("second-morning", ("testosterone",), False),
    "discordant": ("third-morning", ("testosterone", "shbg"), False),
    "withheld": ("repeat", ("testosterone",), True),
    "censored": ("repeat", ("testosterone",), True),
    "shbg-at-risk": ("measure-shbg", ("shbg", "albumin"), True),
    "free-t-needed": ("measure-shbg", ("shbg", "albumin"), True),
}  # fmt: skip
_HORMONE_STEP = {
    "lh-missing": ("measure-lh", ("lh", "fsh")),
    "lh-withheld": ("repeat", ("lh",)),
    "lh-censored": ("repeat", ("lh",)),
    "fsh-missing": ("measure-fsh", ("fsh",)),
    "fsh-withheld": ("repeat", ("fsh",)),
    "fsh-censored": ("repeat", ("fsh",)),
}


def open_rules(
    case: Case, view: AxisView, standing: Standing, asked: Iterable[str] = ()
) -> tuple[Abstention, ...]:
    """Every rule of rules 1-8 that was left open for this man, in a fixed order.

    `asked`: the drugs ordered or taken, whose rows of the matrix matter whatever his state.
    """
    found = [*_unread(case), *_open_rows(case, view, standing, asked)]
    if view.acting is not None:
        return (*found, *_on_therapy(case, view))
    if view.washing is not None:
        found.append(Abstention("R-DX-04", "cannot-assess", "wash-out", "after-wash-out"))
        return tuple(found)
    if view.untreated.severe.holds:
        return tuple(found)  # nothing that is still open could change the answer
    found += _diagnosis(case, view)
    if standing.status in _OPEN_TO_OPTIONS:
        found += _eligibility(case, view, standing)
    return tuple(found)


def _unread(case: Case) -> Iterator[Abstention]:
    for kind, reason in _UNREAD.items():
        if kind in case.unread:
            yield Abstention("R-CA-01", "cannot-assess", reason, "read-again")


def weighed(view: AxisView, standing: Standing, asked: Iterable[str]) -> tuple[str, ...]:
    """The agents whose rows of the matrix matter now: ordered, taken, or open as an option."""
    option = view.now.state == "secondary" and standing.status in _OPEN_TO_OPTIONS
    return tuple(dict.fromkeys((*asked, *(OPTIONS if option else ()))))


def _open_rows(
    case: Case, view: AxisView, standing: Standing, asked: Iterable[str]
) -> Iterator[Abstention]:
    """Rows of the matrix that could not be judged, each once, the absolute ones first."""
    if case.unread:
        return  # told once for all of them
    agents = weighed(view, standing, asked)
    against = [standing.against[agent] for agent in agents]
    absolute = {row.key: row for one in against for row in one.unclear}
    lesser = {row.key: row for one in against for row in one.open if row.key not in absolute}
    option = set(OPTIONS) <= set(agents)
    for rows, stops in ((absolute, True), (lesser, False)):
        for _, row in sorted(rows.items()):
            # What has a finding of its own is left open there, unless an option hangs on it.
            if row.key != SEVERE and (row.spoken_by is None or option):
                yield _open_row(case, row, stops)


def _open_row(case: Case, row: Row, absolute: bool) -> Abstention:
    measured = any(key in case.readings or key in case.withheld for key in row.settled_by)
    fix = "row-unclear" if not row.settled_by else "repeat" if measured else "measure"
    wanted = (
        tuple(key for key in row.settled_by if key in case.withheld or _censored(case, key))
        or row.settled_by
    )
    return Abstention(
        row.rule,
        "contraindication" if absolute else "precaution",
        "row-unclear",
        fix,
        wanted,
        decisive=absolute,
        weighs=absolute,
        row=row.key,
    )


def _censored(case: Case, analyte: str) -> bool:
    readings = case.readings.get(analyte)
    return readings is not None and readings[-1].censored


def _on_therapy(case: Case, view: AxisView) -> Iterator[Abstention]:
    on_serm = any(c.active and c.episode.agent in SERM_AGENTS for c in case.courses)
    if on_serm and not case.unread and eye_on_serm(case, view).answer is None:
        yield Abstention("A-VIS", "visual-symptoms", "eye-undated", "ask-date")
    for analyte, rule, code in (
        ("testosterone", "R-DX-01", "cannot-assess"),
        ("lh", "R-DX-05", "suppressed-axis"),
        ("hematocrit", "A-HCT", "hematocrit-high"),
    ):
        if analyte in case.withheld:
            yield Abstention(rule, code, f"{analyte}-withheld", "repeat", (analyte,))


def _diagnosis(case: Case, view: AxisView) -> Iterator[Abstention]:
    now = view.now
    low = _LOW_T.get(now.low.reason)
    if low is not None:
        fix, orders, decisive = low
        # Where no finding asks for another sample, this must be told in a finding of its own.
        decisive = decisive or now.low.confirm is None
        code = "cannot-assess" if decisive else "confirm-testosterone"
        words = {"risk": tell_risk(case, now.low.risk)}
        yield Abstention(
            "R-DX-02", code, now.low.reason, fix, orders, decisive=decisive, words=words
        )
    if now.unknown_step is not None:
        # Without low testosterone a missing LH or FSH changes no recommendation.
        decisive = now.low.answer == "low"
        fix, orders = _HORMONE_STEP[now.unknown_step]
        yield Abstention(
            "R-DX-03", "cannot-assess", now.unknown_step, fix, orders, decisive=decisive
        )
    elif now.low.answer == "unknown" and now.samples.lh.reading is None and now.samples.valid:
        yield Abstention(
            "R-DX-03", "cannot-assess", "lh-missing", "measure-lh", ("lh", "fsh"), decisive=False
        )
    if now.low.answer == "low" and now.lh_high and "c" in now.severe.open_criteria:
        yield Abstention(
            "R-ELIG-STOP-01",
            "severe-primary-failure",
            "testis-volume",
            "examine-testes",
            decisive=False,
            weighs=False,
        )


def _eligibility(case: Case, view: AxisView, standing: Standing) -> Iterator[Abstention]:
    if view.now.state != "secondary":
        return
    if standing.path is None:
        reason = f"symptoms-{standing.symptoms.answer}"
        yield Abstention(
            "R-ELIG-SYM", "recalibration-candidate", reason, "ask-symptoms", asks="symptoms"
        )
    for item in standing.gate:
        if item.key in ("prolactin-missing", "prolactin-unclear"):
            yield Abstention(
                "R-ELIG-GATE-01", "axis-workup", item.key, "measure-prolactin", ("prolactin",),
                decisive=False,
            )  # fmt: skip
    if not case.readings.get("hematocrit") and "hematocrit" not in case.withheld:
        yield Abstention(
            "R-CI-hematocrit-stop", "contraindication", "hematocrit-missing", "measure",
            ("hematocrit",), decisive=False, weighs=False,
        )  # fmt: skip
