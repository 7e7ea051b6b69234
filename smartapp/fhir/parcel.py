"""A prefetch value read in one pass, when nothing in it is odd.

The whole of a call decodes at once into rows. The moment one row has another shape, decoding fails
and the caller reads the same bytes row by row (`reading.py`), where an odd row hides no other. So
both ways give the same answer, and the usual call pays for one pass over its bytes, not three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw, Struct

from smartapp.fhir import resources as fhir
from smartapp.fhir.bundle import next_in
from smartapp.fhir.model import Resources
from smartapp.fhir.reading import LISTS


class _Entry(Struct, frozen=True, gc=False):
    resource: fhir.Resource


class WholeBundle(Struct, frozen=True, gc=False, tag_field="resourceType", tag="Bundle"):
    """A Bundle whose every row is a resource we know, in a shape we know."""

    entry: list[_Entry] | None = None
    link: Raw = fhir.ABSENT

    @property
    def next_link(self) -> str | None:
        """The address of the page after this one; None on the last."""
        return next_in(self.link)


Parcel = fhir.Resource | WholeBundle | None


def unpack(parcel: Parcel, into: Resources) -> bool:
    """Add the parcel's rows to `into`; whether there were any."""
    if parcel is None:
        return False
    if not isinstance(parcel, WholeBundle):
        getattr(into, LISTS[type(parcel)]).append(parcel)
        return True
    # The rows of a searchset are nearly always of one type: its list is looked up once.
    kind: type[Any] | None = None
    add: Callable[[Any], None]
    for entry in parcel.entry or ():
        row = entry.resource
        if type(row) is not kind:
            kind = type(row)
            add = getattr(into, LISTS[kind]).append
        add(row)
    return kind is not None
