"""Three nats-servers on loopback that a test starts, kills, stops for a while, and finds the leaders of."""

import asyncio
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from journal.bus import Bus
from journal.cluster import Certificates, Cluster, Node
from journal.connection import connect, disconnect
from journal.copies import copies
from journal.errors import JournalError
from journal.external import ExternalLog
from journal.server import server_command
from journal.streams import STREAMS, call
from tests.integration.conftest import free_port

REPLICAS = 3


class Servers:
    """The servers of one cluster."""

    def __init__(self, directory: Path, hosts: tuple[str, ...], *, certificates: Certificates | None = None) -> None:
        nodes = tuple(Node(name, "127.0.0.1", free_port(), free_port(), free_port()) for name in ("n1", "n2", "n3"))
        self.cluster = Cluster(directory / "cluster", nodes, hosts, store=str(directory / "store"))
        self.cluster = replace(self.cluster, certificates=certificates)
        self.cluster.configure()
        self.log = ExternalLog(self.cluster.urls, self.cluster.keys, REPLICAS)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        for node in self.cluster.nodes:
            if node.name in (names or self.names):
                assert node.name not in self.running
                command = server_command(self.cluster.config(node))
                self.running[node.name] = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )

    def kill(self, *names: str) -> None:
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.kill()
            process.wait()

    def pause(self, *names: str) -> None:
        for name in names:
            self.running[name].send_signal(signal.SIGSTOP)

    def resume(self, *names: str) -> None:
        for name in names:
            self.running[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all, whatever has become of them."""
        self.resume(*self.running)
        self.kill()

    def lose_disk(self, name: str) -> None:
        shutil.rmtree(Path(self.cluster.store) / name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.cluster.nodes)

    def url(self, name: str) -> str:
        return next(self.cluster.url(node) for node in self.cluster.nodes if node.name == name)


async def leader(client: Bus, stream: str = "EVENTS") -> str:
    """The node that leads a stream; waits for one."""
    async with asyncio.timeout(30):
        while True:
            try:
                if found := (await call(client, f"STREAM.INFO.{stream}"))["cluster"].get("leader"):
                    return str(found)
            except JournalError:
                pass
            await asyncio.sleep(0.05)


async def let_lead(client: Bus, name: str, *streams: str) -> None:
    """Let a node lead streams."""
    for stream in streams:
        while await leader(client, stream) != name:
            await call(client, f"STREAM.LEADER.STEPDOWN.{stream}", {"placement": {"preferred": name}})


async def until_whole(servers: Servers, *streams: str) -> None:
    """Until every node holds everything of these streams (of all, without any)."""
    bus = await connect(servers.log.urls, servers.log.control_seed, name="watch", quiet=True)
    try:
        async with asyncio.timeout(30):
            while not await _are_whole(bus, streams or tuple(STREAMS)):
                await asyncio.sleep(0.05)
    finally:
        await disconnect(bus)


async def _are_whole(bus: Bus, streams: tuple[str, ...]) -> bool:
    return all(each.is_whole(REPLICAS) for each in await copies(bus, streams))
