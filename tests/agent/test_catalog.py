"""Which models there are."""

from __future__ import annotations

import pytest

from agent.errors import PermanentError
from agent.messages import Usage
from agent.models.catalog import Catalog, ModelConfig
from agent.models.specs import Facts, Price, table

WITH_KEY = ModelConfig(openai_api_key="k", openai_models=("best", "second"))


@pytest.mark.parametrize(
    ("config", "name"),
    [
        pytest.param(ModelConfig(), "offline", id="nothing-configured"),
        pytest.param(WITH_KEY, "best", id="key"),
        pytest.param(ModelConfig(openai_base_url="http://127.0.0.1:1"), "gpt-4.1-mini", id="local-server-without-key"),
        pytest.param(ModelConfig(openai_models=("best",)), "offline", id="names-without-endpoint"),
        pytest.param(ModelConfig(anthropic_api_key="k"), "claude-sonnet-4-5", id="anthropic-key"),
    ],
)
def test_auto_is_the_best_that_is_configured(config: ModelConfig, name: str) -> None:
    assert Catalog(config).open("auto").name == name


def test_the_list_holds_all_that_can_be_asked_for() -> None:
    catalog = Catalog(WITH_KEY.model_copy(update={"anthropic_api_key": "k", "anthropic_models": ("claude",)}))
    names = [model.id for model in catalog.available]
    assert names == ["auto", "best", "second", "claude", "offline"]
    assert [catalog.open(name).name for name in names] == ["best", "best", "second", "claude", "offline"]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(PermanentError, match=r"Unknown model 'best'. Known models: auto, offline"):
        Catalog(ModelConfig()).open("best")


def test_a_model_is_built_once_as_it_remembers_what_its_endpoint_lacks() -> None:
    catalog = Catalog(WITH_KEY)
    assert catalog.open("best") is catalog.open("auto")


def test_what_the_operator_says_of_a_model_goes_before_what_its_name_says() -> None:
    facts = {"gpt-4.1-mini": Facts(context=32_000, output=4_000, price=Price(input=1, output=2))}
    config = ModelConfig(openai_api_key="k", openai_models=("gpt-4.1-mini", "gpt-4o"), table=facts)
    listed = {model.id: model for model in Catalog(config).available}
    assert (listed["gpt-4.1-mini"].context, listed["gpt-4.1-mini"].output) == (32_000, 4_000)
    assert listed["gpt-4.1-mini"].price == Price(input=1, output=2)
    assert (listed["gpt-4o"].context, listed["gpt-4o"].output, listed["gpt-4o"].price) == (128_000, 16_384, None)


def test_a_run_uses_no_more_of_a_large_context_than_it_may() -> None:
    config = ModelConfig(openai_api_key="k", openai_models=("gpt-4.1",), most_context=64_000, most_output=1_000)
    [_, model, _] = Catalog(config).available
    assert (model.context, model.output) == (64_000, 1_000)


def test_the_fallback_is_given_to_all_others() -> None:
    catalog = Catalog(WITH_KEY.model_copy(update={"fallback": "second"}))
    assert catalog.open("best").fallback is catalog.open("second")
    assert catalog.open("second").fallback is None


@pytest.mark.parametrize("text", ["{", "[]", '{"m": {"price": {"input": "much"}}}', '{"m": {"colour": 1}}'])
def test_a_wrong_table_is_named_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected JSON [^\n]+$"):
        table(text)


def test_cached_input_costs_what_the_operator_says() -> None:
    usage = Usage(input_tokens=1_000_000, cached_tokens=900_000, output_tokens=100_000)
    assert Price(input=1, output=10).of(usage) == pytest.approx(2.0)
    assert Price(input=1, output=10, cached=0.1).of(usage) == pytest.approx(0.1 + 0.09 + 1.0)
