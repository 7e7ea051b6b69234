"""How a unit is spelled: levelled before it is looked up, and as a physician reads it."""

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


# UCUM as it is read. The longer spellings stand before those they contain.
_READ = (
    ("[IU]", "IU"),
    ("[iU]", "IU"),
    ("[Hg]", "Hg"),
    ("[lb_av]", "lb"),
    ("[oz_av]", "oz"),
    ("x10*6", "million"),
    ("10*6", "million"),
    ("x10*3", "thousand"),
    ("10*3", "thousand"),
    ("x10*9", "10\u2079"),
    ("10*9", "10\u2079"),
    ("kg/m2", "kg/m\u00b2"),
    ("{T-score}", "T-score"),
)


def readable_unit(text: str) -> str:
    """A unit, or a figure with its unit, without UCUM's brackets: "IU/L" for "[IU]/L"."""
    if "[" not in text and "*" not in text and "{" not in text and "m2" not in text:
        return text
    for ucum, read in _READ:
        text = text.replace(ucum, read)
    return text


def same_unit(one: str, other: str) -> bool:
    """Whether two units are one to a reader: "[IU]/L" and "IU/L", "NG/DL" and "ng/dL".

    "mIU/mL" and "IU/L" are the same size, and not the same words.
    """
    return one == other or level_unit(readable_unit(one)) == level_unit(readable_unit(other))
