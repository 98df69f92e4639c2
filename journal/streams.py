"""The streams and buckets of a region, and the consumers that hosts and the conductor are bound to (ADR 0002, 0004)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.errors import JournalError, LogUnavailable

SECOND = 1_000_000_000  # JetStream counts in nanoseconds
NOT_NOW = 503  # of an error: as while a cluster has no leader
REPORTS_CONSUMER = "conductor"

STREAMS: Mapping[str, Mapping[str, Any]] = {
    "EVENTS": {
        "subjects": ["evt.>"],
        "storage": "file",
        "retention": "limits",
        "deny_delete": True,
        "deny_purge": True,
        "allow_direct": True,
        "allow_atomic": True,
    },
    # Derived from EVENTS and refilled by heartbeats: memory spares an fsync for each.
    "WORK": {
        "subjects": ["work.>"],
        "storage": "memory",
        "retention": "workqueue",
        "max_msgs_per_subject": 1,
        "discard": "old",
    },
    # Agents report again what the region still waits for, so a report may be lost with the server.
    "REPORTS": {"subjects": ["rpt.>"], "storage": "memory", "retention": "workqueue"},
    "KV_SECRETS": {
        "subjects": ["$KV.SECRETS.>"],
        "storage": "file",
        "max_msgs_per_subject": 1,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "discard": "new",
    },
    "KV_POSITIONS": {
        "subjects": ["$KV.POSITIONS.>"],
        "storage": "file",
        "max_msgs_per_subject": 1,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "discard": "new",
    },
}

IN_MEMORY = frozenset(name for name, settings in STREAMS.items() if settings["storage"] == "memory")
"""The streams that are gone with the servers that keep them."""


async def prepare(client: Bus, *, replicas: int = 1, patience: float = 30.0) -> None:
    """Make the streams that are missing and bring the others up to date.

    Copies are added, never taken away: a service that was told a smaller number must not weaken the log. A cluster that has
    just been started is given `patience` seconds to find together. Past them, what lies in memory is made anew, in fewer copies
    if it must be: nothing is lost that is not brought again. Raises JournalError, LogUnavailable.
    """
    deadline = asyncio.get_running_loop().time() + patience
    await _until_found_together(lambda: call(client, "INFO", seconds=1), deadline)
    for name in sorted(STREAMS, key=IN_MEMORY.__contains__):
        try:
            await _until_found_together(partial(_make_stream, client, name, replicas), deadline)
        except (LogUnavailable, TooFewNodes):
            if name not in IN_MEMORY:
                raise
            await remake(client, name, replicas=replicas)
    await prepare_conductor(client)


async def remake(client: Bus, stream: str, *, replicas: int) -> None:
    """Make a stream that lies in memory anew, and empty: in as many copies as are wanted, or in one when nodes are away.

    When most nodes that kept it were lost, the others never choose a leader for it: those that come back remember nothing, and
    do not know whether they may. Its consumers are gone with it. Raises JournalError, LogUnavailable.
    """
    with contextlib.suppress(StreamMissing):
        await call(client, f"STREAM.DELETE.{stream}", seconds=5)
    try:
        await _make_stream(client, stream, replicas)
    except TooFewNodes:
        await _make_stream(client, stream, 1)


async def add_copies(client: Bus, stream: str, *, replicas: int) -> None:
    """Have a stream kept by as many nodes as are wanted, if so many are there. Raises JournalError, LogUnavailable."""
    with contextlib.suppress(TooFewNodes):
        await call(client, f"STREAM.UPDATE.{stream}", {"name": stream, **STREAMS[stream], "num_replicas": replicas})


async def prepare_conductor(client: Bus) -> None:
    """Make the durable consumer by which conductors take reports."""
    await make_consumer(client, "REPORTS", REPORTS_CONSUMER, {"ack_wait": 30 * SECOND, "max_ack_pending": 1000})


async def _make_stream(client: Bus, name: str, replicas: int) -> None:
    """Raises LogUnavailable also for a stream that is there and has no leader."""
    config = {"name": name, "num_replicas": replicas, **STREAMS[name]}
    try:
        made = await call(client, f"STREAM.CREATE.{name}", config)
    except StreamExists:
        there = (await call(client, f"STREAM.INFO.{name}"))["config"]["num_replicas"]
        copies = max(config["num_replicas"], there)
        made = await call(client, f"STREAM.UPDATE.{name}", {**config, "num_replicas": copies})
    if "cluster" in made and not made["cluster"].get("leader"):
        raise LogUnavailable(f"The stream {name} has no leader.")


async def _until_found_together(attempt: Callable[[], Awaitable[object]], deadline: float) -> None:
    """Try while a cluster has no leader, or knows too few of its nodes, for as long as there is time."""
    while True:
        try:
            await attempt()
        except (LogUnavailable, TooFewNodes):
            if asyncio.get_running_loop().time() > deadline:
                raise
        else:
            return
        await asyncio.sleep(0.1)


async def prepare_host(client: Bus, host: str) -> None:
    """Make the durable consumer that a host's agent pulls its work from: hosts may not make consumers themselves."""
    config = {"filter_subject": f"work.{host}.>", "ack_wait": 30 * SECOND, "max_ack_pending": 10_000}
    await make_consumer(client, "WORK", host_consumer(host), config)


