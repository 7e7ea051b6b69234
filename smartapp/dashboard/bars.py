"""The therapy bars beneath the lanes: one row per ingredient, one bar per episode."""

from __future__ import annotations

from datetime import date, datetime, time

from smartapp.dashboard import figures, words
from smartapp.dashboard.axes import Row, Span, iso
from smartapp.dashboard.names import drug_name
from smartapp.knowledge import Knowledge
from smartapp.patient.record import Dose, Episode, TherapyTimeline


def starts(therapy: TherapyTimeline, knowledge: Knowledge) -> list[datetime]:
    """When the drugs that get a bar were begun, as far as it is known."""
    return [
        _midnight(episode.start)
        for episode in therapy.episodes
        if episode.start and has_bar(knowledge, episode)
    ]


def bars(therapy: TherapyTimeline, knowledge: Knowledge, of: Span, now: datetime) -> list[Row]:
    """An open right end means that it goes on; `sure` is False where an end is only probable."""
    rows: list[Row] = []
    ends: dict[str, datetime] = {}
    for episode in therapy.episodes:
        kind = _kind(knowledge, episode)
        if kind is None:
            continue
        begin = _midnight(episode.start) if episode.start else of.start
        stop = _midnight(episode.stop) if episode.stop else now
        begin = min(max(begin, of.start), of.end)
        stop = min(max(stop, begin), of.end)
        name = drug_name(knowledge.catalogue, episode.agent)
        label = f"{name}, {episode.dose.text}" if episode.dose and episode.dose.text else name
        when, wordings = _when(episode), _wordings(name, kind, episode.dose)
        rows.append(
            {
                "row": name,
                "t": iso(begin),
                "t2": iso(stop),
                "kind": kind,
                "sure": episode.status != "uncertain",
                "goes_on": episode.status == "active",
                **_words(wordings, begin, stop, ends.get(name, of.start), of),
                "label": label,
                "when": when,
                "say": f"{label}, {when}",
            }
        )
        ends[name] = stop
    return rows


def has_bar(knowledge: Knowledge, episode: Episode) -> bool:
    """Whether the drug matters to the axis."""
    return _kind(knowledge, episode) is not None


def _kind(knowledge: Knowledge, episode: Episode) -> str | None:
    """What the drug is to the axis; None for a drug that gets no bar."""
    drug = knowledge.catalogue.drugs.get(episode.agent)
    if drug is None or (drug.role == "other" and not drug.hpg_active):
        return None
    return drug.role


def _when(episode: Episode) -> str:
    since = figures.day(episode.start) if episode.start else "start not known"
    until = figures.day(episode.stop) if episode.stop else words.EPISODE[episode.status]
    return f"{since} to {until}" if episode.stop else f"{since}, {until}"


def _wordings(name: str, kind: str, dose: Dose | None) -> list[str]:
    """Drug and dose, from the fullest wording to the shortest that still says something."""
    if dose is None or dose.amount is None:
        return [name]
    amount = figures.amount(dose.amount, dose.unit)
    # Injections are thought of by the week, tablets by the day.
    weekly = kind == "androgen" or dose.unit == "[IU]"
    mean, period = (dose.per_week, "a week") if weekly else (dose.per_day, "a day")
    full = amount
    if mean is not None and (weekly or mean != dose.amount):
        full = f"{amount} ({figures.amount(mean, dose.unit)} {period})"
    return [f"{name} {full}", f"{name} {amount}", full, amount]


def _words(
    wordings: list[str], begin: datetime, stop: datetime, before: datetime, of: Span
) -> dict[str, str]:
    """What stands in the bar, or, where a late bar is too short for it, in the free room before.

    The fullest wording that fits a narrow screen; the tooltip and the therapy line say all.
    """
    whole = of.end - of.start
    for wording in wordings:
        if len(wording) <= (stop - begin) / whole * _LETTERS:
            return {"inside": wording, "before": ""}
    room = (begin - before) / whole * _LETTERS
    return {
        "inside": "",
        "before": next((wording for wording in wordings if len(wording) <= room), ""),
    }


# Letters of a bar's words across the narrowest lane.
_LETTERS = 42


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
