"""Options, never orders: for each agent whether it may be considered and what stands against it."""

from __future__ import annotations

from smartapp.engine.assessment import Option
from smartapp.engine.axis import AxisView
from smartapp.engine.baseline import lacking
from smartapp.engine.case import Case
from smartapp.engine.standing import Standing, approved, eligible
from smartapp.engine.stops import OPTIONS, SEVERE, Against
from smartapp.engine.telling import tell_analytes

_UNAPPROVED = "unapproved"
# A caution that is no row: what the baseline before a draft still lacks (rules 10).
_UNMEASURED = "not-measured"


def list_options(case: Case, view: AxisView, standing: Standing) -> tuple[Option, ...]:
    """Clomiphene, enclomiphene and hCG, always all three."""
    return tuple(_option(case, view, standing, agent) for agent in OPTIONS)


def _option(case: Case, view: AxisView, standing: Standing, agent: str) -> Option:
    against, knowledge = standing.against[agent], case.knowledge
    blocked = [hit.row.key for hit in against.absolute]
    # An open question about the axis is told as such: it is no further contraindication.
    if any(row.key != SEVERE for row in against.unclear):
        blocked.append("not-excluded")
    if not approved(case, agent):
        blocked.append("not-approved")
    if standing.status != "candidate":
        blocked.append(standing.status)
    may = standing.status == "candidate" and eligible(case, against)
    # A draft is offered only where nothing relative stands and the baseline is whole (rules 10).
    relative = any(hit.grade == "R" for hit in against.hits)
    missing = lacking(case, view, agent) if may else ()
    clean = may and agent != "enclomiphene" and not relative and not missing
    starts = [r for r in knowledge.regimens.values() if r.agent == agent and r.start]
    on_label = agent == "hcg" and standing.path == "E3"
    # What closes the option is not told a second time as a caution.
    cautions = tuple(
        hit.row.key for hit in against.lesser if hit.row.key != _UNAPPROVED or approved(case, agent)
    )
    caution_words = tuple(_say(case, key, against) for key in cautions)
    if missing:
        cautions += (_UNMEASURED,)
        caution_words += (_say_missing(case, missing),)
    return Option(
        agent=agent,
        eligible=may,
        regimen="; or ".join(r.text for r in starts),
        blocked_by=tuple(blocked),
        cautions=cautions,
        regulatory=(
            knowledge.wording.say("regulatory", "hcg-on-label")
            if on_label
            else knowledge.catalogue.drugs[agent].regulatory
        ),
        regimens=tuple(r.key for r in starts) if clean else (),
        blocked_words=tuple(_say(case, key, against) for key in blocked),
        caution_words=caution_words,
    )


def _say_missing(case: Case, missing: tuple[str, ...]) -> str:
    words = {
        "missing": tell_analytes(case.knowledge, missing),
        "days": str(case.protocol.orders.baseline_days),
    }
    return case.knowledge.wording.say("missing", "caution", words)


def _say(case: Case, key: str, against: Against) -> str:
    """What a key means: a row of the matrix, or what else closes an option."""
    wording = case.knowledge.wording
    if key in wording.phrases["row"]:
        return wording.say("row", key)
    rows = dict.fromkeys(wording.say("row", row.key) for row in against.unclear)
    return wording.say("blocked", key, {"rows": ", ".join(rows)})
