"""Network cards of a server: seen, given and taken away, by real agents with a simulated hypervisor."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import select

from domain.instance.desired import GuestSpec
from domain.network.addresses import Wanted, allocate
from domain.network.network import Network, create_network
from projections.tables import hosts, ports
from services.cli.agents import run_agents
from services.cli.clouds import ADMIN
from services.cli.seed import AUTHOR as FIRST_START
from services.compute.hypervisor import HypervisorError
from services.compute.simulated import SimulatedHypervisor
from services.conductor.repair import Repair
from services.scheduler.service import AUTHOR as SCHEDULER
from tests.integration.api.conftest import Api, require_given
from tests.integration.conftest import eventually

NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"


def version(number: str) -> dict[str, str]:
    return {"OpenStack-API-Version": f"compute {number}"}


async def running(api: Api, **fields: Any) -> str:
    """The id of a server that a real agent has built."""
    plane = api.running.plane
    for service in (plane.scheduler(), plane.conductor(), run_agents(plane.region)):
        api.running.run(service)
    up = select(hosts.c.name).where(hosts.c.up)
    await eventually(lambda: plane.reads.query(lambda connection: connection.execute(up).first()))
    server_id = await api.create(**fields)

    async def active() -> bool:
        return bool((await api.get(f"/v2.1/servers/{server_id}"))["server"]["status"] == "ACTIVE")

    await eventually(active)
    return server_id


async def attach(api: Api, server_id: str, **attachment: Any) -> Any:
    body = {"interfaceAttachment": attachment}
    return await api("POST", f"/v2.1/servers/{server_id}/os-interface", json=body)


async def addresses(api: Api, server_id: str) -> list[str]:
    found = (await api.get(f"/v2.1/servers/{server_id}/ips"))["addresses"]
    return sorted(each["addr"] for network in found.values() for each in network)


async def held(api: Api, server_id: str) -> Sequence[str]:
    """The addresses that networks have given to a server's ports."""
    mine = select(ports.c.address).where(ports.c.instance_id == server_id).order_by(ports.c.address)
    return await api.running.plane.reads.query(lambda connection: connection.execute(mine).scalars().all())


def plugged(api: Api, server_id: str) -> set[str]:
    """The hardware addresses of the cards that the guest has on its host."""
    (kept,) = api.settings.data.rglob(f"{server_id}.cards")
    return set(orjson.loads(kept.read_bytes()))


async def another_network(api: Api) -> str:
    network = create_network(
        str(uuid4()),
        project_id="p",
        name="other",
        cidr="10.9.0.0/29",
        subnet_id=str(uuid4()),
        shared=True,
        at=api.clock(),
    )
    saved = await api.running.plane.repository.create(network, FIRST_START)
    assert await api.applied.wait(saved.position)
    return str(network.id)


async def test_a_card_is_given_with_an_address_of_its_own_and_taken_away_again(api: Api) -> None:
    server_id, network_id = await running(api), await api.network_id()
    path = f"/v2.1/servers/{server_id}/os-interface"
    (first,) = (await api.get(path))["interfaceAttachments"]
    assert first["port_state"] == "ACTIVE"
    assert first["net_id"] == network_id

    answer = await attach(api, server_id, net_id=network_id, fixed_ips=[{"ip_address": "10.128.0.77"}])
    assert answer.status_code == 200, answer.text
    given = answer.json()["interfaceAttachment"]
    assert given["port_state"] == "ACTIVE"
    assert given["tag"] is None
    (fixed,) = given["fixed_ips"]
    assert fixed["ip_address"] == "10.128.0.77"
    assert await api.get(f"{path}/{given['port_id']}") == {"interfaceAttachment": given}
    assert "tag" not in (await api.get(f"{path}/{given['port_id']}", headers=version("2.69")))["interfaceAttachment"]
    assert await addresses(api, server_id) == ["10.128.0.2", "10.128.0.77"]
    assert await held(api, server_id) == ["10.128.0.2", "10.128.0.77"]
    assert plugged(api, server_id) == {first["mac_addr"], given["mac_addr"]}

    gone = await api("DELETE", f"{path}/{given['port_id']}")
    assert gone.status_code == 202

    async def is_gone() -> bool:
        return (await api("GET", f"{path}/{given['port_id']}")).status_code == 404

    await eventually(is_gone)
    assert plugged(api, server_id) == {first["mac_addr"]}

    async def is_released() -> bool:
        return await held(api, server_id) == ["10.128.0.2"]

    await eventually(is_released)
    assert await addresses(api, server_id) == ["10.128.0.2"]
    actions = (await api.get(f"/v2.1/servers/{server_id}/os-instance-actions"))["instanceActions"]
    assert [action["action"] for action in actions] == ["detach_interface", "attach_interface", "create"]
    assert {action["message"] for action in actions} == {None}


async def test_without_a_name_the_only_network_is_meant(api: Api) -> None:
    server_id = await running(api)
    answer = await api("POST", f"/v2.1/servers/{server_id}/os-interface")
    assert answer.status_code == 200
    assert answer.json()["interfaceAttachment"]["net_id"] == await api.network_id()
    await another_network(api)
    ambiguous = await attach(api, server_id)
    assert ambiguous.status_code == 400
    assert "More than one possible network found" in ambiguous.json()["badRequest"]["message"]


async def test_a_card_on_another_network_is_released_with_the_server(api: Api) -> None:
    server_id, other = await running(api), await another_network(api)
    assert (await attach(api, server_id, net_id=other)).status_code == 200
    assert await held(api, server_id) == ["10.128.0.2", "10.9.0.2"]
    await api("DELETE", f"/v2.1/servers/{server_id}")

    async def is_released() -> bool:
        return not await held(api, server_id)

    await eventually(is_released)


