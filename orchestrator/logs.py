"""Log lines: a dotted event name, then fields; secrets masked."""

from __future__ import annotations

import logging

from orchestrator.redact import RedactingFormatter, Redactor

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def configure_logging(level: str, redact: Redactor) -> None:
    """Send all loggers to stderr. Only entry points call this."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(FORMAT, redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpx2", "httpcore", "openai"):  # they log URLs, and Inngest's event key is in one
        logging.getLogger(chatty).setLevel(logging.WARNING)
