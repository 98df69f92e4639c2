"""`chronova replay`: the state of an aggregate as it was, folded from its events, and what has changed since."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import orjson

from domain.aggregate import Aggregate
from domain.registry import AGGREGATES
from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import LogBroken
from journal.repository import Repository
from journal.streams import last_position
from services.cli.log.moment import written
from services.cli.log.names import instance_id, is_token
from services.cli.log.opened import open_log
from services.cli.log.shown import harmless
from services.cli.log.state import ABSENT, Change, changes, document_of
from services.cli.region import RegionError, existing
from services.cli.terminal import heading, say

Moment = datetime | int
"""A time, or a position."""


@dataclass(frozen=True, slots=True)
class Fold:
    """An aggregate as it was right after an event."""

    aggregate: Aggregate
    newest: Recorded

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "position": self.newest.position,
            "time": written(self.newest.time),
            "event": self.newest.type,
            "state": document_of(self.aggregate),
        }


async def replay(data: Path, kind: str, given: str, at: Moment | None, *, as_json: bool) -> None:
    """Print it. Raises RegionError, JournalError."""
    region = existing(data)
    async with open_log(region, name="replay") as bus:
        aggregate_id = instance_id(region, given) if kind == "instance" else given
        history = await history_of(bus, kind, aggregate_id)
        if isinstance(at, int) and at > (last := await last_position(bus)):
            raise RegionError(f"The log ends at position {last}: there is no position {at} yet.")
    now = fold(history)
    then = now if at is None else fold(until(history, at, f"{kind} {harmless(aggregate_id)}"))
    differences = list(changes(document_of(then.aggregate), document_of(now.aggregate)))
    if as_json:
        document = {"kind": kind, "id": aggregate_id, "then": then.document(), "now": now.document()}
        say(orjson.dumps({**document, "changes": [_as_json(change) for change in differences]}).decode())
    else:
        _print(kind, aggregate_id, then, now, differences)


async def history_of(bus: Bus, kind: str, aggregate_id: str) -> list[Recorded]:
    """All events of an aggregate. Raises RegionError when there are none, LogBroken for one that cannot be read."""
    history: list[Recorded] = []
    if is_token(aggregate_id):
        try:
            history = await Repository(bus).history(AGGREGATES[kind], aggregate_id)
        except (KeyError, ValueError) as error:
            raise LogBroken(
                0, f"An event of {kind} {aggregate_id} cannot be read by this version: {error!r}."
            ) from error
    if not history:
        raise RegionError(f"There is no {kind} {harmless(aggregate_id)} in the log.")
    return history


def until(history: list[Recorded], at: Moment, what: str) -> list[Recorded]:
    """The events before the first that is younger than a moment. Raises RegionError when there are none."""

    def is_in_time(recorded: Recorded) -> bool:
        return recorded.position <= at if isinstance(at, int) else recorded.time <= at

    kept = list(takewhile(is_in_time, history))
    if not kept:
        first = history[0]
        moment = f"position {at}" if isinstance(at, int) else written(at)
        raise RegionError(
            f"There was no {what} yet at {moment}: it begins at {written(first.time)}, position {first.position}."
        )
    return kept


def fold(history: list[Recorded]) -> Fold:
    """The aggregate after a history."""
    aggregate: Aggregate | None = None
    for recorded in history:
        aggregate = recorded.event.mutate(aggregate)
    if aggregate is None:
        raise TypeError("a history left no aggregate")
    return Fold(aggregate, history[-1])


def _as_json(change: Change) -> dict[str, Any]:
    sides = {"then": change.then, "now": change.now}
    return {"field": change.field, **{side: value for side, value in sides.items() if value is not ABSENT}}


def _print(kind: str, aggregate_id: str, then: Fold, now: Fold, differences: list[Change]) -> None:
    heading(f"{kind} {harmless(aggregate_id)} after {_place(then)}")
    for name, value in document_of(then.aggregate).items():
        say(f"  {name:<18}  {_shown(value)}")
    if then.newest.position == now.newest.position:
        return
    heading(f"What has changed since then, up to {_place(now)}")
    for change in differences:
        say(f"  {harmless(change.field):<18}  {_shown(change.then)} → {_shown(change.now)}")


def _place(folded: Fold) -> str:
    newest = folded.newest
    return f"{newest.type}, position {newest.position}, {written(newest.time)}"


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "(none)"
    return harmless(value if isinstance(value, str) else orjson.dumps(value).decode())
