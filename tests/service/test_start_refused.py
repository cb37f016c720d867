"""A service that is set up wrongly does not start, and says which variable is at fault."""

from pathlib import Path

import pytest

from lab.service import Service
from tools.processes import StartError

KEYS = ("INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY", "SECRET_KEY", "AGENT_API_KEYS")
SECRET = "a-value-that-nobody-may-read"


def why_it_does_not_start(folder: Path, **env: str) -> str:
    """What gunicorn prints before it ends."""
    service = Service("redis://127.0.0.1:1/0", folder, env=env)
    try:
        with pytest.raises(StartError) as error:
            service.start()
        return str(error.value)
    finally:
        service.http.close()


def test_production_without_its_settings(tmp_path: Path) -> None:
    said = why_it_does_not_start(tmp_path, INNGEST_DEV="", REDIS_URL="")
    assert "runwire cannot start" in said
    assert all(name in said for name in (*KEYS, "REDIS_URL"))
    assert "Traceback" not in said


def test_development_settings_on_a_platform(tmp_path: Path) -> None:
    said = why_it_does_not_start(tmp_path, INNGEST_DEV="1", DYNO="web.1")
    assert "INNGEST_DEV" in said and "DYNO" in said


def test_bad_values_are_named_and_not_shown(tmp_path: Path) -> None:
    said = why_it_does_not_start(tmp_path, REDIS_URL=f"http://{SECRET}@host", AGENT_ENGINE="steam", LOG_LEVEL="loud")
    assert all(name in said for name in ("REDIS_URL", "AGENT_ENGINE", "LOG_LEVEL"))
    assert SECRET not in said


@pytest.mark.parametrize("dev", ["off", "no", "2", "yes", "ftp://host", "   "])
def test_a_word_for_development_that_nobody_meant(dev: str, tmp_path: Path) -> None:
    """Seen: `off`, `no` and `"False "` switched all signatures off (FINDINGS B1)."""
    said = why_it_does_not_start(tmp_path, INNGEST_DEV=dev)
    assert "INNGEST_DEV: " in said and "expected 1, true, 0, false or the dev server's http(s) URL" in said


@pytest.mark.parametrize("count", ["0", "9999"])
def test_a_count_of_processes_that_is_none(count: str, tmp_path: Path) -> None:
    """What is no number, or below 0, ends in gunicorn's own words: it reads the variable before its configuration."""
    said = why_it_does_not_start(tmp_path, WEB_CONCURRENCY=count)
    assert "runwire cannot start:\nWEB_CONCURRENCY: expected " in said
    assert "Traceback" not in said


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_development_binds_nothing_but_loopback(address: str, tmp_path: Path) -> None:
    said = why_it_does_not_start(
        tmp_path, GUNICORN_CMD_ARGS=f"--bind {address}:0", AGENT_API_KEYS="ci:0123456789abcdef0123456789abcdef"
    )
    assert "INNGEST_DEV: in development nothing but loopback may be bound" in said