def host_consumer(host: str) -> str:
    """The name of a host's durable consumer on WORK."""
    return f"host-{host}"


async def make_consumer(client: Bus, stream: str, name: str, settings: Mapping[str, Any]) -> None:
    """Make a durable pull consumer, or leave it as it is when it is there."""
    config = {"durable_name": name, "ack_policy": "explicit", "deliver_policy": "all", **settings}
    await call(client, f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": config})


class StreamExists(JournalError):
    """A stream of that name is there with another configuration."""


class TooFewNodes(JournalError):
    """The cluster has not so many nodes as there are to be copies, or some are away."""


class StreamMissing(JournalError):
    """There is no stream of that name."""


REFUSALS: Mapping[int, type[JournalError]] = {
    10005: TooFewNodes,
    10058: StreamExists,
    10059: StreamMissing,
    10148: StreamExists,
}
"""What is raised for some of the server's error codes. 10148: it is a consumer that is there."""


async def call(
    client: Bus, method: str, request: Mapping[str, Any] | None = None, *, seconds: float = 10
) -> dict[str, Any]:
    """One request to the JetStream API. Raises JournalError with the server's words, LogUnavailable."""
    body = b"" if request is None else orjson.dumps(request)
    try:
        answer = await client.request(f"$JS.API.{method}", body, timeout=seconds)
    except (NatsError, TimeoutError) as error:
        raise LogUnavailable(f"The log does not answer {method}: {str(error) or 'timed out'}") from error
    parsed: dict[str, Any] = orjson.loads(answer.data)
    if error_in_answer := parsed.get("error"):
        kind = REFUSALS.get(error_in_answer.get("err_code", 0), JournalError)
        if error_in_answer.get("code") == NOT_NOW:
            kind = LogUnavailable
        raise kind(f"{method}: {error_in_answer.get('description')}")
    return parsed


async def last_position(client: Bus) -> int:
    """The position of the newest event in the log; 0 when it is empty."""
    return int((await call(client, "STREAM.INFO.EVENTS"))["state"]["last_seq"])


async def missing_streams(client: Bus) -> list[str]:
    """The streams of the region that are not there. Raises JournalError, LogUnavailable."""
    there = (await call(client, "STREAM.NAMES")).get("streams") or []
    return [name for name in STREAMS if name not in there]


async def subjects(client: Bus, stream: str, pattern: str) -> list[str]:
    """The subjects of a stream that match a pattern and hold messages, in no order. Raises JournalError, LogUnavailable."""
    found: list[str] = []
    while True:
        info = await call(client, f"STREAM.INFO.{stream}", {"subjects_filter": pattern, "offset": len(found)})
        page = info["state"].get("subjects") or {}
        found += page
        if not page or len(found) >= info.get("total", 0):
            return found
