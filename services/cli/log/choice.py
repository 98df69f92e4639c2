"""Which events are asked for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from journal.direct_get import DirectGet
from journal.envelope import Recorded
from journal.stored import Stored
from services.cli.log.owners import Owners
from services.cli.log.set_aside import SetAside
from services.cli.log.shown import time_of, type_of, word_of

log = logging.getLogger(__name__)

SETTING_ASIDE = ("evt.host.", "evt.network.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: ids, not names; "" and None for what does not matter."""

    instance: str = ""
    project: str = ""
    related: bool = False  # with what hosts and networks set aside for the instances
    type: str = ""  # a pattern of types, whole or short
    since: datetime | None = None
    until: datetime | None = None


class Choice:
    """Picks the events that were asked for out of all. Is shown them in order, a batch at a time."""

    def __init__(self, asked: Asked, reads: DirectGet) -> None:
        self._asked = asked
        self._owners = Owners(reads)
        self._set_aside = SetAside()

    async def learn(self, batch: Sequence[Stored]) -> None:
        """Look up what must be known to choose. May be repeated. Raises LogUnavailable."""
        if self._asked.project:
            await self._owners.learn(batch)

    def of(self, batch: Sequence[Stored]) -> list[Stored]:
        """The events of a batch, which was learned, that were asked for."""
        return [stored for stored in batch if self._is_meant(stored) and self._is_right(stored)]

    def _is_meant(self, stored: Stored) -> bool:
        """Whether it is about what was asked for."""
        asked = self._asked
        if not asked.instance and not asked.project:
            return True
        if asked.instance and stored.subject == f"evt.instance.{asked.instance}":
            return True
        if asked.project and self._owners.project_of(stored) == asked.project:
            return True
        return asked.related and stored.subject.startswith(SETTING_ASIDE) and self._is_related(stored)

    def _is_related(self, stored: Stored) -> bool:
        try:
            event = Recorded.of(stored).event
        except (KeyError, ValueError) as error:
            log.warning("event %d cannot be read, and is not looked for instances in: %r", stored.position, error)
            return False
        meant = self._set_aside.instances_of(event)
        if self._asked.instance:
            return self._asked.instance in meant
        return any(self._owners.project_of_instance(instance) == self._asked.project for instance in meant)

    def _is_right(self, stored: Stored) -> bool:
        """Whether its type and time are as asked for. An event that does not tell its time is of any."""
        asked = self._asked
        if asked.type:
            its = type_of(stored)
            if not fnmatchcase(its, asked.type) and not fnmatchcase(word_of(its), asked.type):
                return False
        if asked.since is None and asked.until is None:
            return True
        time = time_of(stored)
        return time is None or (
            (asked.since is None or time >= asked.since) and (asked.until is None or time <= asked.until)
        )
