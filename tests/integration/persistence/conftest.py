"""A plain nats-server for all tests of this directory, and factories that are closed with the test."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from eventsourcing.utils import Environment

from journal.persistence import JetStreamFactory
from tests.integration.persistence.servers import PlainServer

MakeFactory = Callable[..., JetStreamFactory]


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainServer]:
    server = PlainServer(tmp_path_factory.mktemp("nats"))
    server.start()
    server.until_answering()
    yield server
    server.kill()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"T{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_factory(plain_server: PlainServer, name: str) -> Iterator[MakeFactory]:
    made: list[JetStreamFactory] = []

    def make(**settings: str) -> JetStreamFactory:
        env = {"NATS_URL": plain_server.url, **settings}
        made.append(JetStreamFactory(Environment(name, env)))
        return made[-1]

    yield make
    for factory in made:
        factory.close()


@pytest.fixture
def factory(make_factory: MakeFactory) -> JetStreamFactory:
    return make_factory()
