"""A region on a cluster: instances are built and deleted while nodes die, nothing is stuck, and nothing is double."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from domain.instance import deletion
from domain.instance.instance import Instance
from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import LogUnavailable
from journal.follower import read
from journal.streams import last_position
from projections.tables import claims, hosts, ports
from services.cli.agents import run_agents
from services.cli.control_plane import ControlPlane, prepare_region
from services.cli.region import Region
from tests.integration.cluster.servers import Servers, leader, until_whole
from tests.integration.conftest import Running, eventually, free_port
from tests.integration.region.test_life import AUTHOR, begin, count, now, row


@pytest.fixture
def settings(tmp_path: Path, servers: Servers) -> Region:
    region = Region(
        data=tmp_path / "region",
        api_port=free_port(),
        hypervisor="simulated",
        hosts=("host-1", "host-2"),
        nats_urls=servers.log.urls,
        nats_keys=str(servers.log.keys.directory),
        replicas=servers.log.replicas,
        session="test",
    )
    region.save()
    return region


@pytest.fixture
async def region(settings: Region) -> AsyncIterator[Running]:
    await prepare_region(settings, None)
    async with ControlPlane.open(settings, "test") as plane:
        running = Running(plane, None)  # type: ignore[arg-type]
        for service in (plane.projector(), plane.scheduler(), plane.conductor(), run_agents(settings)):
            running.run(service)
        try:
            yield running
        finally:
            await running.stop()


async def persistently(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """As a user of the API does that is told to come back later."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await attempt()
            except LogUnavailable:
                await asyncio.sleep(0.2)


async def test_instances_are_built_and_deleted_while_nodes_die(region: Running, servers: Servers) -> None:
    await eventually(lambda: hosts_are_up(region))
    made = [await begin(region) for _ in range(4)]
    leading = await leader(region.plane.client)
    servers.kill(leading)
    made += [await persistently(partial(begin, region)) for _ in range(6)]
    await asyncio.gather(*(until_within(region, each, vm_state="active", task_state=None) for each in made))
    servers.start(leading)
    await until_whole(servers)
    deleted, kept = made[::2], made[1::2]
    servers.kill(await leader(region.plane.client, "REPORTS"))
    delete = partial(deletion.delete, at=now())
    for each in deleted:
        await persistently(partial(region.plane.repository.execute, Instance, each, delete, AUTHOR))
    await asyncio.gather(*(until_within(region, each, deleted=True) for each in deleted))
    for instance_id, times in [*((each, 0) for each in deleted), *((each, 1) for each in kept)]:
        await eventually(partial(holds, region, instance_id, times))
    assert [task for task in region.tasks if task.done()] == []
    await require_nothing_double(region.plane.client, made)


async def hosts_are_up(region: Running) -> bool:
    names = await region.plane.reads.query(lambda c: c.execute(select(hosts.c.name).where(hosts.c.up)).scalars().all())
    return set(names) == {"host-1", "host-2"}


async def holds(region: Running, instance_id: str, times: int) -> bool:
    return await count(region, claims, instance_id) == await count(region, ports, instance_id) == times


async def until_within(region: Running, instance_id: str, **expected: object) -> None:
    async def met() -> bool:
        found = await row(region, instance_id)
        return bool(found) and all(found[name] == value for name, value in expected.items())

    await eventually(met, within=40)


async def require_nothing_double(bus: Bus, instance_ids: list[str]) -> None:
    """Each was requested, placed, built and activated once, whatever was sent twice."""
    last = await last_position(bus)
    events = [Recorded.of(stored) async for page in read(bus, until=last) for stored in page]
    for instance_id in instance_ids:
        told = Counter(event.type for event in events if event.aggregate_id == instance_id)
        assert set(told.values()) == {1}, f"{instance_id}: {told}"
