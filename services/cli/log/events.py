"""`chronova events`: prints what the log says, as it is written."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from journal.bus import Bus
from journal.connection import disconnect
from journal.direct_get import DirectGet
from journal.errors import LogUnavailable
from journal.follower import Follower, read
from journal.stored import Stored
from journal.streams import last_position
from services.cli.log.choice import Asked, Choice
from services.cli.log.names import Actors, instance_id, project_id
from services.cli.log.opened import open_log, running_log
from services.cli.log.progress import Progress
from services.cli.log.search import first_since, last_until
from services.cli.log.shown import cloud_event, line
from services.cli.region import Region, RegionError, existing

AGAIN = 0.2  # seconds until a log that is away is asked again


@dataclass(frozen=True, slots=True)
class EventsOptions:
    """What the command line asks for; "" and None: not asked for."""

    instance: str
    project: str
    related: bool
    type: str
    since: datetime | None
    until: datetime | None
    follow: bool
    limit: int | None
    as_json: bool


async def events(data: Path, options: EventsOptions) -> None:
    """Print events until there are no more, or for ever with `follow`. Raises RegionError, JournalError."""
    region = existing(data)
    async with AsyncExitStack() as stack:
        if options.follow:
            bus = await running_log(region, name="events")
            if bus is None:
                raise RegionError(f"The region in {data} does not run: only one that runs can be followed.")
            stack.push_async_callback(disconnect, bus)
        else:
            bus = await stack.enter_async_context(open_log(region, name="events"))
        await Events(region, bus, options).run()


class Events:
    """One run of the command."""

    def __init__(self, region: Region, bus: Bus, options: EventsOptions) -> None:
        self._region = region
        self._bus = bus
        self._options = options
        self._reads = DirectGet(bus, "EVENTS")
        self._actors = Actors(self._reads)
        self._left = options.limit

    async def run(self) -> None:
        """Print them."""
        options = self._options
        last = await last_position(self._bus)
        asked = Asked(type=options.type, since=options.since, until=options.until, related=options.related)
        if options.instance:
            asked = replace(asked, instance=instance_id(self._region, options.instance))
        if options.project:
            asked = replace(asked, project=await project_id(self._bus, self._reads, options.project))
        choice = Choice(asked, self._reads)
        if asked.instance and not asked.related:
            await self._print_all(self._history(asked.instance, last), choice)
        else:
            await self._scan(asked, choice, last)
        if options.follow:
            await self._print_all(Follower(self._bus, after=last).messages(), choice)

    async def _history(self, instance: str, last: int) -> AsyncIterator[list[Stored]]:
        """The events of one instance, without reading those of others. Raises RegionError when there are none."""
        found = False
        async for page in self._reads.pages(f"evt.instance.{instance}"):
            found = True
            yield [stored for stored in page if stored.position <= last]
        if not found:
            raise RegionError(f"There is no instance {instance} in the log.")

    async def _scan(self, asked: Asked, choice: Choice, last: int) -> None:
        """The events of everything, from where the first that is asked for can be."""
        first, until = 1, last
        if asked.instance:
            begun = await self._reads.first(f"evt.instance.{asked.instance}")
            if begun is None:
                raise RegionError(f"There is no instance {asked.instance} in the log.")
            first = begun.position
        elif asked.since is not None and not asked.related:  # who holds an address is told once, at any time before
            first = await first_since(self._reads, asked.since, last=last)
        if asked.until is not None:
            until = await last_until(self._reads, asked.until, last=last)
        with Progress("read", until - first + 1) as progress:
            await self._print_all(read(self._bus, after=first - 1, until=until), choice, progress, first)

    async def _print_all(
        self,
        batches: AsyncIterator[list[Stored]],
        choice: Choice,
        progress: Progress | None = None,
        first: int = 1,
    ) -> None:
        async with aclosing(batches) as source:  # type: ignore[type-var]
            async for batch in source:
                if self._left == 0:
                    return
                await self.patiently(lambda batch=batch: choice.learn(batch))  # type: ignore[misc]
                chosen = choice.of(batch)[: self._left]
                if chosen:
                    if progress is not None:
                        progress.clear()
                    await self._print(chosen)
                if progress is not None:
                    progress.at(batch[-1].position - first + 1)

    async def _print(self, chosen: list[Stored]) -> None:
        if self._options.as_json:
            click.echo(b"".join(cloud_event(stored) + b"\n" for stored in chosen), nl=False)
        else:
            await self.patiently(lambda: self._actors.learn(chosen))
            click.echo("".join(line(stored, self._actors.names) + "\n" for stored in chosen), nl=False)
        sys.stdout.flush()
        if self._left is not None:
            self._left -= len(chosen)

    async def patiently(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask the log until it answers: following it survives a restart of its server, and so does this."""
        while True:
            try:
                return await ask()
            except LogUnavailable:
                if self._bus.is_closed:
                    raise
                await asyncio.sleep(AGAIN)
