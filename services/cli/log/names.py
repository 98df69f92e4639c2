"""Names that people use, and the ids that the log knows."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.stored import Stored
from journal.streams import subjects
from projections.read_model import open_engine, sqlite_url
from projections.tables import instances
from services.cli.log.owners import parts_of
from services.cli.log.shown import harmless
from services.cli.region import Region, RegionError

SHOWN = 5  # ids in a sentence


class Actors:
    """The names of users who appear as actors: `user:<id>` is shown as `user:<name>`."""

    def __init__(self, reads: DirectGet) -> None:
        self._reads = reads
        self.names: dict[str, str] = {}  # actor → what is shown for it

    async def learn(self, batch: Iterable[Stored]) -> None:
        """Look up who is not known yet. Raises LogUnavailable."""
        found = {stored.headers.get("ce-actor", "") for stored in batch} - self.names.keys()
        unknown = [actor for actor in found if actor.startswith("user:") and is_token(actor[5:])]
        firsts = await asyncio.gather(*(self._reads.first(f"evt.user.{actor[5:]}") for actor in unknown))
        for actor, first in zip(unknown, firsts, strict=True):
            name = None if first is None else parts_of(first).get("name")
            self.names[actor] = actor if name is None else f"user:{name}"


def is_token(text: str) -> bool:
    """Whether a text can be the last part of a subject: an id."""
    return bool(text) and text.isprintable() and not set(text) & set(" .*>")


def instance_id(region: Region, given: str) -> str:
    """The id of the instance that is meant: an id as it is, a name when exactly one living instance has it. Raises RegionError."""
    try:
        return str(UUID(given))
    except ValueError:
        found = _living(region, given)
    if len(found) == 1:
        return found[0]
    if not found:
        raise RegionError(f"There is no instance named {harmless(given)}. One that was deleted is found by its id.")
    shown = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
    raise RegionError(f"{len(found)} instances are named {harmless(given)}: name one by its id ({shown}).")


def _living(region: Region, name: str) -> list[str]:
    """The ids of the instances of a name, from the read model: the log would have to be read as a whole."""
    if not region.read_model.exists():
        raise RegionError(
            f"{harmless(name)} is no id, and names are known only once the region has run: name it by its id."
        )
    engine = open_engine(sqlite_url(region.read_model))
    try:
        with engine.connect() as connection:
            wanted = select(instances.c.id).where(instances.c.name == name, ~instances.c.deleted)
            return list(connection.execute(wanted.order_by(instances.c.created_position)).scalars())
    except SQLAlchemyError as error:
        raise RegionError(f"The read model cannot be asked for names ({error}): name it by its id.") from error
    finally:
        engine.dispose()


async def project_id(bus: Bus, reads: DirectGet, given: str) -> str:
    """The id of the project that is meant, by id or name, from the log itself. Raises RegionError, LogUnavailable."""
    if is_token(given) and await reads.last(f"evt.project.{given}") is not None:
        return given
    known = await subjects(bus, "EVENTS", "evt.project.*")
    firsts = await asyncio.gather(*(reads.first(subject) for subject in known))
    found = [first.subject.split(".", 2)[2] for first in firsts if first and parts_of(first).get("name") == given]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RegionError(f"There is no project {harmless(given)}.")
    raise RegionError(
        f"{len(found)} projects are named {harmless(given)}: name one by its id ({', '.join(found[:SHOWN])})."
    )
