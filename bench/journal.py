#!/usr/bin/env python3
"""The journal beside what it stands on: appending, loading and following, each next to the raw limit, in one run.

Starts nats-servers of its own on loopback, in a directory of its own, and ends them. Raw is the same traffic without a journal:
publishes, direct reads and pulls of the same sizes on the same server, by the client library (nats-py) as it comes, and on
the bare wire (journal/bus.py with nothing behind it).
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import nats
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.host.host import Host, register
from domain.host.service import disable
from journal.append import Appender
from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.embedded import EmbeddedLog
from journal.envelope import Author, seal, subject_of
from journal.errors import JournalError
from journal.follower import Follower
from journal.repository import Repository
from journal.stored import parse_headers
from journal.streams import last_position, prepare

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AUTHOR = Author(actor="user:5a1f5a8e6e0f4c0e9b1a7c1d2e3f4a5b", source="chronova/api", request_id=f"req-{'0' * 36}")
INVENTORY = {
    "vcpus": 64,
    "memory_mib": 262144,
    "disk_gib": 4096,
    "allocation_ratios": {"vcpus": 4.0, "memory_mib": 1.0, "disk_gib": 1.0},
    "reserved": {"vcpus": 0, "memory_mib": 512, "disk_gib": 0},
}
AT_ONCE = 32
PROBE = "--follower-probe"
WINDOW = 2000  # messages that are under way at once
LARGE = 100  # from here on a number is shown without decimals


@dataclass
class Row:
    """One measurement beside its limit."""

    what: str
    ours: float
    unit: str
    raw: float | None = None
    raw_what: str = ""
    aim: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours, as a share of the limit."""
        return None if not self.raw else round(self.ours / self.raw, 3)


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A nats-server with JetStream and no accounts."""

    def __init__(self, directory: Path, *, sync: str) -> None:
        self.port = free_port()
        directory.mkdir(parents=True)
        self.config = directory / "server.conf"
        self.config.write_text(
            f'host: 127.0.0.1\nport: {self.port}\nmax_pending: 256MB\njetstream {{ store_dir: "{directory}", {sync} }}\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run it."""
        binary = EmbeddedLog(self.config.parent, port=self.port).command()[0]
        self.process = subprocess.Popen([binary, "-c", str(self.config)], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    async def connect(self) -> Bus:
        """A connection, once it answers."""
        deadline = time.monotonic() + 10
        while True:
            bus = Bus()

            async def lost(bus: Bus = bus) -> None:
                bus.lost()

            try:
                await bus.connect(
                    self.url,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.1,  # type: ignore[arg-type]
                    error_cb=ignored,
                    disconnected_cb=lost,
                    pending_size=64 << 20,
                )
            except (OSError, nats.errors.Error):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return bus


async def ignored(_error: Exception) -> None:
    """A server that is killed is no news here."""


@contextmanager
def served(directory: Path, *, sync: str = "sync_interval: 2m") -> Iterator[Server]:
    """A server for a while."""
    server = Server(directory, sync=sync)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(directory, ignore_errors=True)


async def rate(work: Callable[[int], Awaitable[object]], seconds: float, *, at_once: int = AT_ONCE) -> float:
    """How often a second `work` is done by `at_once` workers; each is given its own number."""
    done, end = 0, time.perf_counter() + seconds

    async def worker(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await work(number)
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(worker(number) for number in range(at_once)))
    return done / (time.perf_counter() - began)


def anybody(_topic: str, _source: str) -> bool:
    """The bench appends as nobody in particular."""
    return True


def host(name: str) -> Host:
    """An aggregate whose first event is of a usual size."""
    return register(name, INVENTORY, at=AT)


def sample() -> tuple[bytes, dict[str, str], bytes]:
    """Header block, headers and body of a usual event that is not an aggregate's first."""
    it = host("sample")
    disable(it, reason="a reason of usual length, given by an operator", at=AT)
    sealed = seal(Host, it.pending_events[1], AUTHOR, previous="0" * 64)  # type: ignore[arg-type]
    return sealed.block, parse_headers(sealed.block), sealed.body


async def appending(server: Server, seconds: float) -> list[Row]:
    """Append from 32 at once, an aggregate each."""
    bus = await server.connect()
    await prepare(bus)
    block, headers, body = sample()
    library = await rate(lambda n: bus.request(f"evt.raw.{n}", body, headers=headers, timeout=5), seconds)
    wire = await rate(lambda n: bus.ask(f"evt.wire.{n}", body, block=block, seconds=5), seconds)
    names, repository, appender = count(), Repository(bus, may_append=anybody), Appender(bus, DirectGet(bus, "EVENTS"))
    decided, newest = host("decided").pending_events[0], [(0, "")] * AT_ONCE

    async def record(number: int) -> None:
        position, previous = newest[number]
        sealed = seal(Host, decided, AUTHOR, previous=previous)  # type: ignore[arg-type]
        newest[number] = await appender.append(f"evt.host.own-{number}", [sealed], expected=position), sealed.hash

    journal = await rate(record, seconds)
    fresh = await rate(lambda _: repository.create(host(f"fresh-{next(names)}"), AUTHOR), seconds)
    for number in range(AT_ONCE):
        await repository.create(host(f"cached-{number}"), AUTHOR)

    async def decide(number: int) -> None:
        change = partial(disable, reason=f"because of {next(names)}", at=AT)
        await repository.execute(Host, f"cached-{number}", change, AUTHOR)

    cached = await rate(decide, seconds)
    await bus.close()
    on_wire, by_library = "publishes on the wire", "publishes by nats-py, 32 at once"
    return [
        Row("append: seal, chain, expected position", journal, "events/s", library, by_library, "≥ 0.6"),
        Row("append: seal, chain, expected position", journal, "events/s", wire, on_wire),
        Row("load (cached), decide, append", cached, "commands/s", library, by_library, "≥ 8000"),
        Row("load (cached), decide, append", cached, "commands/s", wire, on_wire),
        Row("make a new aggregate, append", fresh, "events/s", wire, on_wire),
    ]


async def fill(bus: Bus, kinds: int, each: int, *, prefix: str) -> None:
    """Write events of many aggregates, round by round, as fast as the server takes them."""
    histories = {}
    at_once = asyncio.Semaphore(512)

    async def put(subject: str, block: bytes, body: bytes) -> None:
        async with at_once:
            answer = await bus.ask(subject, body, block=block, seconds=30)
            if b'"error"' in answer:
                raise JournalError(answer.decode())

    for number in range(each):
        waiting = []
        for kind in range(kinds):
            name = f"{prefix}-{kind}"
            it = histories.get(kind) or host(name)
            if number:
                disable(it, reason=f"a reason of usual length, number {number}", at=AT)
            (event,) = it.collect_events()
            sealed = seal(Host, event, AUTHOR, previous="0" * 64 if number else "")  # type: ignore[arg-type]
            waiting.append(put(subject_of(Host, name), sealed.block, sealed.body))
            if each > 1:
                histories[kind] = it
            if len(waiting) == WINDOW:
                await asyncio.gather(*waiting)
                waiting = []
        await asyncio.gather(*waiting)


async def loading(server: Server, aggregates: int, loads: int) -> list[Row]:
    """Load one aggregate of ten events among many."""
    bus = await server.connect()
    await prepare(bus)
    await fill(bus, aggregates, 1, prefix="other")
    await fill(bus, 50, 10, prefix="ten")
    ours, raw = [], []
    repository = Repository(bus, may_append=anybody, cache_size=0)
    inbox = bus.new_inbox()
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(_subject: bytes, _reply: bytes, block: bytes, _body: bytes) -> None:
        if block.startswith(b"NATS/1.0 "):
            answered.set_result(None)

    await bus.receive(inbox, receive)
    for number in range(loads):
        name = f"ten-{number % 50}"
        began = time.perf_counter()
        await repository.load(Host, name)
        ours.append(1000 * (time.perf_counter() - began))
        answered = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        question = orjson.dumps({"seq": 1, "batch": 1000, "next_by_subj": f"evt.host.{name}"})
        await bus.send("$JS.API.DIRECT.GET.EVENTS", question, reply=inbox)
        await answered
        raw.append(1000 * (time.perf_counter() - began))
    await bus.close()
    what = f"load 10 events among {aggregates:,} aggregates, p50"
    return [Row(what, statistics.median(ours), "ms", statistics.median(raw), "direct get on the wire", "≤ 1.5")]


async def library_pull(server: Server, events: int) -> float:
    """Messages a second that nats-py fetches when they are not looked at."""
    client = await nats.connect(server.url)
    context = client.jetstream()
    subscription = await context.pull_subscribe(
        "", stream="EVENTS", config=nats.js.api.ConsumerConfig(ack_policy="none")
    )  # type: ignore[arg-type]
    wanted, seen, began = min(events, 200_000), 0, time.perf_counter()
    while seen < wanted:
        seen += len(await subscription.fetch(1000, timeout=5))
    taken = time.perf_counter() - began
    await client.close()
    return seen / taken


async def wire_pull(server: Server, events: int) -> float:
    """Messages a second that arrive when they are only counted: the server, the socket and the parser."""
    bus = await server.connect()
    answer = await bus.request(
        "$JS.API.CONSUMER.CREATE.EVENTS",
        orjson.dumps({"stream_name": "EVENTS", "config": {"ack_policy": "none", "mem_storage": True}}),
    )
    consumer = orjson.loads(answer.data)["name"]
    wanted, seen, done = events, 0, asyncio.Event()

    def receive(_subject: bytes, reply: bytes, _block: bytes, _body: bytes) -> None:
        nonlocal seen
        seen += bool(reply)
        if seen % 500 == 0:
            done.set()

    inbox = bus.new_inbox()
    await bus.receive(inbox, receive)
    question = orjson.dumps({"batch": 1000, "expires": 30_000_000_000})
    asked, began = 0, time.perf_counter()
    while seen < wanted:
        while asked - seen < WINDOW:
            await bus.send(f"$JS.API.CONSUMER.MSG.NEXT.EVENTS.{consumer}", question, reply=inbox)
            asked += 1000
        done.clear()
        async with asyncio.timeout(10):
            await done.wait()
    taken = time.perf_counter() - began
    await bus.close()
    return seen / taken


async def follow(url: str, *, decoded: bool) -> dict[str, float]:
    """Follow the whole log once, in a process of its own, so that its memory can be told."""
    bus = Bus()
    await bus.connect(url)
    last = await last_position(bus)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    follower, seen, began = Follower(bus, after=0, batch=1000), 0, time.perf_counter()
    batches = follower.batches() if decoded else follower.messages()
    async for batch in batches:
        seen += len(batch)
        if seen >= last:
            break
    taken = time.perf_counter() - began
    await bus.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"events": seen, "seconds": taken, "peak_mib": peak / 1024, "before_mib": before / 1024}


