"""PKCE as SMART 2.2 demands it: S256, of every client, always (AL, Considerations for PKCE)."""

from __future__ import annotations

import re
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")


class S256Only(CodeChallenge):  # type: ignore[misc]  # Authlib is untyped
    """Authlib alone takes `plain`, and confidential clients without any challenge."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str | None) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' must be S256")
        if not _S256_CHALLENGE.fullmatch(data["code_challenge"]):
            raise InvalidRequestError("'code_challenge' is not a SHA-256 digest")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        if not grant.request.form.get("code_verifier"):
            raise InvalidRequestError("Missing 'code_verifier'")
        super().validate_code_verifier(grant, result)
