"""Ways of breaking a running service, each a function of the scene; and how often each is chosen."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import redis

from bench.chaos.scene import WORKERS, Scene
from lab.inngest import InngestExecutor

TRIES = 10
REST_SECONDS = 3.0  # between two faults that cost a worker: a service whose workers are always dead shows nothing


class Breaker:
    """Injects faults into a scene and counts them by kind. ``more``: what else can break there."""

    def __init__(self, scene: Scene, more: Injections | None = None) -> None:
        self._counts: Counter[str] = Counter()
        self.worker_kills: list[float] = []
        self.disturbances: list[float] = []  # when a fault was over after which things can go on
        self._workers_rest_until = 0.0
        self._scene = scene
        self._admin = redis.Redis.from_url(scene.redis.url, socket_timeout=1.0, retry=None)
        self._timers: list[threading.Timer] = []
        faults = COMMON | (INNGEST if scene.inngest else DIRECT) | (more or {})
        self._kinds, self._weights = list(faults), [weight for weight, _ in faults.values()]
        self._due = random.sample(self._kinds, k=len(self._kinds))
        self._inject = {kind: inject for kind, (_, inject) in faults.items()}

    def break_something(self) -> None:
        """One fault: each kind in turn at first, then by chance; another where it is not possible just now."""
        for _ in range(TRIES):
            kind = self._due.pop() if self._due else random.choices(self._kinds, self._weights)[0]
            if self._inject[kind](self):
                if kind not in CALL_FAULTS.values():
                    self._counts[kind] += 1
                return
            if kind not in self._counts:
                self._due.insert(0, kind)

    def service_is_alive(self) -> bool:
        return self._scene.service.is_alive()

    def total(self) -> Counter[str]:
        """All faults so far. One that waits for a call to strike counts when it has struck."""
        calls = self._scene.inngest.calls if self._scene.inngest else []
        return self._counts + Counter(CALL_FAULTS[call.fault] for call in calls if call.fault in CALL_FAULTS)

    def close(self) -> None:
        """Let everything go on that was held."""
        for timer in self._timers:
            timer.join()
        self._admin.close()

    # Workers

    def kill_worker(self) -> bool:
        if self._signal_worker(signal.SIGKILL) is None:
            return False
        self.worker_kills.append(time.monotonic())
        return True

    def drain_worker(self) -> bool:
        return self._signal_worker(signal.SIGTERM) is not None

    def freeze_worker(self) -> bool:
        """For longer than a lease, sometimes: what it held has new owners when it wakes."""
        pid = self._signal_worker(signal.SIGSTOP)
        if pid is None:
            return False
        seconds = random.uniform(0.5, 8.0)
        self._workers_rest_until = time.monotonic() + max(seconds, REST_SECONDS)
        self._timers.append(timer := threading.Timer(seconds, self._thaw, [pid]))
        timer.start()
        return True

    def _signal_worker(self, number: signal.Signals) -> int | None:
        """The pid of the worker that got it, None where the workers had too much lately."""
        pids = self._scene.service.worker_pids()
        if len(pids) < WORKERS or time.monotonic() < self._workers_rest_until:
            return None
        pid = random.choice(pids)
        _signal(pid, number)
        self._workers_rest_until = time.monotonic() + REST_SECONDS
        self.disturbances.append(time.monotonic())
        return pid

    def _thaw(self, pid: int) -> None:
        _signal(pid, signal.SIGCONT)
        self.disturbances.append(time.monotonic())

    # Redis

    def restart_redis(self) -> bool:
        self._scene.redis.kill()
        time.sleep(random.uniform(0.0, 1.0))
        self._scene.redis.start()
        self.disturbances.append(time.monotonic())
        return True

    def pause_redis(self) -> bool:
        with self._scene.redis.paused():
            time.sleep(random.uniform(0.1, 1.5))
        self.disturbances.append(time.monotonic())
        return True

    def cut_redis_connections(self) -> bool:
        try:
            kind = random.choice(["normal", "pubsub"])
            return bool(self._admin.client_kill_filter(_type=kind, skipme=True))
        except redis.RedisError:
            return False

    # Inngest: rules for the next call, which count when they have struck

    def drop_answer(self) -> bool:
        self._executor.faults.drop_answer(lambda call: True)
        return True

    def delay_answer(self) -> bool:
        self._executor.faults.delay_answer(lambda call: True, random.uniform(0.2, 2.0))
        return True

    def delay_call(self) -> bool:
        self._executor.faults.delay(lambda call: True, random.uniform(0.2, 2.0))
        return True

    def duplicate_call(self) -> bool:
        self._executor.faults.duplicate(lambda call: True, after=random.uniform(0.0, 1.0))
        return True

    def stop_inngest(self) -> bool:
        with self._executor.outage():
            time.sleep(random.uniform(0.1, 1.0))
        return True

    @property
    def _executor(self) -> InngestExecutor:
        assert self._scene.inngest
        return self._scene.inngest


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


Injections = dict[str, tuple[float, Callable[[Breaker], bool]]]

COMMON: Injections = {
    "worker killed (kill -9)": (3, Breaker.kill_worker),
    "worker frozen (SIGSTOP up to 8 s)": (2, Breaker.freeze_worker),
    "worker drained (SIGTERM)": (1, Breaker.drain_worker),
    "Redis killed and restarted": (2, Breaker.restart_redis),
    "Redis paused (SIGSTOP up to 1.5 s)": (2, Breaker.pause_redis),
    "Redis connections cut (CLIENT KILL)": (6, Breaker.cut_redis_connections),
}
DIRECT: Injections = {}
INNGEST: Injections = {
    "answer to Inngest dropped": (3, Breaker.drop_answer),
    "answer to Inngest delayed": (2, Breaker.delay_answer),
    "call of Inngest delayed": (2, Breaker.delay_call),
    "call of Inngest doubled, overlapping": (3, Breaker.duplicate_call),
    "Inngest stopped and restarted": (1, Breaker.stop_inngest),
}
CALL_FAULTS = {
    "answer dropped": "answer to Inngest dropped",
    "answer delayed": "answer to Inngest delayed",
    "delayed": "call of Inngest delayed",
    "overtaken": "call of Inngest doubled, overlapping",
}
