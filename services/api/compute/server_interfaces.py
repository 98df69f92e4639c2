"""`/servers/{id}/os-interface`: a server's network cards. Source: compute API reference, "Port interfaces"."""

import asyncio
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.errors import AddressesExhausted, DomainError
from domain.instance.interfaces import ATTACHING, attach_interface, detach_interface
from domain.instance.legality import Action
from domain.network.addresses import Wanted, allocate, release_ports
from domain.network.network import Network
from domain.network.nic import nic_of
from projections.tables import instance_actions, ports
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import decide, require_possible
from services.api.compute.create_checks import usable_networks
from services.api.compute.create_schema import TAG
from services.api.compute.microversions import Version, exists
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import BodySchema

PATIENCE = 10.0
"""Seconds that a host is given to plug a card before the answer says that it is still at it."""

_UUID = {"type": "string", "format": "uuid"}


async def list_interfaces(call: Call) -> Response:
    """200; 404."""
    row = await visible(call, call.path["id"])
    return answer({"interfaceAttachments": [_interface(nic, call.version) for nic in row["nics"]]})


async def show_interface(call: Call) -> Response:
    """200; 404 for a card that the server does not have."""
    row = await visible(call, call.path["id"])
    return answer({"interfaceAttachment": _interface(_card(row, call.path["port"]), call.version)})


async def create_interface(call: Call) -> Response:
    """200 when the guest has the card, or the host is still at it; 400, 404, 409 also when the host cannot do it."""
    asked = (_schema(call.version).check(await call.json() or {})).get("interfaceAttachment", {})
    network_id, fixed = asked.get("net_id"), next((ip["ip_address"] for ip in asked.get("fixed_ips", ())), None)
    if asked.get("tag") is not None:
        raise Refusal(400, "Network interface attach with a tag is not supported here: leave out 'tag'.")
    kept = asked.get("port_id")
    if kept is not None and network_id is not None:
        raise Refusal(400, "Must not input both network_id and port_id")
    if fixed is not None and network_id is None:
        raise Refusal(400, "Must input network_id when request IP address")
    row = await visible(call, call.path["id"])
    # Before an address is taken for nothing; it is judged again when the card is recorded.
    await require_possible(call, row, Action.ATTACH_INTERFACE)
    if kept is None:
        wanted = Wanted(call.dependencies.new_id(), row["id"], fixed)
        nic = await _take_address(call, await _network(call, row, network_id), wanted)
    else:
        port = await call.dependencies.reads.query(partial(_port, row["project_id"], kept))
        nic = await _take_address(call, port["network_id"], Wanted(kept, row["id"], kept=True))
    position = await _record(call, row, nic)
    plugged = await _until_plugged(call, row["id"], nic["port_id"])
    return answer({"interfaceAttachment": _interface(plugged, call.version)}, position=position)


async def delete_interface(call: Call) -> Response:
    """202; 404, 409. The card is there until its host has taken it away."""
    row = await visible(call, call.path["id"])
    port, at = call.path["port"], call.dependencies.clock()
    detach = partial(detach_interface, port_id=port, at=at)
    position = await decide(call, row, Action.DETACH_INTERFACE, detach)
    return empty(202, position=position)


async def _network(call: Call, row: RowMapping, network_id: str | None) -> str:
    """The network that was named, when the server's project may use it, or the only one that it may. Raises Refusal."""
    usable = await call.dependencies.reads.query(partial(usable_networks, row["project_id"]))
    if network_id is not None:
        if network_id not in usable:
            raise Refusal(404, f"Network {network_id} could not be found.")
        return network_id
    if not usable:
        raise Refusal(
            400, f"No specific network was requested and none are available for project '{row['project_id']}'."
        )
    if len(usable) > 1:
        raise Refusal(
            400, "More than one possible network found. Specify network ID(s) to select which one(s) to connect to."
        )
    return usable[0]


