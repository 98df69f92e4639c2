"""A replay: the read model as the log alone makes it, in a database of its own, beside the live one."""

from collections.abc import Callable, Iterable

from sqlalchemy import Engine

from journal.envelope import Recorded
from journal.errors import LogBroken
from journal.repository import Repository
from projections.fold import Folded, Folder
from projections.layout import make_tables
from projections.projector import write_rows
from projections.writes import Writes

Check = Callable[[Folded | None, Recorded], None]
"""Looks at an aggregate before an event; None where it is the first. Raises what it finds wrong."""


class Replay:
    """Folds events from the log's beginning on and writes the rows that follow."""

    def __init__(self, engine: Engine, repository: Repository) -> None:
        self._engine = engine
        self._writes = Writes()
        self._folder = Folder(repository, lambda folded, recorded: write_rows(folded, recorded, self._writes))
        make_tables(engine)

    async def apply(self, batch: Iterable[Recorded], before: Check, after: Callable[[Folded, Recorded], None]) -> None:
        """Take in the next events; `before` and `after` are shown each aggregate around its event.

        Raises LogBroken for an event that is not legal after those before it.
        """
        self._writes = Writes()
        for recorded in batch:
            before(await self._folder.before(recorded), recorded)
            try:
                folded = await self._folder.advance(recorded)
            except Exception as error:
                sentence = (
                    f"event {recorded.position} ({recorded.stored.subject}, {recorded.type}) cannot follow: {error!r}"
                )
                raise LogBroken(recorded.position, sentence) from error
            after(folded, recorded)
        with self._engine.begin() as connection:
            self._writes.execute(connection)
