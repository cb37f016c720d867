"""The Inngest client, with everything from the settings and nothing from hidden defaults."""

from __future__ import annotations

import datetime
import logging
from typing import Final

import inngest

from orchestrator.engines.inngest.masking import masking
from orchestrator.redact import Redactor
from orchestrator.settings import Settings

REQUEST_TIMEOUT: Final = datetime.timedelta(seconds=3)
"""The SDK tries to send an event up to five times this long."""


def make_client(settings: Settings, redact: Redactor) -> inngest.Inngest:
    url = settings.inngest_url if settings.dev else None
    return inngest.Inngest(
        app_id=settings.app_id,
        api_base_url=url,
        event_api_base_url=url,
        event_key=settings.inngest_event_key,
        signing_key=settings.inngest_signing_key,
        is_production=not settings.dev,
        logger=logging.getLogger("inngest"),
        middleware=[masking(redact)],
        request_timeout=REQUEST_TIMEOUT,
    )
