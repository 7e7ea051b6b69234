"""How a unit is levelled before it is looked up: one spelling out of the many that are sent."""

from __future__ import annotations

# UCUM's brackets, blanks and powers differ between senders; both signs for micro are in use.
_LEVEL = str.maketrans(
    {
        "µ": "u",
        "μ": "u",
        "²": "2",
        "³": "3",
        "[": None,
        "]": None,
        "*": None,
        "^": None,
        " ": None,
        "\u00a0": None,
        "\t": None,
    }
)


def level_unit(spelling: str) -> str:
    """The spelling by which a unit is found: "ng/dL", "NG / dl" and "ng/100mL" are one.

    Case is levelled because senders mix it; no two units of one analyte differ by case alone
    (the catalogue refuses to load otherwise).
    """
    text = spelling.translate(_LEVEL).casefold()
    return text.replace("mcg", "ug").replace("/100ml", "/dl")
