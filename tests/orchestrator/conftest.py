"""A run log on the real Redis, its projects and its connection, without a service around it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from lab.sse import Event, parse
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog, connection
from orchestrator.runlog.commands import Commands
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.keys import RunKeys
from tests.orchestrator.project_runs import Project
from tests.orchestrator.shared_connection import PATIENCE, of

PULSE = {b"beat", b"silence", b"kept"}


@dataclass
class Writer:
    """A run in a log, and a step's attempt as the emitter writes it."""

    log: RunLog
    run_id: str
    client: Client

    def __post_init__(self) -> None:
        self._nonces = count()

    def create(self) -> bool:
        request = RunRequested(run_id=self.run_id, project_id="p", value="v")
        return self.log.create(request, "direct", "Accepted") is not None

    def begin(self, step: str, engine_attempt: int = 0, nonce: str | None = None) -> int:
        return self.log.begin(self.run_id, step, engine_attempt, nonce or f"n{next(self._nonces)}").attempt

    def append(self, step: str, attempt: int, number: int, *texts: str) -> None:
        self.log.append(self.run_id, step, attempt, number, self.bodies(step, attempt, *texts))

    def bodies(self, step: str, attempt: int, *texts: str) -> list[str]:
        return [encode_body(self.run_id, "text", text, step, attempt) for text in texts]

    def commit(self, step: str, attempt: int, result: object, number: int = 1, *texts: str, **changes: bytes) -> object:
        bodies = self.bodies(step, attempt, *texts)
        return self.log.commit(self.run_id, step, attempt, result, number, bodies, dict(changes))

    def events(self, after: int = 0) -> list[Event]:
        return [parse(raw.decode()) for raw in self.log.read(self.run_id, after, 5000).events]

    def state(self) -> dict[str, object]:
        """Everything of the run in Redis, but not when it was last heard of."""
        stored = {key.decode(): self.client.dump(key) for key in sorted(self.client.keys(f"*{self.run_id}*"))}
        if (name := RunKeys(self.run_id).run) in stored:
            fields = self.client.hgetall(name)
            stored[name] = {field: value for field, value in fields.items() if field not in PULSE}
        return stored


NewRun = Callable[..., Writer]


def ids(writer: Writer) -> list[int]:
    return [event["id"] for event in writer.events()]


@pytest.fixture
def new_run(redis_url: str, unique: Callable[[str], str]) -> Iterator[NewRun]:
    """Makes runs: new_run(max_events=…)."""
    client = connect(redis_url, 4)

    def make(*, ttl: float = 3600, max_events: int = 10_000, lease: float = 6, stall: float = 15) -> Writer:
        log = RunLog(client, ttl=ttl, max_events=max_events, lease=lease, stall=stall)
        writer = Writer(log, unique("run"), client)
        assert writer.create()
        return writer

    yield make
    client.close()
    client.connection_pool.disconnect()


@pytest.fixture
def run(new_run: NewRun) -> Writer:
    return new_run()


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Client]]:
    """Makes clients as a process under gevent has them."""
    made: list[Client] = []

    def make(url: str, tls_verify: bool = True) -> Client:
        monkeypatch.setattr(connection, "is_module_patched", lambda name: True)
        monkeypatch.setattr(connection, "REPLY_SECONDS", PATIENCE)
        made.append(connect(url, 2, tls_verify))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def commands(share: Callable[..., Client], redis_url: str) -> Commands:
    return of(share(redis_url))


@pytest.fixture
def project(redis_url: str, unique: Callable[[str], str]) -> Iterator[Project]:
    client = connect(redis_url, 4)
    yield Project(RunLog(client), client, unique("project"))
    client.close()
    client.connection_pool.disconnect()
