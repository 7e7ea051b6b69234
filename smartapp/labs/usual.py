"""The short way for the usual row: final, one LOINC code of ours, a plain quantity in a known unit.

Nearly every row is such a row, and what its code and unit mean is the same in every record: a
recipe, made from the catalogue at first sight of the pair. Anything else about a row (a comparator,
a second code, a value at a limit, a method, words) makes `read` return None, and the reader takes
the long way, which is the law; a test holds the two ways to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec import Struct

from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue import Analyte, Catalogue, LoincCode, Unit
from smartapp.labs.matching import LOINC
from smartapp.labs.ranges import Ranges
from smartapp.labs.reading import Reading
from smartapp.labs.refusal import Refusal
from smartapp.labs.series import Taken
from smartapp.labs.timing import Draw
from smartapp.labs.units import SIX, choose_unit

_is_plain = re.compile(rb"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch
_multiply = SIX.multiply
_MINUS, _PLUS = Decimal("-Infinity"), Decimal("Infinity")

Pair = tuple[str | None, str | None, str | None]


class Recipe(Struct, frozen=True, gc=False):
    """What one code with one unit means. Values from `low` to `high` need no second look."""

    analyte: Analyte
    loinc: LoincCode
    unit: Unit
    low: Decimal
    high: Decimal
    cuts: Mapping[Decimal, Decimal]
    flags: tuple[str, ...]


# By catalogue, as in the patient room. Only spellings of the catalogue itself get in, so that a
# sender cannot make it grow.
_made: dict[int, tuple[Catalogue, dict[Pair, Recipe]]] = {}


def recipes_of(catalogue: Catalogue) -> dict[Pair, Recipe]:
    """The recipes of `catalogue` made so far."""
    found = _made.get(id(catalogue))
    if found is None:
        found = _made[id(catalogue)] = (catalogue, {})
    return found[1]


class UsualRows:
    """Reads the usual rows of one man."""

    __slots__ = ("_catalogue", "_draw", "_draws", "_ranges", "_recipes")

    def __init__(
        self,
        catalogue: Catalogue,
        ranges: Ranges,
        draws: dict[str | None, Draw | Refusal],
        draw: Callable[[str | None], Draw | Refusal],
    ) -> None:
        self._catalogue = catalogue
        self._recipes = recipes_of(catalogue)
        self._ranges = ranges
        self._draws = draws
        self._draw = draw

    def read(self, row: Observation) -> Taken | None:
        """The row as a result; None when it is not one of the usual ones."""
        quantity, concept, when = row.valueQuantity, row.code, row.effectiveDateTime
        if (
            quantity is None
            or concept is None
            or when is None
            or row.status != "final"
            or quantity.comparator is not None
            or row.component is not None
            or row.method is not None
            or row.bodySite is not None
        ):
            return None
        codings = concept.coding
        if codings is None or len(codings) != 1 or codings[0].system != LOINC:
            return None
        unit_code, unit_text = quantity.code, quantity.unit
        pair = (codings[0].code, unit_code, unit_text)
        recipe = self._recipes.get(pair) or self._make(pair)
        sent = bytes(quantity.value)
        draw = self._draws.get(when) or self._draw(when)
        if recipe is None or not _is_plain(sent) or type(draw) is not Draw:
            return None
        digits = sent.decode("ascii")
        exact = Decimal(digits)
        number = _multiply(exact, recipe.unit.factor)
        if not recipe.low <= number <= recipe.high or (recipe.cuts and exact in recipe.cuts):
            return None
        return self._taken(row, recipe, number, f"{digits} {unit_text or unit_code}", draw)

    def _taken(
        self, row: Observation, recipe: Recipe, number: Decimal, original: str, draw: Draw
    ) -> Taken:
        analyte, flags, sent = recipe.analyte, recipe.flags, row.referenceRange
        range_ = self._ranges.of(analyte, sent, recipe.unit)
        if sent and range_ is not None and range_.source == "default":
            flags += ("default-range",)
        recorded, issued = draw.effective, row.issued
        if issued and issued != row.effectiveDateTime:
            known = self._draws.get(issued) or self._draw(issued)
            if type(known) is Draw:
                recorded = known.effective
        performers = row.performer
        # In the order of the fields: this line runs for every row, and keywords cost more than it.
        reading = Reading(
            f"Observation/{row.id}" if row.id else "Observation without id",
            analyte.key,
            recipe.loinc.code,
            number,
            analyte.unit,
            number,
            number,
            None,
            original,
            draw.effective,
            draw.drawn,
            draw.clock,
            recorded,
            "final",
            range_,
            recipe.loinc.method,
            performers[0].display or performers[0].reference if performers else None,
            flags,
        )
        return Taken(reading, recipe.unit, draw.moment)

    def _make(self, pair: Pair) -> Recipe | None:
        code, unit_code, unit_text = pair
        if code is None:
            return None
        key = self._catalogue.by_loinc.get(code)
        if key is None:
            return None
        analyte = self._catalogue.analytes[key]
        if not {unit_code, unit_text} - {None} or not {unit_code, unit_text} - {None} <= (
            analyte.units.keys()
        ):
            return None
        unit = choose_unit(analyte, unit_code, unit_text)
        if isinstance(unit, Refusal) or unit.offset:
            return None
        made = self._recipes[pair] = _recipe(analyte, analyte.loinc[code], unit)
        return made


def _recipe(analyte: Analyte, loinc: LoincCode, unit: Unit) -> Recipe:
    flags: tuple[str, ...] = ()
    if unit.kind != loinc.kind:
        flags += ("unit-over-code",)
    if unit.note is not None:
        flags += (unit.note,)
    lows = [limit for limit in (analyte.hard.low, analyte.soft.low) if limit is not None]
    highs = [limit for limit in (analyte.hard.high, analyte.soft.high) if limit is not None]
    return Recipe(
        analyte,
        loinc,
        unit,
        max(lows, default=_MINUS),
        min(highs, default=_PLUS),
        analyte.printed_cuts if unit.spelling == analyte.si_unit else {},
        flags,
    )
