"""What `/readyz` tells a person: each thing that is not as it should be, with the setting that changes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app import create_app
from orchestrator.settings import Settings, load_settings
from tests.orchestrator.test_settings import PRODUCTION

NOT_A_FOLDER = __file__
DEVELOPMENT = {"INNGEST_DEV": "1", "AGENT_ENGINE": "direct"}
INNGEST = {name: value for name, value in PRODUCTION.items() if name != "REDIS_URL"} | {"AGENT_ENGINE": "inngest"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_SANDBOX_DIR", str(tmp_path / "sandboxes"))


@pytest.mark.parametrize(
    ("given", "status", "part", "words"),
    [
        pytest.param(DEVELOPMENT, 200, "models", "none of OPENAI_API_KEY, ", id="no model"),
        pytest.param(
            DEVELOPMENT | {"AGENT_SANDBOX": "none"}, 200, "commands", "refused: AGENT_SANDBOX=none", id="none"
        ),
        pytest.param(
            DEVELOPMENT | {"AGENT_SANDBOX_DIR": NOT_A_FOLDER},
            503,
            "sandbox",
            "a folder (AGENT_SANDBOX_DIR)",
            id="folder",
        ),
        pytest.param(INNGEST, 200, "registration", "INNGEST_APP_URL", id="no origin"),
        pytest.param(DEVELOPMENT | {"REDIS_URL": "redis://127.0.0.1:1"}, 503, "redis", "at REDIS_URL", id="no Redis"),
        pytest.param(
            DEVELOPMENT | {"REDIS_URL": "redis://me:wrong@{redis}"},
            503,
            "redis",
            "password in REDIS_URL",
            id="password",
        ),
    ],
)
def test_readyz_says_it_in_words(
    given: dict[str, str], status: int, part: str, words: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"REDIS_URL": redis_url} | given).items():
        monkeypatch.setenv(name, value.replace("{redis}", redis_url.removeprefix("redis://")))
    answer = create_app(load_settings()).test_client().get("/readyz")
    assert answer.status_code == status, answer.text
    told = answer.json if status == 200 else answer.json["details"]  # type: ignore[index]  # a readyz answer is an object
    assert told is not None and words in told[part]
