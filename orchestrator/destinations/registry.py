"""The destinations there are, in the order in which they are served: one entry each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from orchestrator.destinations.convex import ConvexDestination
from orchestrator.destinations.protocol import Destination
from orchestrator.destinations.webhook import WebhookDestination
from orchestrator.settings import Settings

DESTINATIONS: Final[tuple[Callable[[Settings], Destination | None], ...]] = (
    ConvexDestination.configured,
    WebhookDestination.configured,
)


def make_destinations(settings: Settings) -> list[Destination]:
    """Those that are configured."""
    return [made for configured in DESTINATIONS if (made := configured(settings)) is not None]
