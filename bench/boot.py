#!/usr/bin/env python3
"""Boots without a hypervisor: what the control plane itself takes, from POST to ACTIVE, as a client sees it.

Starts a region of its own with simulated hosts on free ports, boots and deletes instances at several concurrencies through
the HTTP API, and ends it. "ACTIVE" is when a GET says so. Beside it, from the same run: how many events a second the log
takes when nothing else is done, and so how near the whole comes to that.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.instance.build import BuildFailed, InstanceActivated
from domain.instance.scheduling import SchedulingFailed
from journal.connection import connect
from journal.follower import Follower
from journal.streams import last_position
from services.cli.clouds import ADMIN, USERS, passwords
from services.cli.region import Region

NOVA = "Nova 34 on such a machine, fake driver: POST→ACTIVE 582 to 744 ms, 1.0 to 2.4 boots/s"
HOSTS = 4
APPENDS = 8
"""Synced appends of one boot: quota (shared by those that wait together), its admin password; requested, claim, address, scheduled,
build started, activated."""


@dataclass
class Result:
    """One concurrency."""

    concurrency: int
    boots: int
    boots_per_second: float
    post_ms_p50: float
    post_ms_p99: float
    active_ms_p50: float
    active_ms_p99: float


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all lie at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Client:
    """A user of the region who watches the log to know when to look."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.http = aiohttp.ClientSession(
            base_url=region.api_url, raise_for_status=True, json_serialize=lambda value: orjson.dumps(value).decode()
        )
        self.booted: list[str] = []
        self.active: dict[str, asyncio.Future[int]] = {}

    async def log_in(self) -> None:
        """Get a token, and the ids of what instances are made from."""
        user, project = USERS[ADMIN]
        domain = {"id": "default"}
        identity = {
            "methods": ["password"],
            "password": {
                "user": {"name": user, "domain": domain, "password": passwords(self.region.clouds_yaml)[ADMIN]}
            },
        }
        scope = {"project": {"name": project, "domain": domain}}
        answer = await self.http.post("/identity/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
        self.http.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        project = (await answer.json(loads=orjson.loads))["token"]["project"]["id"]
        unlimited = {"instances": -1, "cores": -1, "ram": -1}
        await self.http.put(f"/v2.1/os-quota-sets/{project}", json={"quota_set": unlimited})
        image = (await self.get("/image/v2/images"))["images"][0]["id"]
        network = (await self.get("/network/v2.0/networks"))["networks"][0]["id"]
        flavors = (await self.get("/v2.1/flavors"))["flavors"]
        flavor = next(flavor["id"] for flavor in flavors if flavor["name"] == "tiny")
        self.server = {"name": "bench", "flavorRef": flavor, "imageRef": image, "networks": [{"uuid": network}]}

    async def get(self, path: str, **headers: str) -> dict[str, Any]:
        """What a GET answers."""
        async with self.http.get(path, headers=headers) as answer:
            return dict(await answer.json(loads=orjson.loads))

    async def watch(self, began: asyncio.Event) -> None:
        """Note when an instance is active, for ever. What happens once it has `began` is not missed."""
        client = await connect(self.region.log.url, self.region.log.control_seed, name="bench")
        after = await last_position(client)
        began.set()
        async for batch in Follower(client, after=after).batches():
            for recorded in batch:
                if isinstance(recorded.event, InstanceActivated):
                    self._arrival(recorded.aggregate_id).set_result(recorded.position)
                elif isinstance(recorded.event, BuildFailed | SchedulingFailed):
                    self._arrival(recorded.aggregate_id).set_exception(RuntimeError(f"{recorded.event}"))

    def _arrival(self, server_id: str) -> asyncio.Future[int]:
        return self.active.setdefault(server_id, asyncio.get_running_loop().create_future())

    async def boot(self) -> tuple[float, float]:
        """Boot one instance; seconds until the POST was answered, and until a GET said ACTIVE."""
        began = time.perf_counter()
        async with self.http.post("/v2.1/servers", json={"server": self.server}) as answer:
            server_id = (await answer.json(loads=orjson.loads))["server"]["id"]
        posted = time.perf_counter() - began
        position = await self._arrival(server_id)
        shown = await self.get(f"/v2.1/servers/{server_id}", **{"X-Min-Position": str(position)})
        if shown["server"]["status"] != "ACTIVE":
            raise RuntimeError(f"{server_id} is not ACTIVE: {shown}")
        self.booted.append(server_id)
        return posted, time.perf_counter() - began

    async def clear(self) -> None:
        """Delete what was booted, and wait until the hosts have nothing left of it."""
        for server_id in self.booted:
            await self.http.delete(f"/v2.1/servers/{server_id}")
        while (await self.get("/v2.1/servers"))["servers"]:  # noqa: ASYNC110 -- another process is waited for
            await asyncio.sleep(0.05)
        self.booted.clear()

    async def run(self, concurrency: int, boots: int) -> Result:
        """Boot `boots` instances, `concurrency` at a time."""
        left = iter(range(boots))
        times: list[tuple[float, float]] = []

        async def user() -> None:
            for _ in left:
                times.append(await self.boot())  # noqa: PERF401 -- the users take turns

        began = time.perf_counter()
        await asyncio.gather(*(user() for _ in range(concurrency)))
        seconds = time.perf_counter() - began
        await self.clear()
        posts, actives = ([1000 * value for value in column] for column in zip(*times, strict=True))
        return Result(
            concurrency=concurrency,
            boots=boots,
            boots_per_second=round(boots / seconds, 1),
            post_ms_p50=round(statistics.median(posts), 2),
            post_ms_p99=round(percentile(posts, 0.99), 2),
            active_ms_p50=round(statistics.median(actives), 2),
            active_ms_p99=round(percentile(actives, 0.99), 2),
        )


async def raw_appends(region: Region, seconds: float) -> float:
    """Appends a second that the log takes from 32 at once, each on a subject of its own, with nothing else going on."""
    client = await connect(region.log.url, region.log.control_seed, name="raw")
    body, count, end = b"x" * 400, 0, time.perf_counter() + seconds

    async def writer(number: int) -> None:
        nonlocal count
        while time.perf_counter() < end:
            await client.request(f"$KV.POSITIONS.bench-{number}", body, timeout=10)
            count += 1

    await asyncio.gather(*(writer(number) for number in range(32)))
    await client.close()
    return count / seconds


async def measure(region: Region, *, quick: bool) -> dict[str, object]:
    """All concurrencies, after a warm-up."""
    client = Client(region)
    await client.log_in()
    began = asyncio.Event()
    watching = asyncio.create_task(client.watch(began))
    await began.wait()
    await client.run(4, 20)
    plan = ((1, 20), (8, 60), (32, 100)) if quick else ((1, 200), (8, 600), (32, 900))
    results = [await client.run(concurrency, boots) for concurrency, boots in plan]
    watching.cancel()
    await asyncio.wait([watching])
    await client.http.close()
    raw = await raw_appends(region, 1.0 if quick else 3.0)
    best = max(result.boots_per_second for result in results)
    return {
        "results": [asdict(result) for result in results],
        "appends_per_boot": APPENDS,
        "raw_appends_per_second": round(raw),
        "share_of_raw_log": round(best * APPENDS / raw, 3),
        "peer": NOVA,
        "cores": os.cpu_count(),
    }


def table(found: dict[str, object]) -> str:
    """For people."""
    lines = ["concurrency  boots  boots/s   POST p50    p99   ACTIVE p50     p99  (ms)"]
    lines += [
        f"{row['concurrency']:>11}  {row['boots']:>5}  {row['boots_per_second']:>7.1f}  {row['post_ms_p50']:>9.1f}  "
        f"{row['post_ms_p99']:>5.1f}  {row['active_ms_p50']:>11.1f}  {row['active_ms_p99']:>6.1f}"
        for row in found["results"]  # type: ignore[attr-defined]
    ]
    lines += [
        (
            f"the log alone, 32 at once: {found['raw_appends_per_second']} appends/s; a boot takes {APPENDS}, "
            f"so the best row is {100 * found['share_of_raw_log']:.0f} % of that"  # type: ignore[operator]
        ),
        f"peer, not run here: {found['peer']}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the boots")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    data = Path(tempfile.mkdtemp(prefix="chronova-bench-"))
    command = [sys.executable, "-m", "services.cli.main"]
    ports = ["--api-port", str(free_port()), "--nats-port", str(free_port())]
    up = ["up", "--data", str(data), *ports, "--hypervisor", "simulated", "--hosts", str(HOSTS)]
    try:
        subprocess.run([*command, *up, "--detach", "--no-first-instance"], check=True, stdout=sys.stderr)
        region = Region.load(data)
        if region is None:
            raise SystemExit("the region did not start")
        found = uvloop.run(measure(region, quick=options.quick))
        print(json.dumps(found, indent=2) if options.json else table(found))
    finally:
        subprocess.run([*command, "down", "--data", str(data)], check=False, stdout=sys.stderr)
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