async def test_a_port_that_was_made_before_is_a_card_for_a_while(api: Api) -> None:
    server_id, network_id = await running(api), await api.network_id()
    made = await api("POST", "/network/v2.0/ports", json={"port": {"network_id": network_id}})
    port = made.json()["port"]
    answer = await attach(api, server_id, port_id=port["id"])
    assert answer.status_code == 200, answer.text
    given = answer.json()["interfaceAttachment"]
    assert (given["port_id"], given["mac_addr"]) == (port["id"], port["mac_address"])
    assert given["fixed_ips"] == port["fixed_ips"]
    assert (await attach(api, server_id, port_id=port["id"])).status_code == 409
    assert (await attach(api, server_id, port_id=NOWHERE)).status_code == 404

    assert (await api("DELETE", f"/v2.1/servers/{server_id}/os-interface/{port['id']}")).status_code == 202

    async def is_its_own_again() -> bool:
        shown = (await api.get(f"/network/v2.0/ports/{port['id']}"))["port"]
        return bool(shown["device_id"] == "" and shown["fixed_ips"] == port["fixed_ips"])

    await eventually(is_its_own_again)


async def test_what_cannot_be_attached_takes_no_address(api: Api) -> None:
    server_id, network_id = await running(api), await api.network_id()
    cases: list[tuple[dict[str, Any], int]] = [
        ({"net_id": NOWHERE}, 404),
        ({"net_id": "x"}, 400),
        ({"net_id": network_id, "fixed_ips": [{"ip_address": "192.0.2.1"}]}, 400),
        ({"net_id": network_id, "fixed_ips": [{"ip_address": "10.128.0.2"}]}, 409),
        ({"net_id": network_id, "fixed_ips": []}, 400),
        ({"net_id": network_id, "port_id": NOWHERE}, 400),
        ({"fixed_ips": [{"ip_address": "10.128.0.9"}]}, 400),
        ({"net_id": network_id, "tag": "front"}, 400),
        ({"colour": "red"}, 400),
    ]
    before = await api.position()
    for attachment, status in cases:
        answer = await attach(api, server_id, **attachment)
        assert answer.status_code == status, (attachment, answer.text)
    assert await api.position() == before
    assert await held(api, server_id) == ["10.128.0.2"]


async def test_a_card_that_the_host_cannot_plug_is_refused_and_its_address_given_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id = await running(api)

    async def no_slot(_self: SimulatedHypervisor, _spec: GuestSpec) -> None:
        raise HypervisorError("The guest has no slot left.")

    monkeypatch.setattr(SimulatedHypervisor, "plug", no_slot)
    answer = await attach(api, server_id, net_id=await api.network_id())
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == (
        f"Failed to attach network adapter device to {server_id}: The guest has no slot left."
    )

    async def is_released() -> bool:
        return await held(api, server_id) == ["10.128.0.2"]

    await eventually(is_released)
    newest, _create = (await api.get(f"/v2.1/servers/{server_id}/os-instance-actions"))["instanceActions"]
    assert (newest["action"], newest["message"]) == ("attach_interface", "Error")


async def test_cards_are_left_alone_while_a_server_is_built(api: Api) -> None:
    server_id = await api.create()
    answer = await attach(api, server_id)
    assert answer.status_code == 409
    assert "Cannot 'attach_interface'" in answer.json()["conflictingRequest"]["message"]
    assert await held(api, server_id) == []


async def test_an_answer_does_not_wait_for_a_silent_host_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.compute.server_interfaces.PATIENCE", 0.3)
    server_id = await api.active()
    answer = await attach(api, server_id)
    assert answer.status_code == 200
    assert answer.json()["interfaceAttachment"]["port_state"] == "BUILD"
    assert await addresses(api, server_id) == ["10.128.0.2"]
    await api.settle(server_id)
    assert await addresses(api, server_id) == ["10.128.0.2", "10.128.0.3"]


async def test_another_projects_cards_are_not_there(api: Api) -> None:
    theirs = await api.create(cloud=ADMIN)
    for ask in (
        partial(api, "GET", f"/v2.1/servers/{theirs}/os-interface"),
        partial(api, "GET", f"/v2.1/servers/{theirs}/os-interface/{NOWHERE}"),
        partial(api, "DELETE", f"/v2.1/servers/{theirs}/os-interface/{NOWHERE}"),
        partial(attach, api, theirs),
    ):
        assert (await ask()).status_code == 404
    mine = await api.active()
    assert (await api("DELETE", f"/v2.1/servers/{mine}/os-interface/{NOWHERE}")).status_code == 404


async def test_an_address_that_was_taken_for_nothing_is_given_back(api: Api) -> None:
    """What a crash between the address and the card leaves behind."""
    server_id, network_id = await api.active(), await api.network_id()
    plane, port, at = api.running.plane, str(uuid4()), api.clock()
    repair = Repair(plane.repository, plane.reads, api.dependencies.secrets, api.clock)
    taken = await plane.repository.execute(
        Network, network_id, lambda it: require_given(allocate(it, [Wanted(port, server_id)], at=at)), SCHEDULER
    )
    assert await api.applied.wait(taken.position)
    await repair.sweep()
    assert await held(api, server_id) == ["10.128.0.2", "10.128.0.3"]  # the card may still be asked for
    api.clock.ahead = timedelta(minutes=2)
    await repair.sweep()
    assert await api.applied.wait(await api.position())
    assert await held(api, server_id) == ["10.128.0.2"]