def _port(project_id: str, port_id: str, connection: Connection) -> RowMapping:
    """A port that was made before. Raises Refusal 404, 409."""
    row = connection.execute(select(ports).where(ports.c.id == port_id, ports.c.kept)).mappings().first()
    if row is None or row["project_id"] != project_id:
        raise Refusal(404, f"Port id {port_id} could not be found.")
    if row["device_id"]:
        raise Refusal(409, f"Port {port_id} is still in use.")
    return row


async def _take_address(call: Call, network_id: str, wanted: Wanted) -> Mapping[str, Any]:
    """A card with an address of its own. Raises Refusal 400, DomainError."""
    at, refused = call.dependencies.clock(), dict[str, DomainError]()

    def decide(network: Network) -> None:
        nonlocal refused
        refused = allocate(network, [wanted], at=at)

    saved = await call.dependencies.commands.execute(Network, network_id, decide, call.author)
    if (why := refused.get(wanted.port_id)) is not None:
        raise Refusal(400, str(why)) if isinstance(why, AddressesExhausted) else why
    return nic_of(saved.aggregate, wanted.port_id)


async def _record(call: Call, row: RowMapping, nic: Mapping[str, Any]) -> int:
    """Ask for the card; the address is given back when that is refused. What a crash leaves, the conductor gives back."""
    at = call.dependencies.clock()
    try:
        return await decide(call, row, Action.ATTACH_INTERFACE, partial(attach_interface, nic=nic, at=at))
    except DomainError:
        give_back = partial(release_ports, port_ids=[nic["port_id"]], at=at)
        await call.dependencies.commands.execute(Network, nic["network_id"], give_back, call.author)
        raise


async def _until_plugged(call: Call, server_id: str, port: str) -> Mapping[str, Any]:
    """The card, once its host has plugged it, or PATIENCE is over. Raises Refusal 409 when the host could not."""
    applied = call.dependencies.applied
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        seen = applied.position
        nics = (await visible(call, server_id))["nics"]
        nic: Mapping[str, Any] | None = next((nic for nic in nics if nic["port_id"] == port), None)
        if nic is None:
            why = await call.dependencies.reads.query(partial(_failure, server_id, call.request_id))
            raise Refusal(409, f"Failed to attach network adapter device to {server_id}: {why}")
        if nic.get("state") != ATTACHING or not await applied.moved(seen, timeout=deadline - loop.time()):
            return nic


def _failure(server_id: str, request_id: str, connection: Connection) -> str | None:
    one = select(instance_actions.c.details).where(
        instance_actions.c.instance_id == server_id, instance_actions.c.request_id == request_id
    )
    return connection.execute(one).scalar()


def _card(row: RowMapping, port: str) -> Mapping[str, Any]:
    for nic in row["nics"]:
        if nic["port_id"] == port:
            found: Mapping[str, Any] = nic
            return found
    raise Refusal(404, f"Instance {row['id']} does not have a port with id {port}")


def _interface(nic: Mapping[str, Any], version: Version) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "net_id": nic["network_id"],
        "port_id": nic["port_id"],
        "mac_addr": nic["mac"],
        "port_state": "BUILD" if nic.get("state") == ATTACHING else "ACTIVE",
        "fixed_ips": [{"subnet_id": nic["subnet_id"], "ip_address": nic["address"]}],
    }
    if exists("interface.tag", version):
        shown["tag"] = None
    return shown


@lru_cache(maxsize=128)
def _schema(version: Version) -> BodySchema:
    fixed = {"type": "object", "properties": {"ip_address": {"type": "string", "format": "ip-address"}}}
    fields: dict[str, Any] = {
        "net_id": _UUID,
        "port_id": _UUID,
        "fixed_ips": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {**fixed, "required": ["ip_address"], "additionalProperties": False},
        },
    }
    if exists("interface.tag may be asked for", version):
        fields["tag"] = TAG
    attachment = {"type": "object", "properties": fields, "additionalProperties": False}
    return BodySchema(
        {"type": "object", "properties": {"interfaceAttachment": attachment}, "additionalProperties": False}
    )
