"""What words around a match do to it: deny it, give it to a relative, or put it in the past."""

from __future__ import annotations

import re
from typing import Literal

Sense = Literal["said", "past", "denied"]

# A clause ends here; a comma does not end it, because "no history of DVT, PE or stroke" goes on.
_CLAUSE_END = re.compile(r"[.;\n]|\bbut\b|\bhowever\b|\bexcept\b")
_DENIED_BEFORE = re.compile(
    r"\b(?:no|not|denie[sd]|denying|negative for|neg for|without|w/o|never|absence of|free of"
    r"|rule[sd]? out|ruling out|r/o|exclude[sd]?|unlikely|screen(?:ing)? for|risk (?:of|for)"
    r"|at risk|fear of|family (?:history|hx)|famil(?:y|ial) h/o|fhx?|mother|father|brother"
    r"|sister|maternal|paternal)\b"
)
# A pattern may end inside a word ("embol"), so what follows begins with the rest of it.
_DENIED_AFTER = re.compile(
    r"\w*\s*[:,(-]?\s*(?:(?:was|were|is|are|has been) )?"
    r"(?:ruled out|excluded|denied|negative|not (?:found|present|confirmed|seen)|screening"
    r"|in (?:the )?(?:family|mother|father|brother|sister))\b"
)
_PAST_BEFORE = re.compile(
    r"\b(?:history of|h/o|hx of|hx|past|previous|prior|remote|former|resolved)\b"
)
_PAST_AFTER = re.compile(
    r"\w*\s*[:,(-]?\s*(?:(?:is|has) )?(?:resolved|in (?:the )?past|in remission)\b"
)
# An operation is past by its nature: "history of orchiectomy" says that it was done.
_OPERATION = re.compile(r"ectom|removal|absen|surg|operat|castrat")


def sense(first: re.Match[str]) -> Sense:
    """How a text in lower case speaks of what a pattern found in it.

    One plain mention outranks a past one, a past one a denied one.
    """
    found: Sense = "denied"
    for match in first.re.finditer(first.string):
        here = _sense_of(match)
        if here == "said":
            return "said"
        if here == "past":
            found = "past"
    return found


def _sense_of(match: re.Match[str]) -> Sense:
    """The same for one mention. The denial may run into the match: "family history of …"."""
    text = match.string
    start = _clause_start(text, match.start())
    denial = _DENIED_BEFORE.search(text, start, match.end())
    if (denial and denial.start() < match.start()) or _DENIED_AFTER.match(text, match.end()):
        return "denied"
    if _OPERATION.search(match.group()):
        return "said"
    past = _PAST_BEFORE.search(text, start, match.start())
    return "past" if past or _PAST_AFTER.match(text, match.end()) else "said"


def _clause_start(text: str, before: int) -> int:
    start = 0
    for end in _CLAUSE_END.finditer(text, 0, before):
        start = end.end()
    return start
