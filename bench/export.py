#!/usr/bin/env python3
"""The log's tools on a log of 200,000 events: export, import, and finding events in it, beside reading the log and doing nothing.

Makes a region of its own, in a directory of its own, that runs nothing but the log's server, and only while it is used.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.instance.instance import Instance
from domain.instance.observation import Observation, observe
from domain.instance.power import stop
from domain.instance.request import request
from domain.instance.scheduling import scheduled
from domain.instance.state import PowerState
from journal.envelope import Author, Sealed, seal, subject_of
from journal.follower import read
from journal.pipeline import Pipeline
from journal.streams import prepare
from services.cli.log.events import EventsOptions, events
from services.cli.log.exporting import export
from services.cli.log.importing import import_log
from services.cli.log.opened import held, served
from services.cli.log.replay import replay
from services.cli.region import Region

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AUTHOR = Author(actor="user:5a1f5a8e6e0f4c0e9b1a7c1d2e3f4a5b", source="chronova/api", request_id=f"req-{'0' * 36}")
LIFE = 6  # events of each instance
AT_ONCE = 50  # instances whose events come in turn
EXPLANATION = {
    "considered": 1000,
    "filters": {"up": 3, "enabled": 1, "fits": 200},
    "best": [["h-1", 0.91], ["h-2", 0.9]],
}


def life(number: int) -> list[tuple[str, Sealed]]:
    """An instance that is requested, placed, built, and stopped."""
    at = BEGIN + timedelta(seconds=number)
    instance = request(
        str(UUID(int=number + (4 << 76) + (8 << 60))),
        at=at,
        project_id="e329f8cadf98527aa3d7a51146ecab07",
        user_id="35fbd65ef2dd5e1799ac49515109a27d",
        name=f"vm-{number}",
        hostname=f"vm-{number}",
        flavor={"id": "1", "name": "tiny", "vcpus": 1, "ram": 128, "disk": 1, "extra_specs": {}},
        image={"id": str(UUID(int=7)), "name": "tiny", "size": 1 << 20, "checksum": "d6" * 64, "disk_format": "raw"},
        networks=[{"network_id": str(UUID(int=8))}],
        reservation_id="r-3rsn3tkp",
    )
    nic = {"port_id": str(UUID(int=number)), "network_id": str(UUID(int=8)), "mac": "52:54:00:25:8c:a5", "mtu": 1500}
    scheduled(instance, host=f"h-{number % 1000}", nics=[nic], explanation=EXPLANATION, at=at)
    seen: Callable[..., Any] = lambda **parts: observe(  # noqa: E731 -- a short way to say it thrice
        instance, Observation(instance.id, instance.generation, exists=True, **parts), at=at
    )
    seen(settled=False)
    seen(power=PowerState.RUNNING, stages={"define": 0.01, "start": 0.02})
    stop(instance, at=at)
    seen(power=PowerState.SHUTDOWN)
    sealed: list[tuple[str, Sealed]] = []
    for event in instance.pending_events:
        previous = sealed[-1][1].hash if sealed else ""
        sealed.append((subject_of(Instance, instance.id), seal(Instance, event, AUTHOR, previous=previous)))  # type: ignore[arg-type]
    return sealed


def history(count: int) -> Iterator[tuple[str, Sealed]]:
    """So many events, those of some instances in turn."""
    for first in range(0, count // LIFE, AT_ONCE):
        lives = [life(number) for number in range(first, min(first + AT_ONCE, count // LIFE))]
        for turn in range(LIFE):
            yield from (events_of_one[turn] for events_of_one in lives)


async def timed(run: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """The seconds that something takes, and those of them in which our process computes; what it prints is dropped."""
    began, computed = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        await run()
    return time.perf_counter() - began, time.process_time() - computed


async def measure(directory: Path, count: int) -> dict[str, Any]:
    """Everything."""
    region = Region(data=directory / "region", hypervisor="simulated", hosts=("h",))
    region.save()
    made = list(history(count))
    seconds: dict[str, tuple[float, float]] = {}

    async def follow() -> None:
        async for _ in read(bus, until=len(made)):
            pass

    async def append() -> None:
        async with Pipeline.open(bus, after=0) as pipeline:
            for subject, event in made:
                await pipeline.append(subject, event.block, event.body)

    with held(region):
        async with served(region, name="bench", sync_interval="2m") as bus:
            await prepare(bus)
            seconds["append, pipelined, and nothing else"] = await timed(append)
            seconds["read, and nothing else"] = await timed(follow)
    file, one = directory / "export", made[len(made) // 2][0].rpartition(".")[2]
    everything = EventsOptions(
        instance="", project="", related=False, type="", since=None, until=None, follow=False, limit=None, as_json=True
    )
    late = BEGIN + timedelta(seconds=count // LIFE - 60)
    seconds["chronova log export"] = await timed(lambda: export(region.data, file, with_secrets=False, as_json=True))
    seconds["chronova log import"] = await timed(lambda: import_log(directory / "rebuilt", file, as_json=True))
    for what, options in (
        ("chronova events --json", everything),
        ("chronova events --instance ID", replace(everything, instance=one)),
        ("chronova events --since (the last minute)", replace(everything, since=late)),
    ):
        seconds[what] = await timed(lambda options=options: events(region.data, options))  # type: ignore[misc]
    seconds["chronova replay --instance ID"] = await timed(
        lambda: replay(region.data, "instance", one, None, as_json=True)
    )
    return {
        "events": len(made),
        "bytes_of_events": sum(len(event.block) + len(event.body) for _, event in made),
        "bytes_of_export": file.stat().st_size,
        "seconds": {what: [round(part, 3) for part in taken] for what, taken in seconds.items()},
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "cores": os.cpu_count(),
    }


def table(found: dict[str, Any]) -> str:
    """For people."""
    lines = [
        (
            f"{found['events']:,} events of {found['bytes_of_events'] / found['events']:.0f} bytes; the export has "
            f"{found['bytes_of_export']:,} bytes; at most {found['memory_mib']} MiB, the events to write among them"
        )
    ]
    lines += [
        f"{what:<44} {seconds:>7.2f} s, {computed:>6.2f} of them our own {found['events'] / seconds:>12,.0f} events/s of the log"
        for what, (seconds, computed) in found["seconds"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="chronova-bench-"))
    try:
        found = uvloop.run(measure(directory, 20_000 if options.quick else 200_000))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps(found, indent=2) if options.json else table(found))


if __name__ == "__main__":
    main()
