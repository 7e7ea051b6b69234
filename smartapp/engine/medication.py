"""What is said about the drugs themselves: suppression, duplicates, testosterone and fertility."""

from __future__ import annotations

from collections.abc import Iterable

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import AxisView
from smartapp.engine.eligibility import wish_evidence
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.report import Ordered, Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of
from smartapp.engine.telling import axis_words, tell_reading
from smartapp.engine.treatment import per_week

_SUPPRESSING = ("testosterone", "anabolic-steroid", "gnrh")
_ANDROGENS = frozenset({"testosterone", "anabolic-steroid"})


def say_suppressed(report: Report, view: AxisView) -> None:
    """`suppressed-axis`: unexplained, or under a drug that suppresses; never under hCG alone."""
    if view.now.state == "suppressed":
        report.finding(
            "suppressed-axis",
            "R-DX-05",
            variant="unexplained",
            evidence=view.now.evidence,
            fixes=(*report.order_lab("hcg"), report.refer("endocrinology")),
            words=axis_words(report.case, view.now),
        )
        return
    case = report.case
    course = next(
        (c for c in case.courses if c.active and c.episode.drug_class in _SUPPRESSING), None
    )
    lh = case.newest("lh", case.protocol.samples.window)
    if course is None or lh is None or "lh" in case.withheld:
        return
    if course.episode.start is not None and lh.drawn <= course.episode.start:
        return  # drawn before the drug: it tells nothing of its effect
    limit = case.range_of(lh).low
    if limit is None or not span_of(lh).below(limit):
        return
    evidence = (evidence_of(lh, "fired", ranged=True), evidence_of_course(course, "under"))
    report.finding(
        "suppressed-axis",
        "R-DX-05",
        evidence=evidence,
        words={"agent": report.name(course.episode.agent), "lh": tell_reading(lh)},
    )


def say_duplicates(report: Report) -> None:
    """`duplicate-therapy`: two drugs taken, or taken and drafted, that do not go together."""
    drugs = report.case.knowledge.catalogue.drugs
    agents = dict.fromkeys(c.episode.agent for c in report.case.courses if c.active)
    agents |= dict.fromkeys(a for d in report.occasion.drafts if (a := d.agent) and a in drugs)
    by_class: dict[str, list[str]] = {}
    for agent in agents:
        by_class.setdefault(drugs[agent].drug_class, []).append(agent)
    serms = by_class.get("serm", [])
    androgens = [a for name in sorted(_ANDROGENS) for a in by_class.get(name, [])]
    inhibitors = by_class.get("aromatase-inhibitor", [])
    if len(serms) > 1:
        _say(report, "two-serms", serms)
    if serms and androgens:
        _say(report, "serm-androgen", [*serms, *androgens])
    gonadotropins = by_class.get("hcg", [])
    if gonadotropins and androgens:
        both = [*gonadotropins, *androgens]
        _say(report, "hcg-androgen", both, published=_published(report))
    if "tamoxifen" in agents and inhibitors:
        _say(report, "tamoxifen-inhibitor", ["tamoxifen", *inhibitors])


def _say(report: Report, kind: str, agents: list[str], published: bool = False) -> None:
    drafts = [o for o in report.occasion.ordered if o.agent in agents]
    cut = report.case.protocol.orders.hcg_beside_testosterone
    report.finding(
        "duplicate-therapy",
        "R-DUP-01",
        level="published" if published else "default",
        variant="published" if published else kind,
        state=kind,
        evidence=_taken(report, agents),
        fixes=() if published else report.remove(*drafts),
        about=drafts[0] if drafts else None,
        words={"agents": report.names(agents), "dose": show(cut)},
    )


def _taken(report: Report, agents: Iterable[str]) -> tuple[Evidence, ...]:
    """The courses taken; a draft is no datum of the record and is named in the words only."""
    return tuple(
        evidence_of_course(c, "taken")
        for c in report.case.courses
        if c.active and c.episode.agent in agents
    )


def _published(report: Report) -> bool:
    """Whether hCG beside testosterone stays within the published dose; unknown is not within."""
    doses = [c.episode.dose for c in report.case.courses if c.active and c.drug.drug_class == "hcg"]
    doses += [d.dose for d in report.occasion.drafts if d.drug_class == "hcg"]
    weekly = [per_week(dose, "[IU]") for dose in doses]
    cut = report.case.protocol.orders.hcg_beside_testosterone
    return bool(weekly) and all(dose is not None and dose <= cut for dose in weekly)


def say_fertility(report: Report) -> None:
    """`testosterone-fertility`: an androgen taken or ordered while a child is wished for.

    A wish nobody wrote down is asked for: "no" is an answer, silence is none.
    """
    case = report.case
    if case.wishes.fertility == "no":
        return
    taken = [c for c in case.courses if c.active and c.episode.drug_class == "testosterone"]
    drafts: tuple[Ordered, ...] = report.occasion.roles("androgen")
    if not taken and not drafts:
        return
    if case.wishes.fertility == "unknown":
        report.open(
            Abstention(
                "R-FERT-01",
                "testosterone-fertility",
                "wish-unknown",
                "ask-wish",
                asks="wishes",
                decisive=False,
            )
        )
        return
    report.finding(
        "testosterone-fertility",
        "R-FERT-01",
        evidence=(*(evidence_of_course(c, "taken") for c in taken), *wish_evidence(report)),
        fixes=(*report.remove(*drafts), report.refer("fertility")),
        about=drafts[0] if drafts else None,
    )
