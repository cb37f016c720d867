"""Redis as people run it beside a single server: a Cluster, and a primary with a replica behind a Sentinel."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from tools.processes import bound_to_parent, free_port, stop, wait_until
from tools.redis_server import RedisServer, find_redis_server

SLOTS = 16_384
READY_SECONDS = 20.0
SERVICE_NAME = "mymaster"


@contextmanager
def redis_cluster(folder: Path, nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Primaries that share the slots, without replicas."""
    with ExitStack() as stack:
        # By default a node's bus is 10,000 above its port, where the system gives ports to outgoing connections.
        buses = [free_port() for _ in range(nodes)]
        options = {"cluster-enabled": "yes", "databases": "1"}
        servers = [
            stack.enter_context(RedisServer(folder / f"node-{number}", options={**options, "cluster-port": str(bus)}))
            for number, bus in enumerate(buses)
        ]
        clients = [stack.enter_context(redis.Redis(port=server.port, decode_responses=True)) for server in servers]
        for number, client in enumerate(clients):
            first, last = (SLOTS * step // nodes for step in (number, number + 1))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", servers[number].port, buses[number])
        wait_until(lambda: all(map(_knows_all_slots, clients)), READY_SECONDS, "the cluster to form")
        yield servers


def _knows_all_slots(client: "redis.Redis") -> bool:
    info = str(client.execute_command("CLUSTER", "INFO"))  # type: ignore[no-untyped-call]
    return "cluster_state:ok" in info and f"cluster_slots_ok:{SLOTS}" in info


class Replicated:
    """A primary and a replica; with ``sentinel`` one Sentinel watches them and carries out the failover."""

    def __init__(self, folder: Path, *, sentinel: bool = False) -> None:
        self._wants_sentinel = sentinel
        self.primary = RedisServer(folder / "primary")
        self.replica = RedisServer(folder / "replica")
        self.sentinel_port = free_port()
        self._folder = folder / "sentinel"
        self._sentinel: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel_port}/{SERVICE_NAME}"

    def __enter__(self) -> "Replicated":
        self.primary.start()
        self.replica.start()
        self._follow(self.replica, self.primary)
        if self._wants_sentinel:
            self._start_sentinel()
        return self

    def __exit__(self, *_: object) -> None:
        if self._sentinel:
            stop(self._sentinel, 5)
        self.replica.close()
        self.primary.close()

    def fail_over(self) -> None:
        """The replica becomes the primary; the old primary becomes its replica and keeps its connections."""
        if self._wants_sentinel:
            with redis.Redis(port=self.sentinel_port, decode_responses=True) as sentinel:
                sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE_NAME)
        else:
            with redis.Redis(port=self.replica.port) as replica:
                replica.execute_command("REPLICAOF", "NO", "ONE")
            self._follow(self.primary, self.replica)
        wait_until(lambda: role(self.replica) == "master", READY_SECONDS, "the replica to be promoted")
        wait_until(lambda: role(self.primary) == "slave", READY_SECONDS, "the old primary to be demoted")

    def _follow(self, replica: RedisServer, primary: RedisServer) -> None:
        with redis.Redis(port=replica.port) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", primary.port)
            wait_until(lambda: client.info("replication")["master_link_status"] == "up", READY_SECONDS, "the replica")

    def _start_sentinel(self) -> None:
        self._folder.mkdir(parents=True)
        config = self._folder / "sentinel.conf"
        config.write_text(
            f"port {self.sentinel_port}\nbind 127.0.0.1\ndir {self._folder}\nlogfile sentinel.log\n"
            f"sentinel monitor {SERVICE_NAME} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE_NAME} 60000\n"
        )
        binary = shutil.which(find_redis_server()) or find_redis_server()
        self._sentinel = subprocess.Popen(
            bound_to_parent([binary, str(config), "--sentinel"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._knows_replica, READY_SECONDS, "the sentinel to know the replica")

    def _knows_replica(self) -> bool:
        try:
            with redis.Redis(port=self.sentinel_port, decode_responses=True) as sentinel:
                return len(sentinel.execute_command("SENTINEL", "REPLICAS", SERVICE_NAME)) == 1
        except redis.ConnectionError:
            return False


def role(server: RedisServer) -> str:
    with redis.Redis(port=server.port, decode_responses=True) as client:
        return str(client.info("replication")["role"])
