"""The summary as a PDF: one A4 sheet where it can be, text to select and tags to be read aloud.

Drawn with fpdf2: a pure wheel without a system library, and it lets us say for every piece of
text what it is. Nothing here decides what is said; `summary.py` does.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import CoreFont, TTFFont

from smartapp.dashboard.summary import Row, Section, Summary
from smartapp.dashboard.summary_fonts import Fonts

MARGIN = 12.0
WIDTH = 210.0 - 2 * MARGIN
# A4 is 297 mm high, Letter 279 mm: what ends here prints whole on both.
END = 272.0
LEAD_WIDTH = 27.0
LEAST_PICTURE = 68.0
POINT = 0.3528
FAMILY = "sheet"
# What stands where the family has no letter.
MISSING = "?"

INK, SOFT = (0, 0, 0), (75, 85, 95)
TONES = {
    "critical": (164, 22, 26), "stop": (164, 22, 26), "warning": (138, 69, 0),
    "caution": (138, 69, 0), "info": (20, 80, 127), "neutral": (20, 80, 127),
    "go": (27, 107, 60), "unknown": (86, 98, 110),
}  # fmt: skip


def summary_pdf(summary: Summary, fonts: Fonts, picture: bytes | None, made: datetime) -> bytes:
    """The sheet as PDF bytes. `picture` is the chart as PNG, `made` the moment it was judged.

    Notes give way, and say how many, until the rest fits one sheet. Where even that does not make
    it fit, nothing is left out and the sheet runs on.
    """
    for shorter in _shorter(summary):
        sheet = _draw(shorter, fonts, picture, made)
        if sheet.page == 1:
            return bytes(sheet.output())
    return bytes(_draw(summary, fonts, picture, made).output())


def _shorter(summary: Summary) -> Iterator[Summary]:
    yield summary
    yield _sparing(summary, kept=None)
    yield _sparing(summary, kept=2)
    yield _sparing(summary, kept=0)


def _sparing(summary: Summary, kept: int | None) -> Summary:
    """The same with its notes cut to their first line, and to the first `kept` of each section."""
    return replace(summary, sections=tuple(_fewer(section, kept) for section in summary.sections))


def _fewer(section: Section, kept: int | None) -> Section:
    spare = [row for row in section.rows if row.spare]
    gone = [] if kept is None else spare[kept:]
    rows = [replace(row, under=()) if row.spare else row for row in section.rows if row not in gone]
    if gone:
        rows.append(Row("More", f"and {len(gone)} more of the kind Note, on the dashboard"))
    return Section(section.title, tuple(rows))


def _draw(summary: Summary, fonts: Fonts, picture: bytes | None, made: datetime) -> _Sheet:
    sheet = _Sheet(summary, fonts, made)
    sheet.head()
    for section in summary.sections:
        sheet.section(section)
    if picture is not None:
        sheet.picture(picture, summary.picture)
    return sheet


def _letters(font: CoreFont | TTFFont) -> Container[int]:
    """The code points a font has letters for."""
    return font.cmap if isinstance(font, TTFFont) else range(256)


class _Sheet(FPDF):
    """A document whose every text carries its tag (heading, paragraph, figure)."""

    def __init__(self, summary: Summary, fonts: Fonts, made: datetime) -> None:
        super().__init__(format="A4", unit="mm")
        self.summary = summary
        self.add_font(FAMILY, "", fonts.regular)
        self.add_font(FAMILY, "B", fonts.bold)
        self.letters = _letters(self.fonts[FAMILY])
        self.lost = False
        self.set_lang("en")
        # Titles show in windows and lists of files: no name, no number of a patient.
        self.set_title("HPG summary")
        self.set_creation_date(made)
        self.set_margin(0)
        self.c_margin = 0.0
        self.set_auto_page_break(False)
        # Room for the line on missing letters is kept, wanted or not.
        lines = (summary.versions, summary.use, self._page_line(), " ")
        self.add_page()
        self.foot = END - 2 - sum(self.height(line, 6.8, WIDTH) for line in lines)
        self.set_xy(MARGIN, MARGIN)

    # -- the parts of the sheet

    def head(self) -> None:
        self.flow(self.summary.name, "H1", size=14, bold=True)
        for line in self.summary.who:
            self.flow(line, "P", size=8.5)
        for line in self.summary.banners:
            self.flow(line, "P", size=8.5, bold=True, colour=TONES["warning"])

    def section(self, section: Section) -> None:
        # A heading never stands alone at the foot of a sheet.
        self.room(12)
        self.set_y(self.get_y() + 1.6)
        self.rule()
        self.flow(section.title, "H2", size=9.5, bold=True)
        for row in section.rows:
            self.row(row)

    def row(self, row: Row) -> None:
        left, width = MARGIN + LEAD_WIDTH, WIDTH - LEAD_WIDTH
        heights = [self.height(row.text, 8.5, width)]
        heights += [self.height(line, 7.5, width) for line in row.under]
        self.room(max(sum(heights), self.height(row.lead, 8.5, LEAD_WIDTH - 2, bold=True)))
        page, top = self.page, self.get_y()
        colour = TONES.get(row.tone, INK)
        self.flow(row.lead, "P", size=8.5, bold=True, colour=colour, width=LEAD_WIDTH - 2)
        beneath = self.get_y()
        if self.page == page:
            self.set_y(top)
        self.flow(row.text, "P", size=8.5, left=left, width=width)
        for line in row.under:
            self.flow(line, "P", size=7.5, colour=SOFT, left=left, width=width)
        if self.page == page:
            self.set_y(max(beneath, self.get_y()))
        self.set_y(self.get_y() + 0.5)

    def picture(self, png: bytes, words: str) -> None:
        """The chart in what is left of the sheet; on the next where that is too little."""
        self.room(LEAST_PICTURE + 6)
        self.set_y(self.get_y() + 1.6)
        self.rule()
        self.flow("Course", "H2", size=9.5, bold=True)
        self.image(
            BytesIO(png), MARGIN, self.get_y(), WIDTH, self.foot - self.get_y(),
            keep_aspect_ratio=True, alt_text=self.printable(words),
        )  # fmt: skip

    def footer(self) -> None:
        """Versions, intended use, whose sheet it is and which of how many."""
        self.set_y(self.foot + 1)
        self.rule()
        lines = [self.summary.versions, self.summary.use]
        if self.lost:
            lines.append(f"Letters that this sheet cannot print are shown as {MISSING}.")
        for line in lines:
            self.flow(line, "P", size=6.8, colour=SOFT)
        self.flow(self._page_line(), "P", size=6.8)

    def _page_line(self) -> str:
        """Whose sheet this is, on each of them. The library fills in how many there are."""
        return f"{self.summary.name}, {self.summary.born}, page {self.page_no()} of {{nb}}"

    # -- how text gets onto it

    def room(self, height: float) -> None:
        """Begins a sheet where `height` does not fit this one but fits an empty one."""
        if self.get_y() + height > self.foot and self.get_y() > MARGIN:
            self.add_page()
            self.set_xy(MARGIN, MARGIN)

    def flow(
        self,
        text: str,
        tag: str,
        *,
        size: float,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        left: float = MARGIN,
        width: float = WIDTH,
    ) -> None:
        """Writes a paragraph and leaves the pen beneath it; it may run on to the next sheet."""
        height = size * POINT * 1.28
        waiting = self.lines(text, size, width, bold)
        while waiting:
            # The foot has its room reserved, and never begins another sheet.
            free = len(waiting) if self.in_footer else int((self.foot - self.get_y()) / height)
            fits = max(1, free)
            self.set_font(FAMILY, "B" if bold else "", size)
            self.set_text_color(*colour)
            with self.tagged(tag):
                for line in waiting[:fits]:
                    self.set_x(left)
                    self.cell(width, height, line)
                    self.set_y(self.get_y() + height)
            waiting = waiting[fits:]
            if waiting:
                self.add_page()
                self.set_xy(MARGIN, MARGIN)

    def lines(self, text: str, size: float, width: float, bold: bool = False) -> list[str]:
        self.set_font(FAMILY, "B" if bold else "", size)
        found: Any = self.multi_cell(
            width, text=self.printable(text), align="L", dry_run=True,
            output=MethodReturnValue.LINES,
        )  # fmt: skip
        return list(found)

    def height(self, text: str, size: float, width: float, bold: bool = False) -> float:
        return len(self.lines(text, size, width, bold)) * size * POINT * 1.28

    def printable(self, text: str) -> str:
        """The text on one line, with a sign for each letter that the family does not have."""
        plain = " ".join(text.split())
        if all(ord(letter) in self.letters for letter in plain):
            return plain
        self.lost = True
        return "".join(letter if ord(letter) in self.letters else MISSING for letter in plain)

    def rule(self) -> None:
        self.set_draw_color(190, 200, 208)
        self.set_line_width(0.2)
        self._out("/Artifact BMC")
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self._out("EMC")
        self.set_y(self.get_y() + 1)

    @contextmanager
    def tagged(self, kind: str) -> Iterator[None]:
        """What is drawn inside is one element of the document's structure.

        The library tags pictures itself; text it leaves to us.
        """
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{kind}", mcid=number)
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")
