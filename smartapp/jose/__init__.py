"""Signatures of others: whose keys, and whether a token is signed by one of them."""

from smartapp.jose.documents import Unreadable
from smartapp.jose.keys import ALGORITHMS, PublicKey, read_key_set
from smartapp.jose.keysets import KeySets
from smartapp.jose.signed import Signed, read_signed

__all__ = [
    "ALGORITHMS",
    "KeySets",
    "PublicKey",
    "Signed",
    "Unreadable",
    "read_key_set",
    "read_signed",
]
