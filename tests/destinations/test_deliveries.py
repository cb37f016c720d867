"""Nothing that goes wrong on a result's last bit of the way is more than a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from agent.errors import TransientError
from agent.protocols import Emit, Tries
from orchestrator.destinations import Deliveries
from orchestrator.destinations.deliveries import MOST_STARTS
from orchestrator.destinations.protocol import Letter
from orchestrator.runlog import RunRecord
from orchestrator.steps.durable import MOST_ATTEMPTS

T = TypeVar("T")
RECORD = RunRecord("run_1", {"projectId": "shop"})


class Broken:
    """Raises what no destination should."""

    name, title, takes_errors = "broken", "a broken one", False

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.sent = 0

    def send(self, letter: Letter) -> None:
        self.sent += 1
        raise self.error


class OneAttempt:
    """A step and what its body is given."""

    def __init__(self, attempt: int = 0, *, is_last: bool = False) -> None:
        self.attempt, self.tries = attempt, Tries(is_last=is_last)
        self.steps: list[str] = []
        self.events: list[tuple[str, Any]] = []

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        self.steps.append(step_id)
        return body(self)

    def __call__(self, type: str, data: Any) -> None:
        self.events.append((type, data))

    def keep(self, changes: Any, left_out: Any = ()) -> None:
        raise AssertionError("a delivery changes no file")

    def check(self) -> None:
        pass


def test_a_bug_in_a_destination_is_a_sentence() -> None:
    step = OneAttempt()
    went = Deliveries([Broken(KeyError("files"))]).deliver(RECORD, {}, step)
    assert went == {"deliveries": [{"to": "broken", "delivered": False, "reason": "an internal error"}]}
    assert step.steps == ["deliver-broken"]
    assert step.events == [("status", "The result was not delivered to a broken one: an internal error")]


@pytest.mark.parametrize("is_last", [False, True], ids=["first", "last"])
def test_only_the_last_attempt_gives_up(is_last: bool) -> None:
    deliveries, step = Deliveries([Broken(TransientError("it answered 500", 3.0))]), OneAttempt(is_last=is_last)
    if is_last:
        assert deliveries.deliver(RECORD, {}, step)["deliveries"][0]["reason"] == "it answered 500"
        return
    with pytest.raises(TransientError, match="not delivered to a broken one yet: it answered 500") as error:
        deliveries.deliver(RECORD, {}, step)
    assert error.value.delay == 3.0 and not step.events


def test_what_ends_its_process_every_time_is_given_up_before_the_run_is() -> None:
    broken, step = Broken(TransientError("x")), OneAttempt(MOST_STARTS)
    [went] = Deliveries([broken]).deliver(RECORD, {}, step)["deliveries"]
    assert not went["delivered"] and "again and again" in went["reason"] and not broken.sent
    assert MOST_STARTS < MOST_ATTEMPTS - 1


def test_without_destinations_nothing_is_added() -> None:
    step = OneAttempt()
    assert Deliveries([]).deliver(RECORD, {}, step) == {} and not step.steps
