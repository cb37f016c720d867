from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from agent.sandbox.network import Network
from tests.jail.jailed import Ending, run_as_ordinary_user, run_here
from tests.proxy.servers import Origin, serving

Run = Callable[[str, Network], Ending]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with serving() as server:
        yield server


@pytest.fixture(params=["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a command in a jail with that network, as a service of this user would."""
    play = run_here if request.param == "root" else run_as_ordinary_user
    return lambda command, network: play(command, network=network)
