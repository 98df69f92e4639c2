"""Choosing where an instance goes that has lived before: choose a host, claim it beside the old one, record the decision.

What races is what races in `place`: the claim's append lets one scheduler win, the instance's own append shows whether the host is
still wanted, and a claim that was made before a crash is found again and used.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from domain.host.claims import claim, release
from domain.host.host import Host
from domain.instance.instance import Instance
from domain.instance.move import awaits_destination, destination_chosen, needed, no_destination
from domain.placement.choose import Choice, choose
from domain.resources import Resources
from journal.envelope import Author
from journal.repository import Repository
from services.scheduler.hosts import KnownHosts
from services.scheduler.neighbours import Neighbours


class Destinations:
    """Chooses destinations, with the log as the last word."""

    def __init__(self, repository: Repository, hosts: KnownHosts, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._hosts = hosts
        self._clock = clock
        self._neighbours = Neighbours(repository, clock)

    async def choose(self, instance_id: str, author: Author) -> None:
        """Decide for one instance; nothing when it waits no longer. Raises LogUnavailable: then try again."""
        # What is kept in memory is from before the request, which somebody else has appended.
        instance = (await self._repository.load(Instance, instance_id, fresh=True)).aggregate
        if not awaits_destination(instance):
            return
        host, choice = await self._claim(instance, author)
        decide: Callable[[Instance], None]
        if host is None:
            decide = partial(no_destination, reason=choice.reason, explanation=choice.explanation, at=self._clock())
        else:
            decide = partial(destination_chosen, host=host, explanation=choice.explanation, at=self._clock())
        saved = await self._repository.execute(Instance, instance_id, decide, author)
        if host is not None and host not in saved.aggregate.hosts:
            await self._give_back(host, instance_id, author)

    async def _claim(self, instance: Instance, author: Author) -> tuple[str | None, Choice]:
        """A host whose capacity is claimed; None when there is none that could take it."""
        ask, asked = needed(instance), None if instance.move is None else instance.move.asked
        refused = set(instance.hosts)
        while True:
            rules = (await self._neighbours.known_of([instance])).rules_of(instance)
            # The host that was named when the instance was asked for was meant for then; later ones are named in the move.
            rules = replace(rules, host=asked)
            choice = choose(self._hosts.views().values(), ask, without=frozenset(refused), rules=rules)
            held = self._hosts.claimants(instance.id) - refused
            name = next((host for host in choice.ranked if host in held), next(iter(choice.ranked), None))
            if name is None:
                return None, choice
            if await self._claim_on(name, instance.id, ask, author):
                if await self._neighbours.allow(instance, name, author):
                    return name, choice
                await self._give_back(name, instance.id, author)
            refused.add(name)

    async def _give_back(self, name: str, instance_id: str, author: Author) -> None:
        free = partial(release, instance_ids=[instance_id], at=self._clock())
        self._hosts.learn((await self._repository.execute(Host, name, free, author)).aggregate)

    async def _claim_on(self, name: str, instance_id: str, ask: Resources, author: Author) -> bool:
        refused: frozenset[str] = frozenset()

        def decide(host: Host) -> None:
            nonlocal refused
            refused = claim(host, {instance_id: ask}, at=self._clock())

        self._hosts.learn((await self._repository.execute(Host, name, decide, author)).aggregate)
        return not refused
