"""The connections between the nodes of a cluster, each through a proxy that can hold back what is said: a network that is cut."""

import asyncio
import contextlib
import re

from journal.cluster import Cluster, Node

NOWHERE = "127.0.0.1:1"  # what a node says of its place: the others find it by the proxies alone


class Links:
    """All routes of a cluster. While a node is held, it hears nothing of the others, and they nothing of it."""

    def __init__(self) -> None:
        self._open: dict[str, asyncio.Event] = {}
        self._listeners: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def through(self, cluster: Cluster) -> None:
        """Send all routes of a configured cluster through proxies."""
        for node in cluster.nodes:
            self._open[node.name] = asyncio.Event()
            self._open[node.name].set()
        for node in cluster.nodes:
            routes = [await self._listen(node, other) for other in cluster.nodes if other is not node]
            path = cluster.config(node)
            named = "\n".join(f"nats-route://chronova:{cluster.password}@127.0.0.1:{port}" for port in routes)
            text = re.sub(r"routes: \[[^]]*\]", f"advertise: '{NOWHERE}'\n  routes: [\n{named}\n]", path.read_text())
            path.write_text(text)

    def hold(self, name: str) -> None:
        self._open[name].clear()

    def release(self, name: str) -> None:
        self._open[name].set()

    async def close(self) -> None:
        for opened in self._open.values():
            opened.set()
        for listener in self._listeners:
            listener.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            await listener.wait_closed()

    async def _listen(self, node: Node, other: Node) -> int:
        """The port of a proxy by which a node reaches another."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            try:
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", other.route_port)
            except OSError:
                writer.close()
                return
            self._writers.add(there_writer)
            ends = (self._open[node.name], self._open[other.name])
            for task in (
                asyncio.ensure_future(_forward(reader, there_writer, ends)),
                asyncio.ensure_future(_forward(there_reader, writer, ends)),
            ):
                self._tasks.add(task)

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: tuple[asyncio.Event, asyncio.Event]
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            for opened in ends:
                await opened.wait()
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
