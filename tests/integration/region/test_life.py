"""The life of an instance through the whole control plane and an agent with a simulated hypervisor."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from domain.instance import deletion, power
from domain.instance.instance import Instance
from domain.instance.request import request
from journal.envelope import Author
from projections.tables import claims, flavors, images, instance_actions, instances, networks, ports
from services.cli.agents import run_agents
from tests.integration.conftest import Running, eventually

AUTHOR = Author(actor="user:test", source="chronova/api", request_id="req-1")


def now() -> datetime:
    return datetime.now(UTC)


async def row(region: Running, instance_id: str) -> dict[str, Any]:
    found = await region.plane.reads.query(
        lambda connection: connection.execute(select(instances).where(instances.c.id == instance_id)).mappings().first()
    )
    return dict(found) if found else {}


async def count(region: Running, table: Any, instance_id: str) -> int:
    return await region.plane.reads.query(
        lambda connection: len(connection.execute(select(table).where(table.c.instance_id == instance_id)).all())
    )


async def begin(region: Running, **changes: Any) -> str:
    def choose(connection: Any) -> tuple[Any, Any, Any]:
        return (
            connection.execute(select(flavors).where(flavors.c.name == "tiny")).mappings().one(),
            connection.execute(select(images)).mappings().one(),
            connection.execute(select(networks)).mappings().one(),
        )

    await eventually(lambda: region.plane.reads.query(lambda c: c.execute(select(networks.c.id)).first()))
    flavor, image, network = await region.plane.reads.query(choose)
    parts: dict[str, Any] = {
        "project_id": "p",
        "user_id": "u",
        "name": "vm",
        "hostname": "vm",
        "flavor": {"id": flavor["id"], "name": "tiny", "vcpus": 1, "ram": 128, "disk": 1},
        "image": {name: image[name] for name in ("id", "name", "size", "checksum", "disk_format")},
        "networks": [{"network_id": network["id"]}],
        **changes,
    }
    instance = request(str(uuid4()), at=now(), **parts)
    await region.plane.repository.create(instance, AUTHOR)
    return str(instance.id)


async def until(region: Running, instance_id: str, **expected: Any) -> dict[str, Any]:
    async def met() -> dict[str, Any]:
        found = await row(region, instance_id)
        return found if found and all(found[name] == value for name, value in expected.items()) else {}

    return dict(await eventually(met))


async def test_an_instance_is_scheduled_built_stopped_started_rebooted_and_deleted(region: Running) -> None:
    for service in (region.plane.scheduler(), region.plane.conductor(), run_agents(region.plane.region)):
        region.run(service)
    instance_id = await begin(region)

    active = await until(region, instance_id, vm_state="active", task_state=None)
    assert active["host"] in {"host-1", "host-2"}
    assert active["nics"][0]["address"].startswith("10.128.")
    assert active["launched_at"]
    assert await count(region, claims, instance_id) == 1
    assert await count(region, ports, instance_id) == 1
    figures = await region.plane.diagnostics(active["host"], instance_id)
    assert (figures["hypervisor"], figures["memory_maximum"], len(figures["cpus"])) == ("simulated", 128, 1)
    assert [nic["mac"] for nic in figures["nics"]] == [active["nics"][0]["mac"]]
    with pytest.raises(TimeoutError, match="not on this host"):
        await region.plane.diagnostics(active["host"], str(uuid4()))

    for decide, state in (
        (lambda it: power.stop(it, at=now()), "stopped"),
        (lambda it: power.start(it, at=now()), "active"),
        (lambda it: power.reboot(it, hard=False, at=now()), "active"),
    ):
        saved = await region.plane.repository.execute(Instance, instance_id, decide, AUTHOR)
        await until(region, instance_id, vm_state=state, task_state=None, generation=saved.aggregate.generation)

    await region.plane.repository.execute(Instance, instance_id, lambda it: deletion.delete(it, at=now()), AUTHOR)
    await until(region, instance_id, vm_state="deleted", deleted=True)

    async def released() -> bool:
        return await count(region, claims, instance_id) == 0 and await count(region, ports, instance_id) == 0

    await eventually(released)
    assert await count(region, instance_actions, instance_id) >= 1


async def test_an_instance_that_fits_nowhere_ends_in_error_and_says_why(region: Running) -> None:
    for service in (region.plane.scheduler(), region.plane.conductor(), run_agents(region.plane.region)):
        region.run(service)
    first = await begin(region)
    await until(region, first, vm_state="active")

    instance_id = await begin(region, flavor={"id": "9", "name": "huge", "vcpus": 100_000, "ram": 128, "disk": 1})

    failed = await until(region, instance_id, vm_state="error")
    assert "fits removed" in failed["fault"]["message"]
    assert await count(region, claims, instance_id) == 0
