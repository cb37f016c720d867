"""The typed values that pass between the loop, the models and the tools. All of them survive a trip through JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Value(BaseModel):
    """A frozen value with camelCase names in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class RunRequest(Value):
    """What somebody asked for."""

    run_id: str
    project_id: str
    value: str
    model: str


class Limits(Value):
    """What a run may use up."""

    max_turns: int = 24
    command_timeout: float = Field(default=120.0, description="seconds a command may take")
    deadline: float | None = Field(default=None, description="seconds since the epoch at which the run times out")


class Usage(Value):
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class ToolCall(Value):
    id: str
    name: str
    args: dict[str, Any] = {}
    malformed: str | None = Field(default=None, description="the arguments as sent, where they are no JSON object")


class Message(Value):
    """One turn of the conversation, in the shape that every chat model shares."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None


class ModelReply(Value):
    text: str = ""
    tool_calls: list[ToolCall] = []
    usage: Usage = Usage()


class ToolSpec(Value):
    """A tool as a model is told about it; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]


class CommandResult(Value):
    exit_code: int | None = Field(description="None when the command was killed, for one of the reasons below")
    timed_out: bool = False
    truncated: bool = Field(default=False, description="it wrote more than anybody would read")


class RunResult(Value):
    """The data of the ``complete`` event."""

    url: str | None = None
    title: str
    files: dict[str, str]
    summary: str
    sandbox_id: str | None = None
    framework: str
    usage: Usage = Usage()