def follow_elsewhere(server: Server, *, decoded: bool) -> dict[str, float]:
    """The same, in a child."""
    command = [sys.executable, __file__, PROBE, server.url, "decoded" if decoded else "stored"]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


async def following(server: Server, events: int) -> list[Row]:
    """Follow a log from its beginning until caught up."""
    bus = await server.connect()
    await prepare(bus)
    await fill(bus, events // 20, 20, prefix="f")
    await bus.close()
    wire, library = await wire_pull(server, events), await library_pull(server, events)
    stored = await asyncio.to_thread(follow_elsewhere, server, decoded=False)
    decoded = await asyncio.to_thread(follow_elsewhere, server, decoded=True)
    size = f"{events:,} events"
    counted, fetched = "pulled on the wire, only counted", "fetched by nats-py, not read"
    as_stored, as_events = stored["events"] / stored["seconds"], decoded["events"] / decoded["seconds"]
    return [
        Row(f"follow {size}, as stored", as_stored, "events/s", wire, counted, "≥ 100 k"),
        Row(f"follow {size}, decoded", as_events, "events/s", wire, counted, "≥ 100 k"),
        Row(f"follow {size}, decoded", as_events, "events/s", library, fetched),
        Row("  from start to caught up", decoded["seconds"], "s"),
        Row("  memory of the follower, peak", decoded["peak_mib"], "MiB", aim="< 200"),
    ]


async def surviving(server: Server, kills: int, seconds: float) -> list[Row]:
    """Kill the server under load; whatever was acknowledged must be there, once, and a follower go on."""
    bus, following = await server.connect(), await server.connect()
    await prepare(bus)
    acknowledged: dict[str, int] = {}
    found: dict[str, list[int]] = {}
    unknown, stop, newest, resumed = 0, False, asyncio.Event(), list[float]()

    async def worker(number: int) -> None:
        nonlocal unknown
        repository = Repository(bus, may_append=anybody)
        for turn in count():
            if stop:
                return
            name = f"w{number}-{turn}"
            try:
                acknowledged[name] = (await repository.create(host(name), AUTHOR)).position
            except JournalError:
                unknown += 1
                await asyncio.sleep(0.05)

    async def follower() -> None:
        async for batch in Follower(following, after=0, batch=1000).batches():
            newest.set()
            for recorded in batch:
                found.setdefault(recorded.aggregate_id, []).append(recorded.position)
            if stop and batch[-1].position >= await last_position(following):
                return

    workers = [asyncio.create_task(worker(number)) for number in range(AT_ONCE)]
    reader = asyncio.create_task(follower())
    for _ in range(kills):
        await asyncio.sleep(seconds)
        server.kill()
        server.start()
        await (await server.connect()).close()
        answers = time.perf_counter()
        newest.clear()
        await newest.wait()
        resumed.append(time.perf_counter() - answers)
    await asyncio.sleep(seconds)
    stop = True
    await asyncio.gather(*workers)
    await Repository(bus, may_append=anybody).create(host("the-last"), AUTHOR)
    await reader
    await bus.close()
    await following.close()
    lost = sum(position not in found.get(name, ()) for name, position in acknowledged.items())
    doubled = sum(len(positions) > 1 for positions in found.values())
    return [
        Row(f"killed {kills} times: acknowledged", len(acknowledged), "events"),
        Row("  of these lost", lost, "events", aim="0"),
        Row("  stored, or followed, twice", doubled, "events", aim="0"),
        Row("  refused, or not known, while it was away", unknown, "commands"),
        Row("  follower goes on after the server answers, slowest", max(resumed), "s", aim="< 2"),
    ]


async def measure(directory: Path, *, quick: bool) -> list[Row]:
    """Everything, a server for each part."""
    seconds, rows = (1.0, []) if quick else (4.0, [])

    async def part(name: str, run: Callable[[Server], Awaitable[list[Row]]], **options: str) -> None:
        print(f"{name} …", file=sys.stderr)
        with served(directory / name, **options) as server:
            rows.extend(await run(server))

    await part("appending", lambda server: appending(server, seconds))
    await part("loading", lambda server: loading(server, 20_000 if quick else 200_000, 300 if quick else 2000))
    await part("following", lambda server: following(server, 100_000 if quick else 1_000_000))
    always = "sync_interval: always"
    await part("appending, synced always", lambda server: appending(server, seconds), sync=always)
    for row in rows[-5:]:
        row.what, row.aim = f"{row.what} (synced)", ""
    await part("killed", lambda server: surviving(server, 2 if quick else 6, seconds / 2), sync=always)
    return rows


def table(rows: list[Row]) -> str:
    """For people."""
    lines = [f"{'':<62} {'ours':>12}             {'raw':>10}  ratio  aim"]
    for row in rows:
        ours = f"{row.ours:,.0f}" if row.ours >= LARGE or row.unit in ("events", "commands") else f"{row.ours:.2f}"
        raw = "" if row.raw is None else f"{row.raw:,.0f}" if row.raw >= LARGE else f"{row.raw:.2f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(
            f"{row.what:<62} {ours:>12} {row.unit:<11} {raw:>10}  {ratio:>5}  {row.aim:<8} {row.raw_what}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    if sys.argv[1:2] == [PROBE]:
        print(json.dumps(uvloop.run(follow(sys.argv[2], decoded=sys.argv[3] == "decoded"))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="chronova-bench-"))
    try:
        rows = uvloop.run(measure(directory, quick=options.quick))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        document = {"rows": [{**asdict(row), "ratio": row.ratio} for row in rows], "cores": os.cpu_count()}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
