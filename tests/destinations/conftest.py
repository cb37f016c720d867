"""A receiver of this package's tests, and what is sent to it."""

import base64
from collections.abc import Iterator

import pytest

from lab.receiver import Receiver, receiving
from orchestrator.destinations.protocol import Letter

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()

RESULT = {
    "outcome": "done",
    "missing": None,
    "url": None,
    "title": "A page",
    "summary": "Wrote a page.",
    "files": {"index.html": "<p>ä</p>", "_app/$x.js": "1"},
    "sandboxId": "run_1",
    "framework": "html",
    "usage": {"inputTokens": 7, "outputTokens": 3, "cachedTokens": 0, "abandoned": 0, "cost": 0.0},
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def letter() -> Letter:
    return Letter("run.complete", "run_1", "shop", RESULT)
