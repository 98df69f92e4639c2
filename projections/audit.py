"""The audit of a whole region: the log as it is stored, refolded from its first event, and the live read model beside it."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from sqlalchemy import Connection, Engine

from domain.host.claims import ClaimsGranted
from domain.host.host import Host
from domain.identity.project import Project
from domain.instance.instance import Instance
from domain.project.usage import UsageReserved, overrun
from domain.resources import lacking, total
from journal.audit import LogAudit
from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import LogBroken
from journal.follower import read
from journal.repository import Repository
from journal.streams import last_position
from projections.compare import differences
from projections.fold import Folded
from projections.read_model import open_engine, position_of, sqlite_url
from projections.replay import Replay

Progress = Callable[[int, int], None]
"""Is told how many events are checked, of how many."""


class ReadModelDiffers(Exception):
    """The live read model is not what a replay of the log makes; the log itself is whole."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What an auditor noted down earlier: the digest of the log up to a position."""

    position: int
    digest: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `POSITION:DIGEST`. Raises ValueError."""
        match = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text.strip())
        if match is None:
            raise ValueError("a mark is POSITION:DIGEST, as an audit prints it at its end")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit that found nothing has looked at."""

    events: int
    aggregates: int
    mark: Mark | None  # of the whole log, to be noted down; None for an empty one
    compared_at: int | None  # the position at which the read model was compared; None when it was not


async def verify(bus: Bus, live: Engine | None, *, expected: Mark | None, progress: Progress) -> Verdict:
    """Check everything.

    Raises LogBroken for the first event that is wrong, ReadModelDiffers for the first row, LogUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="chronova-audit-") as directory:
        engine = open_engine(sqlite_url(Path(directory) / "replay.sqlite"))
        try:
            if live is None:
                return await _verify(bus, engine, None, expected, progress)
            # One transaction from here on: the read model as it is now, however it moves on meanwhile.
            with live.connect() as connection:
                return await _verify(bus, engine, connection, expected, progress)
        finally:
            engine.dispose()


async def _verify(
    bus: Bus, engine: Engine, live: Connection | None, expected: Mark | None, progress: Progress
) -> Verdict:
    compared_at = None if live is None else position_of(live)
    last = await last_position(bus)
    _require_end(last, compared_at or 0, expected)
    audit, replay = LogAudit(), Replay(engine, Repository(bus, cache_size=0))
    stops = sorted({compared_at or 0, 0 if expected is None else expected.position, last})
    for stop in stops:
        async for batch in read(bus, after=audit.position, until=stop):
            await replay.apply([audit.check(stored) for stored in batch], _check_before, _check_after)
            progress(audit.position, last)
        if expected is not None and stop == expected.position and audit.digest != expected.digest:
            raise LogBroken(stop, f"The log up to event {stop} is another one than that of the mark: {audit.digest}.")
        if live is not None and stop == compared_at:
            await asyncio.to_thread(_require_equal, live, engine)
    mark = Mark(last, audit.digest) if last else None
    return Verdict(last, audit.aggregates, mark, compared_at)


def _require_end(last: int, followed: int, expected: Mark | None) -> None:
    """The log reaches as far as it is known to have reached."""
    if followed > last:
        raise LogBroken(last + 1, f"The log ends at event {last}, and the read model has seen event {followed}.")
    if expected is not None and expected.position > last:
        raise LogBroken(last + 1, f"The log ends at event {last}, before that of the mark, {expected.position}.")


def _require_equal(live: Connection, replayed: Engine) -> None:
    with replayed.connect() as connection:
        for difference in differences(live, connection):
            raise ReadModelDiffers(difference)


def _check_before(folded: Folded | None, recorded: Recorded) -> None:
    """A host's report counts for what is its own: the conductor must not have taken another."""
    who, _, name = recorded.actor.partition(":")
    if who != "host" or folded is None:
        return
    aggregate = folded.aggregate
    owner = aggregate.host if isinstance(aggregate, Instance) else aggregate.id
    if owner != name:
        raise LogBroken(recorded.position, f"{_name(recorded)}: host {name} reported it, and it belongs to {owner}")


def _check_after(folded: Folded, recorded: Recorded) -> None:
    """What was granted was there to be granted."""
    event = recorded.event
    if isinstance(event, ClaimsGranted):
        host = cast("Host", folded.aggregate)
        granted = total(host.claims[instance_id] for instance_id in event.claims)
        if short := lacking(host.free + granted, granted):
            sentence = f"{_name(recorded)}: it claims more {', '.join(short)} than the host had free"
            raise LogBroken(recorded.position, sentence)
    elif isinstance(event, UsageReserved) and (short := overrun(cast("Project", folded.aggregate), event.limits)):
        sentence = f"{_name(recorded)}: it reserves more {', '.join(short)} than the quota allowed"
        raise LogBroken(recorded.position, sentence)


def _name(recorded: Recorded) -> str:
    return f"event {recorded.position} ({recorded.stored.subject}, {recorded.type})"
