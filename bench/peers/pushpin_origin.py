"""What Pushpin asks once for each viewer: the answer says which channel to hold the stream open for."""

import asyncio
import sys

ANSWER = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nGrip-Hold: stream\r\nGrip-Channel: {run}\r\n"
    "Content-Length: 3\r\n\r\n:\n\n"
)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            run = head.split(None, 2)[1].decode().rpartition("/")[2]
            writer.write(ANSWER.format(run=run).encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
