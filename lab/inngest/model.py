"""The executor's records: functions, events, runs, and each HTTP call made for them."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_LENGTH = 26
DEFAULT_RETRIES = 3

RUNNING = "Running"
COMPLETED = "Completed"
FAILED = "Failed"
CANCELLED = "Cancelled"


@dataclass(frozen=True)
class Function:
    """A function as registered by an app."""

    id: str
    url: str
    triggers: tuple[Json, ...]
    cancel_on: tuple[Json, ...]
    max_attempts: int
    slots: threading.Semaphore | None  # its concurrency limit: Inngest counts calls in progress, not runs

    @classmethod
    def from_config(cls, config: Json) -> "Function":
        step = config["steps"]["step"]
        retries = (step.get("retries") or {}).get("attempts", DEFAULT_RETRIES)
        limits = [each["limit"] for each in config.get("concurrency") or [] if each.get("limit")]
        return cls(
            id=config["id"],
            url=step["runtime"]["url"],
            triggers=tuple(config["triggers"]),
            cancel_on=tuple(config.get("cancel") or ()),
            max_attempts=retries + 1,
            slots=threading.Semaphore(min(limits)) if limits else None,
        )


@dataclass
class Run:
    """One run of a function: its memoised steps by hashed id, in the order in which they finished."""

    function: Function
    event: Json
    id: str = field(default_factory=lambda: ulid())
    steps: Json = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    planned: bool = False
    status: str = RUNNING
    output: Any = None

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the finished steps."""
        return tuple(self.names[step] for step in self.steps)


@dataclass
class Call:
    """One HTTP request to the app, and what came of it."""

    fn_id: str
    run_id: str
    event: Json
    known: tuple[str, ...]  # names of the steps that the app was told the results of
    attempt: int
    target: str = "step"
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    status: int | None = None  # None: no answer arrived
    streamed: bool = False  # the answer came as 201 with spaces before it
    answered: tuple[tuple[str, str], ...] = ()  # (opcode, step name) of the answer
    fault: str | None = None  # what we did to it on purpose, or the transport error

    @property
    def steps_run(self) -> tuple[str, ...]:
        """Names of the steps whose results this call brought back."""
        return tuple(name for op, name in self.answered if op == "StepRun")


Predicate = Callable[[Call], bool]


def ulid(milliseconds: int | None = None) -> str:
    """A ULID: 48 bits of time, 80 random bits, in Crockford's base 32."""
    number = (milliseconds or time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(ULID_LENGTH)))


def is_ulid(text: str) -> bool:
    return len(text) == ULID_LENGTH and set(text.upper()) <= set(CROCKFORD)
