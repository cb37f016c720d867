"""Pushpin (Debian's package): a proxy that holds streams open for an origin, which it asks once for each. In C++."""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from bench.peers.contender import Process, get
from bench.peers.no_redis import NoRedis
from bench.publish import Publisher
from bench.publishers import PushpinPublisher
from tools.processes import StartError, free_port

CONFIGURATION = """
[global]
include=/usr/lib/pushpin/internal.conf
rundir={folder}
ipc_prefix=p-
[runner]
services=condure,zurl,pushpin-proxy,pushpin-handler
http_port={port}
logdir={folder}
log_level=1
client_buffer_size=4096
client_maxconn=20000
[proxy]
routesfile={folder}/routes
zurl_out_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in
zurl_out_stream_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in-stream
zurl_in_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-out
[handler]
push_in_spec=tcp://127.0.0.1:{push}
command_spec=ipc://{{rundir}}/{{ipc_prefix}}command
message_rate=1000000
message_hwm=1000000
"""
"""Limits on messages are lifted: a burst is the case, not an accident."""


class Pushpin(NoRedis):
    name = "pushpin"

    def __init__(self, folder: Path) -> None:
        self.port, self._push, self._origin_port = free_port(), free_port(), free_port()
        self._folder = folder / f"pp{self.port}"  # in the names of sockets, which are short
        self._program = find_pushpin()

    def __enter__(self) -> Self:
        self._folder.mkdir()
        configuration = self._folder / "pushpin.conf"
        configuration.write_text(CONFIGURATION.format(folder=self._folder, port=self.port, push=self._push))
        (self._folder / "routes").write_text(f"* 127.0.0.1:{self._origin_port}\n")
        origin = [sys.executable, "-m", "bench.peers.pushpin_origin", str(self._origin_port)]
        self._origin = Process(origin, self._origin_port, {}, self._folder / "origin.log")
        try:
            command = [self._program, f"--config={configuration}"]
            self._process = Process(command, self.port, {}, self._folder / "output.log")
        except BaseException:
            self._origin.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        pids = self.pids()
        self._process.stop()
        for pid in pids:  # they lead groups of their own
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._origin.stop()

    def request(self, run: str, after: int = 0) -> bytes:
        return get(f"/stream/{run}", "Accept: text/event-stream")

    def publisher(self) -> Publisher:
        return PushpinPublisher(self._push)


def find_pushpin() -> str:
    if program := shutil.which("pushpin"):
        return program
    raise StartError("Pushpin is not installed: apt-get install pushpin")
