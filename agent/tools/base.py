"""What a tool is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from agent.entries import Stored
from agent.messages import Limits, ToolSpec
from agent.prompts import network
from agent.protocols import Emit, Sandbox


class Args(BaseModel):
    """Arguments as a model sends them: strict, so that a misspelt name is answered, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


A = TypeVar("A", bound=Args)


class ToolFailure(Exception):
    """The tool did not do its work. The message is for the model, ``note`` a few words for viewers."""

    def __init__(self, message: str, note: str) -> None:
        super().__init__(message)
        self.note = note


@dataclass(frozen=True)
class Context:
    """What a tool may use during one call. ``command_timeout`` in seconds; ``stored``: what the workspace holds."""

    sandbox: Sandbox
    emit: Emit
    call_id: str
    command_timeout: float
    stored: Stored = field(default_factory=Stored)
    refusal: str = ""
    """What the model reads where the user does not allow the call."""
    background_timeout: float = 3600.0
    """Seconds that a background process may take."""


@dataclass(frozen=True)
class Tool(Generic[A]):
    """``description`` may name limits, such as ``{command_timeout}``, and ``{network}``.

    ``run`` returns the text for the model and a note of a few words for viewers, or raises ``ToolFailure``, or
    ``InvalidPath`` before it has done anything.
    """

    name: str
    description: str
    args: type[A]
    run: Callable[[A, Context], tuple[str, str]]

    def spec(self, limits: Limits) -> ToolSpec:
        description = self.description.format_map(limits.model_dump() | {"network": network(limits.hosts)})
        return ToolSpec(name=self.name, description=description, parameters=self.args.model_json_schema())
