"""Log lines: a dotted event name and fields; JSON in production, readable in a terminal; secrets masked.

``get_logger(__name__).info("run.accepted", engine="direct")``. What ``bound`` says (run, step, attempt, caller,
request) is in every line of that context, those of gunicorn and Inngest's SDK too: the root logger writes them all.
"""

from __future__ import annotations

import _thread
import contextvars
import logging
import re
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from structlog.contextvars import bound_contextvars as bound
from structlog.typing import EventDict, Processor, WrappedLogger

from orchestrator.redact import Redactor, mask_previews

__all__ = ["bound", "configure_logging", "get_logger", "start_soon", "start_thread"]

CHATTY: Final = ("httpx", "httpx2", "httpcore", "openai", "anthropic")
"""They log URLs, and Inngest's event key is in one."""

_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would act on instead of showing it."""

_EVERY_LINE: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_EVERY_LINE,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(level: str, redact: Redactor, *, as_json: bool) -> None:
    """Send all loggers to stderr. Only entry points call this."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(redact, as_json=as_json))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


class MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Formats a record, tracebacks included, and then masks it. One record is one line, but for a traceback as text."""

    def __init__(self, redact: Redactor, *, as_json: bool) -> None:
        super().__init__(
            foreign_pre_chain=[*_EVERY_LINE, structlog.stdlib.ExtraAdder(allow=())],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer() if as_json else _for_people,
            ],
        )
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return mask_previews(self._redact(super().format(record)))


def start_thread(work: Callable[..., None], *args: object, name: str) -> threading.Thread:
    """A daemon whose lines say what its starter's say."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work, *args), name=name, daemon=True)
    thread.start()
    return thread


def start_soon(work: Callable[..., None], *args: object) -> None:
    """The same, without waiting until the thread has begun: under gevent the caller goes on first."""
    context = contextvars.copy_context()
    _thread.start_new_thread(lambda: context.run(work, *args), ())


_fields = structlog.processors.LogfmtRenderer()


def _for_people(logger: WrappedLogger, name: str, event: EventDict) -> str:
    head = f"{event.pop('timestamp')} {event.pop('level'):<7} {_shown(event.pop('event'))}"
    del event["logger"]
    traceback = event.pop("exception", None)
    line = f"{head} {_fields(logger, name, {field: _shown(value) for field, value in event.items()})}".rstrip()
    return f"{line}\n{traceback}" if traceback else line


def _shown(value: Any) -> Any:
    """Nothing that a caller sends may look like another line, or move the cursor."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value)).replace("\n", "\\n")
