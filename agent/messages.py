"""The typed values that pass between the loop, the models and the tools. All of them survive a trip through JSON."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

RUN_ID: Final = "[A-Za-z0-9_-]{1,64}"
"""What a run's id may be: it names keys, channels, folders and paths of addresses."""


class Value(BaseModel):
    """A frozen value with camelCase names in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class RunRequest(Value):
    """What somebody asked for."""

    run_id: str
    project_id: str
    value: str
    model: str
    framework: str | None = Field(default=None, description="the template that an empty project is to begin with")


class Limits(Value):
    """What a run may use up."""

    max_turns: int = 24
    max_calls: int = Field(default=16, description="tool calls of one reply that are carried out")
    max_tokens: int | None = Field(default=None, description="tokens a run may use, in and out")
    max_cost: float | None = Field(default=None, description="what a run may cost, in the currency of the prices")
    command_timeout: float = Field(default=120.0, description="seconds a command may take")
    deadline: float | None = Field(default=None, description="seconds since the epoch at which the run times out")
    wind_down: float = Field(default=60.0, description="seconds before the deadline that belong to the last turn")
    approve: tuple[str, ...] = Field(default=(), description="globs over commands that the user has to allow first")
    hosts: tuple[str, ...] = Field(default=(), description="what commands may reach over the network")


class Usage(Value):
    """What model calls have used up. ``cost`` is 0 where no price is known."""

    input_tokens: int = Field(default=0, description="all of them, cached ones too")
    output_tokens: int = 0
    cached_tokens: int = Field(default=0, description="those of the input that the provider had cached")
    abandoned: int = Field(default=0, description="tokens of attempts that were begun and not finished, as estimated")
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens + self.abandoned

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            abandoned=self.abandoned + other.abandoned,
            cost=round(self.cost + other.cost, 8),
        )


class ToolCall(Value):
    id: str
    name: str
    args: dict[str, Any] = {}
    malformed: str | None = Field(default=None, description="the arguments as sent, where they are no JSON object")
    was_cut: bool = Field(default=False, description="malformed because the reply reached its longest size")


class Message(Value):
    """One turn of the conversation, in the shape that every chat model shares."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None
    blocks: list[dict[str, Any]] = Field(default=[], description="a provider's own, to be sent back unchanged")
    said: str = Field(default="", description="what the user said meanwhile, after the content; never shortened")

    @property
    def whole(self) -> Message:
        """As a model is sent it: everything in ``content``."""
        if not self.said:
            return self
        content = f"{self.content}\n\n{self.said}" if self.content else self.said
        return self.model_copy(update={"content": content, "said": ""})


class ApprovalRequest(Value):
    """A call that waits until the user allows it; ``id`` is unique in the run."""

    id: str
    call_id: str
    tool: str
    args: dict[str, Any]


class Approval(Value):
    """The answer to a request; ``reason`` in the user's words."""

    allow: bool
    reason: str = ""


Stop = Literal["done", "length", "refused", "overflow"]
"""Why a reply ended: by itself, cut at its longest size, refused, or not even begun as the messages are too long."""


class ModelReply(Value):
    text: str = ""
    tool_calls: list[ToolCall] = []
    usage: Usage = Usage()
    stop: Stop = "done"
    blocks: list[dict[str, Any]] = []


class Turn(ModelReply):
    """A reply, and what the run has to remember about how it came about."""

    model: str = Field(default="", description="which model answered: the fallback, once the first one has failed")
    notice: str = Field(default="", description="what the model was told before it, beyond the conversation")
    is_last: bool = Field(default=False, description="no further model call: a limit is reached")
    heard: list[str] = Field(default=[], description="what the user had said since the turn before")
    to_approve: list[int] = Field(default=[], description="the calls, from 1, that wait until the user allows them")


class ToolSpec(Value):
    """A tool as a model is told about it; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]


class Killed(Value):
    """Which budget a command passed. ``used`` and ``limit`` in seconds (time, cpu), bytes or numbers."""

    budget: Literal["time", "cpu", "memory", "processes", "disk", "files", "output"]
    used: float
    limit: float

    def __str__(self) -> str:
        """In words, to follow "killed:"."""
        return KILLED[self.budget].format(used=_shown(self.budget, self.used), limit=_shown(self.budget, self.limit))


KILLED: Final = {
    "time": "it took longer than {limit}",
    "cpu": "it used {used} of processor time, {limit} are allowed",
    "memory": "it used {used} of memory, {limit} are allowed",
    "processes": "it had {used} processes and threads, {limit} are allowed",
    "disk": "the workspace took {used} on the disk, {limit} are allowed",
    "files": "the workspace held {used} files and folders, {limit} are allowed",
    "output": "it wrote more than {limit} of output",
}


def _shown(budget: str, amount: float) -> str:
    if budget in ("time", "cpu"):
        return f"{amount:.0f} s"
    return f"{amount:,.0f}" if budget in ("processes", "files") else f"{amount / 1024**2:,.0f} MB"


class Reached(Value):
    """One host that a command had connections to; sizes in bytes, ``cached``: those that this machine had already."""

    host: str
    connections: int
    bytes: int
    cached: int

    def __str__(self) -> str:
        text = f"{self.bytes / 1e6:.1f} MB from {self.host}"
        return f"{text} ({self.cached / 1e6:.1f} MB more were cached)" if self.cached else text


class Traffic(Value):
    """What a command moved through the sandbox's proxy. ``refused``: host and port → why, in a few words."""

    connections: int
    bytes: int
    hosts: list[Reached] = []
    refused: dict[str, str] = {}
    more_refused: int = 0

    def __str__(self) -> str:
        parts = []
        if self.hosts:
            parts.append(f"{self.connections} connections, {', '.join(map(str, self.hosts))}")
        if self.refused:
            refused = [f"{what}: {why.rstrip('.')}" for what, why in self.refused.items()]
            refused += [f"{self.more_refused} more"] if self.more_refused else []
            parts.append(f"refused: {'; '.join(refused)}")
        return "; ".join(parts)


class CommandResult(Value):
    exit_code: int | None = Field(description="None when the command was killed, see there")
    killed: Killed | None = None
    traffic: Traffic | None = Field(default=None, description="None where it asked for no network")


Outcome = Literal["done", "partial", "nothing-to-do"]


class Done(Value):
    """An earlier run on the project: what was asked, what came of it, and the model's last words; both shortened."""

    prompt: str
    outcome: Outcome
    summary: str


class Beginning(Value):
    """What a run finds: ``files`` are the first of its ``count`` paths, ``history`` the latest runs, oldest first.

    ``template``: the name of what an empty project was given; ``files`` are then its paths.
    """

    files: list[str] = []
    count: int = 0
    history: list[Done] = []
    template: str = ""


class FileMark(Value):
    """A file that is named without its content; ``size`` in bytes, ``hash`` SHA-256 in hex."""

    size: int
    hash: str


class RunResult(Value):
    """The data of the ``complete`` event."""

    outcome: Outcome
    missing: str | None = Field(default=None, description="what a ``partial`` run leaves undone, in words")

    url: str | None = None
    title: str
    files: dict[str, str]
    manifest: dict[str, FileMark] = Field(default={}, description="the files that are not in ``files``")
    unnamed: int = Field(default=0, description="files that are in neither, as their names are too many")
    summary: str
    sandbox_id: str | None = None
    framework: str
    usage: Usage = Usage()
