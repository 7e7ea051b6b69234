"""The therapy bars beneath the lanes: one row per ingredient, one bar per episode."""

from __future__ import annotations

from datetime import date, datetime, time

from smartapp.dashboard import figures, words
from smartapp.dashboard.axes import Row, Span, iso
from smartapp.dashboard.names import drug_name
from smartapp.knowledge import Knowledge
from smartapp.patient.record import Episode, TherapyTimeline


def starts(therapy: TherapyTimeline, knowledge: Knowledge) -> list[datetime]:
    """When the drugs that get a bar were begun, as far as it is known."""
    return [
        _midnight(episode.start)
        for episode in therapy.episodes
        if episode.start and _kind(knowledge, episode)
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
        label = f"{name} {episode.dose.text if episode.dose else ''}".strip()
        when = _when(episode)
        rows.append(
            {
                "row": name,
                "t": iso(begin),
                "t2": iso(stop),
                "kind": kind,
                "sure": episode.status != "uncertain",
                "goes_on": episode.status == "active",
                "outside": _room_before(begin, ends.get(name, of.start), of),
                "label": label,
                "when": when,
                "say": f"{label}, {when}",
            }
        )
        ends[name] = stop
    return rows


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


def _room_before(begin: datetime, before: datetime, of: Span) -> bool:
    """Whether a bar's words stand to its left: it starts late, and nothing is in their way."""
    whole = of.end - of.start
    return (begin - of.start) / whole > 0.55 and (begin - before) / whole > 0.3


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
