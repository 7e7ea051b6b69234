"""What the man may be asked: tools with their scales and codes, and the forms to ask with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from smartapp.knowledge.catalogue_table import MARKS, Table, read_table

Kind = Literal["sum", "scales", "signs", "wishes"]
Better = Literal["high", "low"]

LOINC = "http://loinc.org"
TOTAL = "total"
_KINDS: tuple[Kind, ...] = ("sum", "scales", "signs", "wishes")


@dataclass(frozen=True, slots=True)
class Answers:
    """Coded answers: code → the number it stands for, and what it says."""

    system: str
    values: Mapping[str, Decimal]
    names: Mapping[str, str]
    source: str
    mark: str

    @property
    def yes_no(self) -> bool:
        """Whether it is yes (1) or no (0) that is asked for."""
        return set(self.values.values()) == {Decimal(0), Decimal(1)}


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `codes`: (system, code). `ask` is our own wording; "" where the paper asks."""

    key: str
    name: str
    ask: str
    codes: tuple[tuple[str, str], ...]
    low: Decimal
    high: Decimal
    answers: Answers | None


@dataclass(frozen=True, slots=True)
class Band:
    """A range of totals with a name; it reaches to the next band."""

    start: Decimal
    name: str


@dataclass(frozen=True, slots=True)
class Tool:
    """One instrument.

    low, high   of its total (kind "sum"), else of each item; `better`: the end where he is well
    meaningful  the least change that counts as one; None where nobody has set it
    codes       (system, code) of its total
    words       by which a questionnaire nobody can read is recognised as this one
    trap        what another scale under the same name may be; "" when there is none
    """

    key: str
    name: str
    kind: Kind
    low: Decimal
    high: Decimal
    better: Better
    meaningful: Decimal | None
    meaningful_mark: str | None
    codes: tuple[tuple[str, str], ...]
    panel: tuple[str, ...]
    items: Mapping[str, Item]
    bands: tuple[Band, ...]
    words: tuple[str, ...]
    trap: str
    source: str
    mark: str

    def band(self, total: Decimal) -> str | None:
        """The name of the band that holds `total`; None for a tool without bands."""
        name = None
        for band in self.bands:
            if total >= band.start:
                name = band.name
        return name


