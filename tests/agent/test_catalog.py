"""Which models there are."""

from __future__ import annotations

import pytest

from agent.errors import PermanentError
from agent.models.catalog import ModelConfig, available_models, open_model

WITH_KEY = ModelConfig(openai_api_key="k", openai_models=("best", "second"))


@pytest.mark.parametrize(
    ("config", "name"),
    [
        pytest.param(ModelConfig(), "offline", id="nothing-configured"),
        pytest.param(WITH_KEY, "best", id="key"),
        pytest.param(ModelConfig(openai_base_url="http://127.0.0.1:1"), "gpt-4.1-mini", id="local-server-without-key"),
        pytest.param(ModelConfig(openai_models=("best",)), "offline", id="names-without-endpoint"),
    ],
)
def test_auto_is_the_best_that_is_configured(config: ModelConfig, name: str) -> None:
    assert open_model("auto", config).name == name


def test_the_list_holds_all_that_can_be_asked_for() -> None:
    names = [model.id for model in available_models(WITH_KEY)]
    assert names == ["auto", "best", "second", "offline"]
    assert [open_model(name, WITH_KEY).name for name in names] == ["best", "best", "second", "offline"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(PermanentError, match=r"Unknown model 'best'. Known models: auto, offline"):
        open_model("best", ModelConfig())
