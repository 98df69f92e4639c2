"""`chronova audit verify`: whether the log is whole, and the read model what the log says."""

import sys
import time
from pathlib import Path
from typing import Any

import orjson
import uvloop
from sqlalchemy import Engine

from journal.connection import connect, disconnect
from journal.errors import LogBroken
from projections.audit import Mark, ReadModelDiffers, Verdict, verify
from projections.layout import is_current
from projections.read_model import open_engine, sqlite_url
from services.cli.region import Region, RegionError
from services.cli.terminal import fail, say

EVERY = 2.0  # seconds between two lines of progress


def audit_verify(data: Path, *, as_json: bool, expected: str | None, with_read_model: bool) -> int:
    """Run it; the exit code: 0 when nothing is wrong, 1 for a finding. Raises RegionError, LogUnavailable."""
    region = Region.load(data)
    if region is None:
        raise RegionError(f"There is no region in {data}. Start one with `chronova up`.")
    try:
        mark = None if expected is None else Mark.from_text(expected)
    except ValueError as error:
        raise RegionError(f"{expected!r} cannot be expected: {error}.") from None
    began = time.monotonic()
    try:
        verdict = uvloop.run(_run(region, mark, with_read_model=with_read_model))
    except LogBroken as broken:
        return _found("log", str(broken), broken.position, as_json=as_json)
    except ReadModelDiffers as difference:
        return _found("read model", str(difference), None, as_json=as_json)
    _tell(verdict, time.monotonic() - began, as_json=as_json)
    return 0


async def _run(region: Region, mark: Mark | None, *, with_read_model: bool) -> Verdict:
    bus = await connect(region.log.urls, region.log.control_seed, name="audit", patience=3)
    live: Engine | None = None
    try:
        if with_read_model:
            if not region.read_model.exists():
                raise RegionError("The region has no read model yet: leave it out with --without-read-model.")
            live = open_engine(sqlite_url(region.read_model))
            if not is_current(live):
                raise RegionError(
                    "The read model was made by another version: start the region once, or leave it out with "
                    "--without-read-model."
                )
        return await verify(bus, live, expected=mark, progress=_progress())
    finally:
        await disconnect(bus)
        if live is not None:
            live.dispose()


def _progress() -> Any:
    said = time.monotonic()

    def tell(position: int, last: int) -> None:
        nonlocal said
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            print(f"  {position:,} of {last:,} events checked", file=sys.stderr)

    return tell


def _found(where: str, sentence: str, position: int | None, *, as_json: bool) -> int:
    if as_json:
        finding = {"where": where, "position": position, "finding": sentence}
        say(orjson.dumps({"whole": False, **finding}).decode())
    else:
        fail(f"The {where} is not as it should be: {sentence}")
    return 1


def _tell(verdict: Verdict, seconds: float, *, as_json: bool) -> None:
    mark = None if verdict.mark is None else str(verdict.mark)
    if as_json:
        document = {
            "whole": True,
            "events": verdict.events,
            "aggregates": verdict.aggregates,
            "read_model_compared_at": verdict.compared_at,
            "mark": mark,
            "seconds": round(seconds, 3),
        }
        say(orjson.dumps(document).decode())
        return
    say(
        f"The log is whole: {verdict.events:,} events of {verdict.aggregates:,} aggregates, checked in {seconds:.1f} s."
    )
    if verdict.compared_at is not None:
        say(f"The read model at event {verdict.compared_at:,} is what a replay of the log makes.")
    if mark is not None:
        say("To know later that nothing up to here was changed, note down elsewhere, and give to --expect:")
        say(f"  {mark}")
