"""What is written to the log: what happened, never to whom."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def places(error: BaseException) -> str:
    """Type and place of an exception. Its message and locals may hold a record: never those."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    path = " < ".join(
        f"{f.name}({f.filename.rpartition('/')[2]}:{f.lineno})" for f in reversed(frames)
    )
    return f"{type(error).__module__}.{type(error).__qualname__} at {path}"


class Discreet(logging.Formatter):
    """Formats whatever exception a library logs by type and place only."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return "" if ei[1] is None else places(ei[1])


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
