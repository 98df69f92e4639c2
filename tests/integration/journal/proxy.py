"""A TCP proxy in front of the log's server that loses what it is told to lose, and cuts connections."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

Hook = Callable[[bytes], Awaitable[bool]]
"""Is given what a client sends; answers whether the server may have it."""


class Proxy:
    """Forwards to a port on loopback."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self.port = 0
        self.deaf = False  # nothing that the server says gets through
        self.closed = False  # nobody may connect
        self.hook: Hook | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def cut(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.closed:
            writer.close()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers.add(upstream_writer)
        for task in (
            asyncio.ensure_future(self._forward(reader, upstream_writer, up=True)),
            asyncio.ensure_future(self._forward(upstream_reader, writer, up=False)),
        ):
            self._tasks.add(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if up and self.hook is not None and not await self.hook(data):
                    continue
                if not up and self.deaf:
                    continue
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
