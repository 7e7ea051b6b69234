"""What is written to the log: what happened, never to whom."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Discreet(logging.Formatter):
    """Formats an exception by type and place only: its message and locals may hold a record."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        kind, _, trace = ei
        if kind is None:
            return ""
        frames = traceback.extract_tb(trace)[-8:]
        places = " < ".join(
            f"{f.name}({f.filename.rpartition('/')[2]}:{f.lineno})" for f in reversed(frames)
        )
        return f"{kind.__module__}.{kind.__qualname__} at {places}"


def start_logging(level: str) -> None:
    """One handler on standard error for this product; other libraries from WARNING up.

    urllib3 and requests write addresses with ids and codes at DEBUG: they never get there.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("smartapp").setLevel(level)
    for chatty in ("urllib3", "requests", "werkzeug", "authlib", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
