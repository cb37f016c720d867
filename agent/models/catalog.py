"""Which models there are, and how a name becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

from pydantic import Field

from agent.errors import PermanentError
from agent.messages import Value
from agent.models.offline import OfflineModel
from agent.models.remote import Dialect, RemoteModel
from agent.models.specs import Abilities, Facts, ModelSpec, Price, Provider, names, spec, table
from agent.protocols import ChatModel

AUTO: Final = "auto"
OFFLINE: Final = "offline"
RESERVED: Final = (AUTO, OFFLINE)
DEFAULT_OPENAI_MODELS: Final = ("gpt-4.1-mini",)
DEFAULT_ANTHROPIC_MODELS: Final = ("claude-sonnet-4-5",)
DEFAULT_OFFLINE_DELAY: Final = 0.015
"""Seconds between two words of the offline model: as fast as a quick language model."""
DEFAULT_MOST_CONTEXT: Final = 128_000
"""Tokens. More would fit into some models, but every call pays for all of it again."""
DEFAULT_MOST_OUTPUT: Final = 16_384
"""Tokens of one reply: a file of 1,500 lines."""


class ModelConfig(Value):
    """What is configured. A base URL without a key is fine: local servers need none."""

    openai_api_key: str | None = None
    openai_base_url: str | None = None
    openai_models: tuple[str, ...] = DEFAULT_OPENAI_MODELS
    anthropic_api_key: str | None = None
    anthropic_base_url: str | None = None
    anthropic_models: tuple[str, ...] = DEFAULT_ANTHROPIC_MODELS
    offline_delay: float = DEFAULT_OFFLINE_DELAY
    fallback: str | None = None
    table: dict[str, Facts] = Field(default_factory=dict)
    most_context: int = DEFAULT_MOST_CONTEXT
    most_output: int = DEFAULT_MOST_OUTPUT


class ModelInfo(Value):
    """A model as callers see it. Sizes in tokens, the price for a million of them."""

    id: str
    description: str
    provider: Provider | None = None
    context: int | None = None
    output: int | None = None
    price: Price | None = None
    can: Abilities | None = None


class Catalog:
    """The configured models, each built once: it holds its client and remembers what its endpoint lacks."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._specs = {each.id: each for each in _specs(config)}
        self._dialects: dict[Provider, Dialect] = {}
        self._models = {name: self._built(each) for name, each in self._specs.items()}
        if config.fallback is not None:
            self._give_fallback(config.fallback)

    @property
    def best(self) -> str:
        """What ``auto`` means; ``offline`` where no language model is configured."""
        return next(iter(self._specs))

    @property
    def ids(self) -> list[str]:
        """Of the models that can be asked for."""
        return [each.id for each in self.available]

    @cached_property
    def available(self) -> list[ModelInfo]:
        """The models that can be asked for, best first, after ``auto``."""
        infos = [ModelInfo.model_validate(each.model_dump()) for each in self._specs.values()]
        return [ModelInfo(id=AUTO, description=f"The best that is configured: {self.best}"), *infos]

    def providers(self) -> dict[str, str]:
        """Whose protocol each model is asked in, ``auto`` too."""
        found: dict[str, str] = {each.id: each.provider for each in self._specs.values()}
        return {AUTO: found[self.best], **found}

    def open(self, name: str) -> ChatModel:
        """The model called ``name``. Raises ``PermanentError``, naming the known ones, for any other."""
        if name == AUTO:
            return self._models[self.best]
        if name not in self._models:
            raise PermanentError(f"Unknown model {name!r}. Known models: {', '.join([AUTO, *self._models])}")
        return self._models[name]

    def unpriced(self) -> list[str]:
        """The language models whose cost nobody knows."""
        return [each.id for each in self._specs.values() if each.price is None and each.provider != "offline"]

    def _built(self, each: ModelSpec) -> ChatModel:
        if each.provider == "offline":
            return OfflineModel(self._config.offline_delay)
        if each.provider not in self._dialects:
            self._dialects[each.provider] = _dialect(each.provider, self._config)
        return RemoteModel(each, self._dialects[each.provider])

    def _give_fallback(self, name: str) -> None:
        fallback = self.open(name)
        for model in self._models.values():
            if model is not fallback and isinstance(model, RemoteModel):
                model.fallback = fallback


def _dialect(provider: Provider, config: ModelConfig) -> Dialect:
    # An SDK takes a second and 50 MB to import: only those that are used are.
    if provider == "anthropic":
        from agent.models.anthropic_messages import AnthropicMessages

        return AnthropicMessages(config.anthropic_api_key, config.anthropic_base_url)
    from agent.models.openai_chat import OpenAIChat

    return OpenAIChat(config.openai_api_key, config.openai_base_url)


def config_from(environ: Mapping[str, str]) -> ModelConfig:
    """What the environment says, for the agent alone; the service has settings of its own with the same names."""
    given = {name: value for name, value in environ.items() if value}
    return ModelConfig(
        openai_api_key=given.get("OPENAI_API_KEY"),
        openai_base_url=given.get("OPENAI_BASE_URL"),
        openai_models=names(given.get("OPENAI_MODELS", "")) or DEFAULT_OPENAI_MODELS,
        anthropic_api_key=given.get("ANTHROPIC_API_KEY"),
        anthropic_base_url=given.get("ANTHROPIC_BASE_URL"),
        anthropic_models=names(given.get("ANTHROPIC_MODELS", "")) or DEFAULT_ANTHROPIC_MODELS,
        offline_delay=float(given.get("AGENT_OFFLINE_DELAY", DEFAULT_OFFLINE_DELAY)),
        fallback=given.get("AGENT_FALLBACK_MODEL"),
        table=table(given.get("AGENT_MODEL_TABLE")),
        most_context=int(given.get("AGENT_MAX_CONTEXT", DEFAULT_MOST_CONTEXT)),
        most_output=int(given.get("AGENT_MAX_OUTPUT", DEFAULT_MOST_OUTPUT)),
    )


def _specs(config: ModelConfig) -> list[ModelSpec]:
    at_openai = "an OpenAI-compatible endpoint" if config.openai_base_url else "OpenAI"
    found: list[tuple[str, Provider, str]] = []
    if config.openai_api_key or config.openai_base_url:
        found += [(name, "openai", f"{name} at {at_openai}") for name in config.openai_models]
    if config.anthropic_api_key or config.anthropic_base_url:
        found += [(name, "anthropic", f"{name} at Anthropic") for name in config.anthropic_models]
    specs = [
        spec(
            name,
            provider,
            description,
            config.table.get(name, Facts()),
            most_context=config.most_context,
            most_output=config.most_output,
        )
        for name, provider, description in found
        if name not in RESERVED
    ]
    return [*specs, OFFLINE_SPEC]


OFFLINE_SPEC: Final = ModelSpec(
    id=OFFLINE,
    provider="offline",
    description="Scripted demonstration: no language model, no key, no network",
    context=OfflineModel.context,
    output=OfflineModel.context,
    price=Price(input=0, output=0),
    can=Abilities(streaming_usage=False, reasoning=False, caching=False),
)
