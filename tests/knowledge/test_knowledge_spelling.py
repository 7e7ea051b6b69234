"""Units as a physician reads them, and when two spellings are one."""

from __future__ import annotations

import pytest

from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.knowledge.spelling import readable_unit, same_unit


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("3.1 [IU]/L", "3.1 IU/L"),
        ("3.1 m[iU]/mL", "3.1 mIU/mL"),
        ("130 mm[Hg]", "130 mmHg"),
        ("12 10*6/mL", "12 million/mL"),
        ("12 x10*6/mL", "12 million/mL"),
        ("27 kg/m2", "27 kg/m²"),
        ("-2.6 {T-score}", "-2.6 T-score"),
        ("300 ng/dL", "300 ng/dL"),
        ("", ""),
    ],
)
def test_a_unit_is_read_without_the_brackets_of_ucum(sent: str, read: str) -> None:
    assert readable_unit(sent) == read


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("[IU]/L", "IU/L", True),
        ("ng/dl", "ng/dL", True),
        ("ng/100 mL", "ng/dL", True),
        ("10*6/mL", "million/mL", True),
        ("mm[Hg]", "mmHg", True),
        ("m[IU]/mL", "IU/L", False),
        ("nmol/L", "ng/dL", False),
        ("ug/L", "ng/mL", False),
    ],
)
def test_the_same_unit_in_other_letters_is_the_same(one: str, other: str, same: bool) -> None:
    assert same_unit(one, other) is same


def test_no_unit_of_ours_is_shown_in_brackets() -> None:
    for analyte in load_catalogue().analytes.values():
        assert not set(readable_unit(analyte.unit)) & set("[]{}*")
