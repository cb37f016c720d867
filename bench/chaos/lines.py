"""The network between clients and the service, which can be cut: a proxy that breaks connections in the middle."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from tools.processes import free_port

READ_BYTES: Final = 65_536
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: a close is a reset, and what is under way is lost."""

CUT_SHARE: Final = 0.5
RESET_SHARE: Final = 0.5
"""Of the cuts within a body; the others look like an ordinary end in the middle of it."""

HEAD: Final = b"HTTP/"
"""What an answer begins with. Browsers take half a head for a whole one where it ends like that; not over TLS."""


@dataclass(eq=False)
class _Line:
    """One connection of a client; ``is_doomed``: it breaks within the next bytes that the service sends."""

    client: asyncio.StreamWriter
    is_doomed: bool = False


class Lines:
    """Passes bytes on to ``port``, from its own ``port``. A context manager with a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to, self._open = port, set[_Line]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> bool:
        """Cut half of the open connections, each at any byte of what comes next. False where there is none."""
        doomed = [line for line in list(self._open) if not line.is_doomed and random.random() < CUT_SHARE]
        for line in doomed:
            line.is_doomed = True
        return bool(doomed)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            client.transport.abort()
            return
        line = _Line(client)
        self._open.add(line)
        asking = asyncio.create_task(_pass_on(asked, server))
        try:
            await _answer(answers, line)
        finally:
            self._open.discard(line)
            asking.cancel()
            server.transport.abort()
            client.close()


async def _pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(READ_BYTES):
            to.write(chunk)
            await to.drain()
    to.transport.abort()  # the client is gone: so is its connection to the service


async def _answer(source: asyncio.StreamReader, line: _Line) -> None:
    with suppress(OSError):
        while chunk := await source.read(READ_BYTES):
            if line.is_doomed:
                line.client.write(chunk[: random.randrange(len(chunk))])
                if chunk.startswith(HEAD) or random.random() < RESET_SHARE:
                    line.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return
            line.client.write(chunk)
            await line.client.drain()
