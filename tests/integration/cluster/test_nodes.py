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


async def test_nodes_that_were_all_killed_come_back_with_everything_recorded(servers: Servers, client: Bus) -> None:
    """What lay in memory is gone; its streams and the consumers of them are there to be filled again."""
    await prepare_host(client, "host-1")
    await record(client, "a", "b")
    await client.request("work.host-1.i", b"{}", timeout=5)
    servers.kill()
    servers.start()
    await until_whole(servers)
    await record(client, "c")
    assert await last_position(client) == 3
    for subject in ("work.host-1.i", "rpt.host-1.state.i"):
        await client.request(subject, b"{}", timeout=5)
    await call(client, "CONSUMER.INFO.WORK.host-host-1")
    await call(client, "CONSUMER.INFO.REPORTS.conductor")


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
