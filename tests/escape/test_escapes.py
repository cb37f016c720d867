"""Every attempt is held, as root and as an ordinary user, and leaves nothing behind (`make escape` prints them all)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.escape import player
from tests.escape.attempt import Outcome, Verdict
from tests.escape.attempts import BY_KIND

CASES = [
    pytest.param(user, attempt.name, id=f"{user.split()[0]}-{attempt.id}")
    for user in player.users()
    for attempts in BY_KIND.values()
    for attempt in attempts
]
OutcomeOf = Callable[[str, str], Outcome]


@pytest.fixture(scope="module")
def outcome_of(request: pytest.FixtureRequest) -> Iterator[OutcomeOf]:
    """Plays the selected attempts of a user in one go, in order, and hands out each when it is asked for."""
    wanted: dict[str, list[str]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.originalname == test_is_held.__name__:
            user, name = map(str, (item.callspec.params["user"], item.callspec.params["name"]))
            wanted.setdefault(user, []).append(name)
    playing = {user: player.play(user, names) for user, names in wanted.items()}

    def outcome_of(user: str, name: str) -> Outcome:
        outcome = next(playing[user])
        assert outcome.attempt == name
        return outcome

    yield outcome_of
    for outcomes in playing.values():
        outcomes.close()


@pytest.mark.parametrize(("user", "name"), CASES)
def test_is_held(outcome_of: OutcomeOf, user: str, name: str) -> None:
    outcome = outcome_of(user, name)
    assert outcome.verdict is Verdict.HELD, f"{outcome.verdict}: {outcome.why}"


def test_there_are_enough_attempts_and_none_twice() -> None:
    names = player.names()
    assert len(names) == len(set(names)) >= 60
