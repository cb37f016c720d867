"""What servers have in common that keep messages themselves: no Redis, and they see at once who comes and goes."""

from collections.abc import Sequence

from bench.peers.contender import Process


class NoRedis:
    """A part of a Contender; ``_process`` is the server once it has been started."""

    first_bytes = True
    _process: Process

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def pids(self) -> list[int]:
        return self._process.pids()

    def redis_pids(self) -> list[int]:
        return []

    def prepare(self, runs: Sequence[str]) -> None:
        pass

    def wait_watched(self, runs: Sequence[str], viewers: int) -> None:
        pass  # the first bytes say so

    def settle(self, runs: Sequence[str]) -> None:
        pass
