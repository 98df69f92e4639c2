"""A copy that lags behind answers direct reads with what was: nothing is decided, told or forgotten because of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from domain.host.claims import release
from domain.host.host import Host
from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.direct_get import DirectGet
from journal.positions import Positions
from journal.repository import STREAM, Repository
from journal.secrets import Secrets
from journal.streams import prepare
from tests.integration.cluster.links import Links
from tests.integration.cluster.servers import REPLICAS, Servers, let_lead, until_whole
from tests.integration.journal.test_repository import AUTHOR, anybody, claim_one, host
from tests.unit.domain.specification import AT

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = range(10)
"""Aggregates in each test: a single direct read may happen to reach another copy than the one that lags, and prove nothing."""
STREAMS = (STREAM, "KV_SECRETS", "KV_POSITIONS")


class Parted:
    """A node that keeps a copy and can be cut off from the others, and connections to it and to them."""

    def __init__(self, links: Links, name: str, here: Bus, there: Bus) -> None:
        self._links = links
        self._name = name
        self.here = here  # connected to it
        self.there = there  # connected to the node that leads
        self._theirs = Repository(there, may_append=anybody)  # has what it makes in memory, and reads nothing

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """For a moment: not for so long that it asks for a new leader."""
        self._links.hold(self._name)
        try:
            yield
        finally:
            self._links.release(self._name)

    async def answers_early(self, questions: Sequence[Awaitable[Any]]) -> tuple[int, list[Any]]:
        """How many questions are answered while it is cut off; and all answers, once it is not any more."""
        asking = [asyncio.ensure_future(question) for question in questions]
        done, _ = await asyncio.wait(asking, timeout=0.4)
        self._links.release(self._name)
        return len(done), await asyncio.gather(*asking)

    async def create(self, prefix: str) -> list[int]:
        """Make hosts; returns their positions."""
        return [(await self._theirs.create(host(name), AUTHOR)).position for name in names(prefix)]

    async def claim(self, prefix: str) -> list[int]:
        """Claim each of these hosts; returns their positions."""
        return [(await self._theirs.execute(Host, name, claim_one, AUTHOR)).position for name in names(prefix)]


def names(prefix: str) -> list[str]:
    return [f"{prefix}-{number}" for number in MANY]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Servers, Links]]:
    servers, links = Servers(tmp_path_factory.mktemp("cluster"), hosts=()), Links()
    await links.through(servers.cluster)
    servers.start()
    try:
        bus = await connect(servers.log.urls, servers.log.control_seed, name="test", quiet=True)
        await prepare(bus, replicas=REPLICAS)
        await until_whole(servers)
        await let_lead(bus, servers.names[0], *STREAMS)
        await until_read_directly(servers, servers.names[1])
        await disconnect(bus)
        yield servers, links
    finally:
        servers.stop()
        await links.close()


@pytest_asyncio.fixture(loop_scope="module")
async def parted(cluster: tuple[Servers, Links]) -> AsyncIterator[Parted]:
    servers, links = cluster
    leading, name, _ = servers.names
    await until_whole(servers)
    here = await connect(servers.url(name), servers.log.control_seed, name="here")
    there = await connect(servers.url(leading), servers.log.control_seed, name="there")
    yield Parted(links, name, here, there)
    await disconnect(here)
    await disconnect(there)


async def until_read_directly(servers: Servers, name: str) -> None:
    """Until a node answers direct reads from its own copies: it begins some time after it has them."""
    node = next(node for node in servers.cluster.nodes if node.name == name)
    url = f"http://127.0.0.1:{node.monitor_port}/subsz?subs=1&acc=CORE&limit=10000"
    async with httpx.AsyncClient() as http, asyncio.timeout(30):
        while True:
            found = (await http.get(url)).json().get("subscriptions_list", [])
            if {f"$JS.API.DIRECT.GET.{stream}" for stream in STREAMS} <= {each["subject"] for each in found}:
                return
            await asyncio.sleep(0.05)


async def test_it_is_so_that_a_direct_read_shows_what_was(parted: Parted) -> None:
    await parted.create("a")
    with parted.cut_off():
        await parted.claim("a")
        reads = DirectGet(parted.here, STREAM)
        asking = [asyncio.ensure_future(reads.after(f"evt.host.{name}", 0, count=10)) for name in names("a")]
        answered, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert {len(answer.result()) for answer in answered} == {1}
    await asyncio.gather(*asking)


async def test_a_decision_to_do_nothing_is_not_made_on_what_was(parted: Parted) -> None:
    ours = Repository(parted.here, may_append=anybody)
    await parted.create("b")
    await asyncio.gather(*(ours.load(Host, name) for name in names("b")))
    with parted.cut_off():
        await parted.claim("b")
        # On this copy there is no claim to release, and the decision would be to do nothing.
        give_back = [ours.execute(Host, name, lambda it: release(it, ["i"], at=AT), AUTHOR) for name in names("b")]
        early, saved = await parted.answers_early(give_back)
    assert early == 0
    assert all(it.aggregate.claims == {} and it.aggregate.version == 3 for it in saved)


async def test_what_was_made_elsewhere_is_not_unknown(parted: Parted) -> None:
    with parted.cut_off():
        made = await parted.create("c")
        ours = Repository(parted.here)
        early, found = await parted.answers_early([ours.load(Host, name) for name in names("c")])
    assert early == 0
    assert [it.position for it in found] == made


async def test_what_is_asked_for_afresh_is_as_of_now(parted: Parted) -> None:
    await parted.create("g")
    ours = Repository(parted.here)
    with parted.cut_off():
        newest = await parted.claim("g")
        early, found = await parted.answers_early([ours.load(Host, name, fresh=True) for name in names("g")])
    assert early == 0
    assert [it.position for it in found] == newest


async def test_what_somebody_knows_of_is_waited_for(parted: Parted) -> None:
    await parted.create("d")
    ours = Repository(parted.here)
    with parted.cut_off():
        known = await parted.claim("d")
        reading = [
            ours.history(Host, name, at_least=position) for name, position in zip(names("d"), known, strict=True)
        ]
        early, histories = await parted.answers_early(reading)
    assert early == 0
    assert [history[-1].stored.position for history in histories] == known


async def test_a_secret_that_was_kept_is_not_missing(parted: Parted) -> None:
    keys = [f"instance.{name}.user_data" for name in names("e")]
    with parted.cut_off():
        for key in keys:
            await Secrets(parted.there).put(key, b"#cloud-config")
        early, kept = await parted.answers_early([Secrets(parted.here).get(key) for key in keys])
    assert early == 0
    assert kept == [b"#cloud-config"] * len(keys)


async def test_a_saved_position_is_the_newest(parted: Parted) -> None:
    with parted.cut_off():
        for name in names("f"):
            assert await Positions(parted.there).put(name, 12)
        early, positions = await parted.answers_early([Positions(parted.here).get(name) for name in names("f")])
    assert early == 0
    assert positions == [12] * len(names("f"))
