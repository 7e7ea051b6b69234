"""What words around a match do to it: deny it, give it to a relative, or put it in the past."""

from __future__ import annotations

import re
from typing import Literal

Sense = Literal["said", "past", "denied"]

# A clause ends here; a comma does not end it, because "no history of DVT, PE or stroke" goes on.
_CLAUSE = re.compile(r"[.;\n]|\bbut\b|\bhowever\b|\bexcept\b")
_DENIED_BEFORE = re.compile(
    r"\b(?:no|not|non|denie[sd]|denying|negative for|neg for|without|w/o|never|absence of|free of"
    r"|rule[sd]? out|ruling out|r/o|exclude[sd]?|unlikely|screen(?:ing)? for|risk (?:of|for)"
    r"|at risk|fear of|family (?:history|hx)|famil(?:y|ial) h/o|fhx?|fh of|mother|father"
    r"|brother|sister|maternal|paternal|relative)\b"
)
_DENIED_AFTER = re.compile(
    r"^\s*(?:[:,(-]\s*)?(?:was |were |is |has been )?"
    r"(?:ruled out|excluded|denied|negative|not (?:found|present|confirmed|seen)|in (?:the )?"
    r"(?:family|mother|father|brother|sister)|screening)\b"
)
_PAST_BEFORE = re.compile(
    r"\b(?:history of|h/o|hx of|hx|past|previous|prior|remote|former|resolved|old)\b"
)
_SURGERY = re.compile(r"ectomy|removal|absen|remov|surg|operat|castrat", re.IGNORECASE)


def sense(pattern: re.Pattern[str], text: str) -> Sense | None:
    """How `text` speaks of what `pattern` means; None when it does not speak of it.

    One plain mention outranks a denied one in the same text. "History of" makes an illness past;
    an operation is past by its nature and stays "said".
    """
    plain = text.lower()
    found: Sense | None = None
    for match in pattern.finditer(plain):
        here = _sense_of(plain, match)
        if here == "said":
            return "said"
        found = here if found != "past" else found
    return found


def _sense_of(text: str, match: re.Match[str]) -> Sense:
    before = _last_clause(text[: match.start()])
    if _DENIED_BEFORE.search(before) or _DENIED_AFTER.match(text[match.end() :]):
        return "denied"
    if _PAST_BEFORE.search(before) and not _SURGERY.search(match.group()):
        return "past"
    return "said"


def _last_clause(text: str) -> str:
    start = 0
    for end in _CLAUSE.finditer(text):
        start = end.end()
    return text[start:]
