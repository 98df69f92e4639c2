"""A cluster of three real nats-servers, with the region's streams, each of them with three copies."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.streams import prepare
from tests.integration.cluster.links import Links
from tests.integration.cluster.servers import REPLICAS, Servers, until_whole


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    """Asked for by tests that cut the network between the nodes."""
    links = Links()
    yield links
    await links.close()


@pytest.fixture
async def servers(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path, hosts=("host-1", "host-2"))
    if "links" in request.fixturenames:
        await request.getfixturevalue("links").through(servers.cluster)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture
async def client(servers: Servers) -> AsyncIterator[Bus]:
    client = await connect(servers.log.urls, servers.log.control_seed, name="test", quiet=True)
    await prepare(client, replicas=REPLICAS)
    await until_whole(servers)
    yield client
    await disconnect(client)
