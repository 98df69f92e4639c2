"""The conductor's service: reports, heartbeats, reactions, repair and upkeep, side by side."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from journal.bus import Bus
from journal.repository import Repository
from journal.secrets import Secrets
from projections.desired import DesiredStates
from projections.read_model import ReadModel
from services.conductor.heartbeats import Heartbeats
from services.conductor.reactions import Reactions
from services.conductor.repair import Repair
from services.conductor.reports import Reports
from services.conductor.upkeep import Upkeep


class Conductor:
    """One conductor."""

    def __init__(
        self,
        client: Bus,
        repository: Repository,
        reads: ReadModel,
        states: DesiredStates,
        clock: Callable[[], datetime],
        *,
        down_after: float = 10.0,
        replicas: int = 1,
    ) -> None:
        self._parts = (
            Reports(client, repository, clock),
            Heartbeats(client, repository, reads, states, clock, down_after=down_after),
            Reactions(client, repository, clock),
            Repair(repository, reads, Secrets(client), clock),
            Upkeep(client, reads, replicas=replicas),
        )

    async def run(self) -> None:
        """Run for ever; a part that fails ends the service, and the supervisor starts it again."""
        async with asyncio.TaskGroup() as group:
            for part in self._parts:
                group.create_task(part.run(), name=type(part).__name__)
