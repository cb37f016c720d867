"""What a command is told about its network stays short, whatever it asks for."""

from __future__ import annotations

from contextlib import suppress

import pytest

from agent.messages import Traffic
from agent.proxy.counts import MOST_NAMED, Counts, Exhausted


def test_a_command_that_may_move_no_more_cannot_make_its_report_long() -> None:
    """Each host that it then asked for stood in the result, ten thousand of them."""
    counts = Counts(10)
    with pytest.raises(Exhausted, match="JAIL_NETWORK_MB"):
        counts.moved("registry.example", 11)
    for number in range(1_000):
        with suppress(Exhausted):
            counts.check(f"{number}.example:443")
    report = Traffic.model_validate(counts.report(), by_alias=True)
    assert [each.host for each in report.hosts] == ["registry.example"]
    assert (len(report.refused), report.more_refused) == (MOST_NAMED, 1_001 - MOST_NAMED)
