"""The warden without a jail: what it is told, and that it does not keep what it cannot watch."""

from __future__ import annotations

import pytest

from agent.warden.jail import _number_after


@pytest.mark.parametrize(
    "text",
    [b'{\n    "child-pid": 123\n}\n', b'{\n    "child-pid": 123,\n    "cgroup-namespace": 4026531835\n}\n'],
    ids=["bubblewrap 0.8", "with more fields"],
)
def test_the_first_process_is_found_in_what_bubblewrap_says(text: bytes) -> None:
    assert _number_after(b'"child-pid"', text) == 123
