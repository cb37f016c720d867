"""`.env`, as `make run` and `make demo` read it."""

from pathlib import Path

import pytest

from agent.models.specs import table
from tools import stack


def test_what_is_empty_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: `WEB_CONCURRENCY=` ended in a traceback of gunicorn's, which reads the variable itself."""
    (tmp_path / ".env").write_text("WEB_CONCURRENCY=\nLOG_LEVEL=\nREDIS_URL=redis://of-the-file\nAGENT_MAX_TURNS=5\n")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setenv("REDIS_URL", "")
    env = stack.environment()
    assert not {"WEB_CONCURRENCY", "LOG_LEVEL", "REDIS_URL"} & env.keys()
    assert env["AGENT_MAX_TURNS"] == "5"


@pytest.mark.parametrize(
    ("text", "words"), [("{bad", "price}}; Invalid JSON: "), ('{"m": {"context": "x"}}', "price}}; m.context: ")]
)
def test_a_table_of_models_that_is_none_is_said_in_one_go(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        table(text)
    assert words in str(error.value)
