"""A connection to a real log that holds nothing yet."""

from collections.abc import AsyncIterator

import pytest

from journal.bus import Bus
from journal.connection import connect
from journal.streams import prepare
from services.cli.region import Region
from tests.integration.conftest import LogServer, until_connected


@pytest.fixture
async def client(settings: Region, log_server: LogServer) -> AsyncIterator[Bus]:
    await until_connected(settings.log)
    client = await connect(settings.log.url, settings.log.control_seed, name="test")
    await prepare(client)
    yield client
    await client.close()
