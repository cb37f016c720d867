"""What `make test-fast` takes: tests that start no program of their own, and what one service answers to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OF_MODULES = {"agent", "destinations", "formats", "house", "orchestrator"}
STARTS_ONE = {"browser", "executor", "inngest_server", "jail", "model_server", "own_redis", "sandbox", "service"} | {
    "start_service"
}
SHARED = "strict_service"  # started once for all tests of bad input


def is_fast(item: pytest.Item) -> bool:
    """By its folder, its fixtures and the mark `program`, which says what fixtures do not."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if SHARED in fixtures:
        return not STARTS_ONE & fixtures
    of_modules = item.path.relative_to(TESTS).parts[0] in OF_MODULES
    return of_modules and not STARTS_ONE & fixtures and not item.get_closest_marker("program")
