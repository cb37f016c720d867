"""Which models there are, and how a name becomes one."""

from __future__ import annotations

from typing import Final

from agent.errors import PermanentError
from agent.messages import Value
from agent.models.offline import OfflineModel
from agent.models.openai_chat import OpenAIChat
from agent.protocols import ChatModel

AUTO: Final = "auto"
OFFLINE: Final = "offline"
DEFAULT_OPENAI_MODELS: Final = ("gpt-4.1-mini",)
DEFAULT_OFFLINE_DELAY: Final = 0.015
"""Seconds between two words of the offline model: as fast as a quick language model."""


class ModelConfig(Value):
    """What is configured. A base URL without a key is fine: local servers need none."""

    openai_api_key: str | None = None
    openai_base_url: str | None = None
    openai_models: tuple[str, ...] = DEFAULT_OPENAI_MODELS
    offline_delay: float = DEFAULT_OFFLINE_DELAY

    @property
    def has_openai(self) -> bool:
        return bool(self.openai_api_key or self.openai_base_url)


class ModelInfo(Value):
    id: str
    description: str


def available_models(config: ModelConfig) -> list[ModelInfo]:
    """The models that can be asked for, best first, after ``auto``."""
    endpoint = "an OpenAI-compatible endpoint" if config.openai_base_url else "OpenAI"
    models = [ModelInfo(id=name, description=f"{name} at {endpoint}") for name in _openai_names(config)]
    models.append(ModelInfo(id=OFFLINE, description="Scripted demonstration: no language model, no key, no network"))
    return [ModelInfo(id=AUTO, description=f"The best that is configured: {models[0].id}"), *models]


def open_model(name: str, config: ModelConfig) -> ChatModel:
    """The model called ``name``. Raises ``PermanentError``, naming the known ones, for any other."""
    known = [model.id for model in available_models(config)]
    if name not in known:
        raise PermanentError(f"Unknown model {name!r}. Known models: {', '.join(known)}")
    chosen = known[1] if name == AUTO else name
    if chosen == OFFLINE:
        return OfflineModel(config.offline_delay)
    return OpenAIChat(chosen, config.openai_api_key, config.openai_base_url)


def _openai_names(config: ModelConfig) -> list[str]:
    reserved = (AUTO, OFFLINE)
    return [name for name in config.openai_models if name not in reserved] if config.has_openai else []
