"""2,000 requests that nobody should send; `make fuzz` fires 20,000 (FINDINGS B6)."""

import secrets
from pathlib import Path

import pytest

from tests.fuzz.places import development, production
from tests.fuzz.range import SHOWN, shoot

SHOTS_EACH = 1_000


@pytest.mark.parametrize("place", [development, production])
def test_nothing_is_answered_with_500_or_not_at_all(place: object, redis_url: str, tmp_path: Path) -> None:
    assert callable(place)
    seed = secrets.randbelow(10**9)
    with place(redis_url, tmp_path) as (service, target):
        tally = shoot(target, SHOTS_EACH, seed)
        assert not tally.faults, f"seed {seed}\n" + "\n".join(tally.faults[:SHOWN])
        assert tally.shots == SHOTS_EACH
        assert "request.crashed" not in service.log()
        assert service.http.get("/healthz").status_code == 200
