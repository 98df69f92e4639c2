"""`chronova status`: what runs, and whether it keeps up."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from journal.connection import connect, disconnect
from journal.copies import copies
from journal.errors import JournalError
from journal.streams import last_position, missing_streams
from projections.read_model import open_engine, position_of, sqlite_url
from projections.tables import hosts, instances
from services.cli.processes import running
from services.cli.region import Region
from services.cli.supervisor import LIBVIRT, LOG_SERVER, ORDER, SUPERVISOR, answers
from services.cli.terminal import fail, say

AWAY: Mapping[str, Any] = {"position": None, "missing_streams": [], "streams": []}
"""What is known of a log that does not answer."""


def status(data: Path, *, as_json: bool) -> int:
    """Print it; the exit code: 0 when everything runs."""
    region = Region.load(data)
    if region is None:
        fail(f"There is no region in {data}. Start one with `chronova up`.")
        return 1
    found = asyncio.run(look(region))
    if as_json:
        say(json.dumps(found, indent=2))
    else:
        _print(region, found)
    return 0 if found["healthy"] else 1


async def look(region: Region) -> dict[str, Any]:
    """What there is to know."""
    without = {LIBVIRT} if region.is_simulated else set()
    if region.embedded_log is None:
        without.add(LOG_SERVER)
    names = [SUPERVISOR, *(name for name in reversed(ORDER) if name not in without)]
    processes = {name: running(region.run / f"{name}.pid") for name in names}
    log = await _log(region) if processes.get(LOG_SERVER, 1) else AWAY
    try:
        read_model = _read_model(region)
    except SQLAlchemyError:
        read_model = {"position": None, "hosts": [], "instances": {}}
    api = await answers(f"{region.api_url}/v1/health")
    return {
        "data": str(region.data),
        "api": {"url": region.api_url, "answers": api},
        "hypervisor": region.accelerator or region.hypervisor,
        "processes": processes,
        "log": {"urls": region.log.urls, **log},
        "read_model": read_model,
        "healthy": api
        and all(processes.values())
        and all(host["up"] for host in read_model["hosts"])
        and log["position"] is not None
        and all(stream["whole"] for stream in log["streams"]),
    }


async def _log(region: Region) -> Mapping[str, Any]:
    """The position of the newest event (None: the log does not answer), missing streams, and where a cluster keeps the others."""
    try:
        client = await connect(region.log.urls, region.log.control_seed, name="status", patience=2, quiet=True)
    except JournalError:
        return AWAY
    try:
        where = await copies(client) if region.log.replicas > 1 else []
        streams = [{**asdict(each), "whole": each.is_whole(region.log.replicas)} for each in where]
        if any(each.stream == "EVENTS" and each.leader is None for each in where):
            return {**AWAY, "streams": streams}
        missing = await missing_streams(client)
        return {"position": await last_position(client), "missing_streams": missing, "streams": streams}
    except JournalError:
        return AWAY
    finally:
        await disconnect(client)


def _read_model(region: Region) -> dict[str, Any]:
    if not region.read_model.exists():
        return {"position": None, "hosts": [], "instances": {}}
    engine = open_engine(sqlite_url(region.read_model))
    try:
        with engine.connect() as connection:
            return {
                "position": position_of(connection),
                "hosts": _hosts(connection),
                "instances": _instances(connection),
            }
    finally:
        engine.dispose()


def _hosts(connection: Connection) -> list[dict[str, Any]]:
    columns = (hosts.c.name, hosts.c.up, hosts.c.enabled, hosts.c.capacity, hosts.c.used)
    return [dict(row) for row in connection.execute(select(*columns).order_by(hosts.c.name)).mappings()]


def _instances(connection: Connection) -> dict[str, int]:
    counted = select(instances.c.vm_state, func.count()).where(~instances.c.deleted).group_by(instances.c.vm_state)
    return dict(connection.execute(counted).tuples().all())


def _print(region: Region, found: dict[str, Any]) -> None:
    say(f"Region in {region.data}")
    say(f"  API        {region.api_url}  {'answers' if found['api']['answers'] else 'does not answer'}")
    for name, pid in found["processes"].items():
        say(f"  process    {name:<14} {f'runs (process {pid})' if pid else 'does not run'}")
    log, model = found["log"]["position"], found["read_model"]["position"]
    behind = "" if log is None or model is None else f", {log - model} behind the log"
    say(f"  log        {'does not answer' if log is None else f'{log} events'}")
    if found["log"]["missing_streams"]:
        say(f"  log        lacks {', '.join(found['log']['missing_streams'])}: the conductor makes them anew")
    for stream in found["log"]["streams"]:
        say(f"  log        {stream['stream']:<14} {_copies(stream)}")
    say(f"  read model {'none' if model is None else f'at {model}{behind}'}")
    for host in found["read_model"]["hosts"]:
        used, capacity = host["used"], host["capacity"]
        state = ("up" if host["up"] else "down") + ("" if host["enabled"] else ", disabled")
        say(
            f"  host       {host['name']:<14} {state}; {used['vcpus']}/{capacity['vcpus']} vcpus, "
            f"{used['memory_mib']}/{capacity['memory_mib']} MiB, {used['disk_gib']}/{capacity['disk_gib']} GiB claimed"
        )
    counts = found["read_model"]["instances"]
    say("  instances  " + (", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"))


def _copies(stream: Mapping[str, Any]) -> str:
    if stream["leader"] is None:
        return "has no leader: it cannot be written"
    others = [f"{name} {'away' if lag is None else f'{lag} behind'}" for name, lag in sorted(stream["lag"].items())]
    return f"led by {stream['leader']}; {', '.join(others) or 'kept by no other'}"
