"""What is written for platforms names settings that exist, and settings that start in production."""

from __future__ import annotations

import json
import re
from pathlib import Path

from orchestrator.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r"^\s+([A-Z][A-Z0-9_]+): ", re.MULTILINE)
KNOWN = {name.upper() for name in Settings.model_fields}
SECRETS = {
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "AGENT_API_KEYS": "me:0123456789abcdef0123456789abcdef",
    "REDIS_URL": "rediss://:secret@redis.example:6380",
}


def test_app_json_names_settings_that_exist_and_start() -> None:
    env = json.loads((ROOT / "app.json").read_text())["env"]
    assert env.keys() <= KNOWN
    given = {name: said["value"] for name, said in env.items() if "value" in said}
    settings = Settings(**{name.lower(): value for name, value in (given | SECRETS).items()})
    assert not settings.dev and settings.agent_engine == "direct"
    required = {name for name, said in env.items() if said.get("required", True) and "value" not in said}
    assert required == {"SECRET_KEY", "AGENT_API_KEYS"}


def test_compose_names_settings_that_exist() -> None:
    text = (ROOT / "compose.yaml").read_text()
    environment = text.split("environment:")[1].split("security_opt")[0]
    assert set(SETTING.findall(environment)) - KNOWN == set()
