"""All forms in which a provider says when to come back. FINDINGS D5."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from agent.models.faults import MAX_RETRY_AFTER, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "7.5"}, 7.5, id="fraction"),
        pytest.param({"retry-after-ms": "250", "retry-after": "7"}, 0.25, id="milliseconds-first"),
        pytest.param({"retry-after": "99999"}, MAX_RETRY_AFTER, id="too-long"),
        pytest.param({"retry-after": "-5"}, 0.0, id="negative"),
        pytest.param({"x-ratelimit-reset-requests": "12s"}, 12.0, id="openai-reset"),
        pytest.param({"retry-after": "soon"}, None, id="words"),
        pytest.param({"retry-after": "nan"}, None, id="nan"),
        pytest.param({"retry-after": "inf"}, None, id="infinity"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_wished_wait_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("name", "form"),
    [("retry-after", "%a, %d %b %Y %H:%M:%S GMT"), ("anthropic-ratelimit-requests-reset", "%Y-%m-%dT%H:%M:%SZ")],
    ids=["http-date", "iso-date"],
)
def test_a_date_is_the_wait_until_then(name: str, form: str) -> None:
    wished = retry_after({name: time.strftime(form, time.gmtime(time.time() + 100))})
    assert wished is not None
    assert 0 < wished <= 100


def test_a_date_that_has_passed_is_no_wait() -> None:
    assert retry_after({"retry-after": formatdate(time.time() - 100, usegmt=True)}) == 0.0