@dataclass(frozen=True, slots=True)
class Form:
    """A Questionnaire of ours: `url` is its canonical address."""

    key: str
    url: str
    title: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Where one code or link of an answer leads: a tool and one of its items, or its total."""

    tool: Tool
    item: Item | None
    system: str

    @property
    def key(self) -> str:
        return TOTAL if self.item is None else self.item.key


@dataclass(frozen=True, slots=True)
class Questionnaires:
    """All tools and forms. `by_code`: code → field, for LOINC codes and our own (`Field.system`
    says which); `by_link`: linkId of our forms → field; `by_url`: canonical address → form."""

    tools: Mapping[str, Tool]
    forms: Mapping[str, Form]
    by_code: Mapping[str, Field]
    by_link: Mapping[str, Field]
    by_url: Mapping[str, Form]
    panels: frozenset[str]
    code_system: str
    version: str

    def tokens(self) -> Iterator[str]:
        """`system|code` of the totals and scales, to search for as Observations.

        Signs and wishes come as answers to our form, or by a site's local codes, and are read
        wherever they come; asking for each of them would make the search's address too long.
        """
        for code, field in self.by_code.items():
            if field.tool.kind in ("sum", "scales"):
                yield f"{field.system}|{code}"
        for panel in sorted(self.panels):
            yield f"{LOINC}|{panel}"


def load_questionnaires(text: str | None = None) -> Questionnaires:
    """The tools and forms of this version; `text` stands for the file in tests.

    Refuses (KnowledgeError, naming file, key and reason) a file that contradicts itself: a code
    claimed twice, bands or items outside the scale, a form with an unknown tool, an unknown key.
    """
    file = read_table("questionnaires.toml", text)
    version, own, base = file.text("version"), file.text("code_system"), file.text("canonical")
    answers = {key: _answers(table) for key, table in file.children("answers")}
    tools = {key: _tool(key, table, answers, own) for key, table in file.children("tool")}
    forms = {key: _form(key, table, tools, base) for key, table in file.children("form")}
    file.done()
    return Questionnaires(
        tools=tools,
        forms=forms,
        by_code=_by_code(file, tools),
        by_link={link: field for tool in tools.values() for link, field in _links(tool, own)},
        by_url={form.url: form for form in forms.values()},
        panels=frozenset(code for tool in tools.values() for code in tool.panel),
        code_system=own,
        version=version,
    )


def link_of(tool: Tool, item: str) -> str:
    """The linkId of a question in our forms."""
    return f"{tool.key}.{item}"


def questionnaire(form: Form, known: Questionnaires) -> dict[str, Any]:
    """The form as a FHIR R4 Questionnaire: a group for each tool, linkIds that lead back here."""
    return {
        "resourceType": "Questionnaire",
        "id": form.key,
        "url": form.url,
        "version": known.version,
        "name": "Hpg" + "".join(part.title() for part in form.key.split("-")),
        "title": form.title,
        "status": "active",
        "subjectType": ["Patient"],
        "item": [_group(known.tools[key], known.code_system) for key in form.tools],
    }


def _group(tool: Tool, own: str) -> dict[str, Any]:
    fields = (field for _, field in _links(tool, own))
    asked = [field for field in fields if field.item is not None or not tool.items]
    return {
        "linkId": tool.key,
        "text": tool.name,
        "type": "group",
        "item": [_question(field) for field in asked],
    }


def _question(field: Field) -> dict[str, Any]:
    tool, item = field.tool, field.item
    codes = tool.codes if item is None else item.codes
    name = f"Total of the {tool.name} form" if item is None else item.ask or item.name
    question: dict[str, Any] = {
        "linkId": link_of(tool, field.key),
        "code": [{"system": system, "code": code} for system, code in codes],
        "text": name,
    }
    if item is not None and item.answers is not None:
        told = item.answers
        options = [
            {"valueCoding": {"system": told.system, "code": code, "display": told.names[code]}}
            for code in told.values
        ]
        return {**question, "type": "choice", "answerOption": options}
    low, high = (tool.low, tool.high) if item is None else (item.low, item.high)
    limits = [
        {"url": f"http://hl7.org/fhir/StructureDefinition/{name}", "valueInteger": int(limit)}
        for name, limit in (("minValue", low), ("maxValue", high))
    ]
    return {"extension": limits, **question, "type": "integer"}


def _answers(table: Table) -> Answers:
    values: dict[str, Decimal] = {}
    names: dict[str, str] = {}
    for entry in table.tables("codes"):
        code = entry.text("code")
        if code in values:
            entry.refuse("code", f"{code} is listed twice")
        values[code], names[code] = entry.number("value"), entry.text("name")
        entry.done()
    answers = Answers(
        table.text("system"), values, names, table.text("source"), table.choice("mark", MARKS)
    )
    table.done()
    return answers


def _tool(key: str, table: Table, answers: Mapping[str, Answers], own: str) -> Tool:
    low, high = table.number("low"), table.number("high")
    if low >= high:
        table.refuse("high", "is not above low")
    meaningful = table.number("meaningful") if table.has("meaningful") else None
    fallback = table.text_or_none("answers")
    tool = Tool(
        key=key,
        name=table.text("name"),
        kind=_kind(table),
        low=low,
        high=high,
        better="high" if table.choice("better", ("high", "low")) == "high" else "low",
        meaningful=meaningful,
        meaningful_mark=table.choice("meaningful_mark", MARKS) if meaningful else None,
        codes=_codes(table, own),
        panel=table.words("panel"),
        items={
            name: _item(name, entry, (low, high), answers, fallback, own)
            for name, entry in table.children("item")
        },
        bands=_bands(table, low, high),
        words=table.words("words"),
        trap=table.text("trap", ""),
        source=table.text("source"),
        mark=table.choice("mark", MARKS),
    )
    table.done()
    if tool.kind == "sum" and not tool.codes:
        table.refuse("codes", "a total needs a code")
    if tool.kind == "sum" and tool.items:
        least = sum(item.low for item in tool.items.values())
        most = sum(item.high for item in tool.items.values())
        if (least, most) != (low, high):
            table.refuse("item", f"the items add up to {least} to {most}, not {low} to {high}")
    if tool.kind != "sum" and not tool.items:
        table.refuse("item", "at least one is needed")
    return tool


def _kind(table: Table) -> Kind:
    kind = table.text("kind")
    for known in _KINDS:
        if kind == known:
            return known
    return table.refuse("kind", f"{kind!r} is not one of {', '.join(_KINDS)}")


def _item(
    key: str,
    table: Table,
    limits: tuple[Decimal, Decimal],
    answers: Mapping[str, Answers],
    fallback: str | None,
    own: str,
) -> Item:
    named = table.text_or_none("answers") or fallback
    if named is not None and named not in answers:
        table.refuse("answers", f"{named} is no table of answers")
    item = Item(
        key=key,
        name=table.text("name"),
        ask=table.text("ask", ""),
        codes=_codes(table, own),
        low=table.number("low") if table.has("low") else limits[0],
        high=table.number("high") if table.has("high") else limits[1],
        answers=answers[named] if named else None,
    )
    table.done()
    if key == TOTAL:
        table.refuse("", "an item cannot be called total")
    return item


def _codes(table: Table, own: str) -> tuple[tuple[str, str], ...]:
    """Codes written "loinc|44261-6" or "own|libido"."""
    found = []
    for text in table.words("codes"):
        system, bar, code = text.partition("|")
        if not bar or system not in ("loinc", "own") or not code:
            table.refuse("codes", f"{text!r} is written neither loinc|code nor own|code")
        found.append((LOINC if system == "loinc" else own, code))
    return tuple(found)


def _bands(table: Table, low: Decimal, high: Decimal) -> tuple[Band, ...]:
    bands: list[Band] = []
    for entry in table.tables("band"):
        band = Band(entry.number("from"), entry.text("name"))
        if not low <= band.start <= high or (bands and band.start <= bands[-1].start):
            entry.refuse("from", "is outside the scale or not above the band before")
        bands.append(band)
        entry.done()
    if bands and bands[0].start != low:
        table.refuse("band", "the first does not begin where the scale does")
    return tuple(bands)


def _form(key: str, table: Table, tools: Mapping[str, Tool], base: str) -> Form:
    form = Form(key, base + key, table.text("title"), table.words("tools"))
    table.done()
    for tool in form.tools:
        if tool not in tools:
            table.refuse("tools", f"{tool} is no tool")
    return form


def _links(tool: Tool, own: str) -> Iterator[tuple[str, Field]]:
    if tool.kind == "sum":
        yield link_of(tool, TOTAL), Field(tool, None, own)
    for item in tool.items.values():
        yield link_of(tool, item.key), Field(tool, item, own)


def _by_code(file: Table, tools: Mapping[str, Tool]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for tool in tools.values():
        fields = [Field(tool, None, system) for system, _ in tool.codes]
        pairs = list(zip(tool.codes, fields, strict=True))
        pairs += [
            ((system, code), Field(tool, item, system))
            for item in tool.items.values()
            for system, code in item.codes
        ]
        for (_, code), field in pairs:
            if code in found:
                file.refuse(f"tool.{tool.key}", f"{code} is claimed twice")
            found[code] = field
    return found
