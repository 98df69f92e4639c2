"""Nodes that lose their disks, that are all killed at once, and that are told of hosts that come and go."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.cluster import Cluster
from journal.connection import connect, disconnect
from journal.repository import Repository
from journal.streams import STREAMS, call, last_position, prepare, prepare_host
from services.conductor.upkeep import Upkeep
from tests.integration.cluster.servers import REPLICAS, Servers, leader, until_whole
from tests.integration.journal.test_repository import AUTHOR, anybody, host


async def record(bus: Bus, *names: str) -> None:
    for name in names:
        await Repository(bus, may_append=anybody).create(host(name), AUTHOR)


async def test_a_node_with_an_empty_disk_takes_the_place_of_one_that_is_lost(servers: Servers, client: Bus) -> None:
    await record(client, "a", "b", "c")
    leading = await leader(client)
    servers.kill(leading)
    servers.lose_disk(leading)
    await record(client, "d")
    servers.start(leading)
    await until_whole(servers)
    # What it has now is enough to lose another.
    servers.kill(await leader(client))
    await record(client, "e")
    assert await last_position(client) == 5
    for name in ("a", "b", "c", "d", "e"):
        await Repository(client).load(type(host()), name)


class Hosts:
    """A read model that knows one host."""

    async def query(self, _question: object) -> list[str]:
        return ["host-1"]


async def test_after_all_were_killed_most_nodes_are_enough(servers: Servers, client: Bus) -> None:
    """A node that comes back remembers nothing of what lay in memory, and does not vote for who leads it.

    With one that does not come back there never is a leader: so that is made anew, and kept by all as soon as all are there.
    """
    await prepare_host(client, "host-1")
    await record(client, "a", "b")
    away, *others = servers.names
    servers.kill()
    servers.start(*others)
    upkeep = asyncio.create_task(Upkeep(client, Hosts(), replicas=REPLICAS, lost_after=3).run())  # type: ignore[arg-type]
    await until_pulled(client)
    await record(client, "c")
    assert await last_position(client) == 3
    servers.start(away)
    await until_whole(servers)
    await until_pulled(client)
    upkeep.cancel()


async def until_pulled(bus: Bus) -> None:
    """Until a host's work and its reports get through."""
    for stream, consumer, subject in (
        ("WORK", "host-host-1", "work.host-1.i"),
        ("REPORTS", "conductor", "rpt.host-1.state.i"),
    ):
        async with asyncio.timeout(40):
            while not await gets_through(bus, stream, consumer, subject):
                await asyncio.sleep(0.1)


async def gets_through(bus: Bus, stream: str, consumer: str, subject: str) -> bool:
    try:
        await bus.request(subject, b"{}", timeout=1)
        subscription = await bus.jetstream().pull_subscribe_bind(consumer, stream)
        try:
            (message,) = await subscription.fetch(1, timeout=1)
            await message.ack_sync(timeout=1)
        finally:
            await subscription.unsubscribe()
    except (NatsError, TimeoutError):
        return False
    return True


async def test_copies_are_not_taken_away_by_who_was_told_of_fewer(client: Bus) -> None:
    await prepare(client, replicas=1)
    for stream in STREAMS:
        assert (await call(client, f"STREAM.INFO.{stream}"))["config"]["num_replicas"] == REPLICAS


async def test_hosts_come_and_go_without_a_restart(servers: Servers) -> None:
    agent = await connect(servers.log.urls, servers.log.host_seed("host-1"), name="agent", host="host-1", quiet=True)
    changed(servers, replace(servers.cluster, hosts=("host-2", "host-3")))
    new = await connect(servers.log.urls, servers.log.host_seed("host-3"), name="agent", host="host-3", quiet=True)
    assert new.is_connected
    while agent.is_connected:
        await asyncio.sleep(0.01)
    with pytest.raises(NatsError, match="Authorization Violation"):
        await connect_once(servers.url("n1"), servers.log.host_seed("host-1"))
    await disconnect(new)
    await disconnect(agent)


async def connect_once(url: str, seed: Path) -> None:
    async def refused(_error: Exception) -> None:
        return

    client = Client()
    try:
        await client.connect(url, nkeys_seed=str(seed), allow_reconnect=False, error_cb=refused)
    finally:
        await client.close()


def changed(servers: Servers, cluster: Cluster) -> None:
    """Tell the servers of another configuration."""
    cluster.configure()
    for process in servers.running.values():
        process.send_signal(signal.SIGHUP)
