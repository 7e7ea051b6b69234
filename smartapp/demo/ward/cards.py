"""A CDS Hooks card as the chart shows it. What breaks the standard is said, not guessed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markupsafe import Markup

from smartapp.demo.dig import dig, rows, text
from smartapp.demo.ward.services import Exchange

INDICATORS = ("critical", "warning", "info")
_WORDS = {"critical": "Critical", "warning": "Warning", "info": "Info"}

# Raw HTML stays text; images would fetch from elsewhere.
_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_markdown.disable("image")


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """`uuid` may be "": such a suggestion can be applied, but no feedback can name it."""

    uuid: str
    label: str
    recommended: bool
    actions: tuple[dict[str, Any], ...]

    @property
    def descriptions(self) -> list[str]:
        return [text(action, "description") or "" for action in self.actions]


@dataclass(frozen=True, slots=True)
class LinkView:
    """`allowed` is False for a link this EHR does not open: other schemes, other apps."""

    label: str
    url: str
    smart: bool
    app_context: str | None
    allowed: bool


@dataclass(frozen=True, slots=True)
class CardView:
    """One card. `key` finds it again: its uuid, else its place in the answer."""

    key: str
    uuid: str
    indicator: str
    word: str
    summary: str
    detail: Markup | None
    source_label: str
    source_url: str | None
    suggestions: tuple[SuggestionView, ...]
    reasons: tuple[dict[str, str], ...]
    links: tuple[LinkView, ...]
    service_url: str


def cards_of(exchange: Exchange, launch_url: str) -> tuple[list[CardView], list[str]]:
    """The cards of an answer, most severe first, and what was wrong with those left out."""
    shown: list[CardView] = []
    wrong: list[str] = []
    for place, card in enumerate(rows(exchange.answer, "cards")):
        indicator, summary = text(card, "indicator"), text(card, "summary")
        if indicator not in INDICATORS or not summary or not text(card, "source", "label"):
            wrong.append(f"Card {place + 1} of {exchange.title} breaks the standard.")
            continue
        shown.append(_view(card, f"{place}", indicator, summary, exchange.url, launch_url))
    shown.sort(key=lambda card: INDICATORS.index(card.indicator))
    return shown, wrong


def _view(
    card: dict[str, Any],
    place: str,
    indicator: str,
    summary: str,
    service_url: str,
    launch_url: str,
) -> CardView:
    detail, uuid = text(card, "detail"), text(card, "uuid") or ""
    source_url = text(card, "source", "url")
    return CardView(
        key=uuid or place,
        uuid=uuid,
        indicator=indicator,
        word=_WORDS[indicator],
        summary=summary,
        # html=False escapes raw HTML, and markdown-it refuses script links.
        detail=Markup(_markdown.render(detail)) if detail else None,  # noqa: S704
        source_label=text(card, "source", "label") or "",
        source_url=source_url if source_url and _is_web(source_url) else None,
        suggestions=tuple(_suggestion(s) for s in rows(card, "suggestions") if text(s, "label")),
        reasons=tuple(_reason(r) for r in rows(card, "overrideReasons") if text(r, "display")),
        links=tuple(_link(k, launch_url) for k in rows(card, "links") if text(k, "url")),
        service_url=service_url,
    )


def _suggestion(suggestion: dict[str, Any]) -> SuggestionView:
    return SuggestionView(
        uuid=text(suggestion, "uuid") or "",
        label=text(suggestion, "label") or "",
        recommended=dig(suggestion, "isRecommended") is True,
        actions=tuple(rows(suggestion, "actions")),
    )


def _reason(reason: dict[str, Any]) -> dict[str, str]:
    names = ("code", "system", "display")
    return {name: value for name in names if (value := text(reason, name))}


def _link(link: dict[str, Any], launch_url: str) -> LinkView:
    url, smart = text(link, "url") or "", text(link, "type") == "smart"
    return LinkView(
        label=text(link, "label") or url,
        url=url,
        smart=smart,
        app_context=text(link, "appContext") if smart else None,
        allowed=url == launch_url if smart else _is_web(url),
    )


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
