"""Placing instances: choose hosts, claim them, take addresses, record the decisions. Each step can be repeated.

Instances that wait at the same time are placed together, so that one append claims for all that go to one host, and one takes
the addresses of all that go on one network.

What races, and what closes it: two schedulers may choose one host, the claim's append lets one win and the other chooses
again; two members of a server group may be placed where their policy does not allow both, the group's append lets one win; a
deletion may come while a host is being chosen, the instance's own append shows it and the claim is given back; a crash after the
claim leaves a claim without a decision, the next run finds that claim and goes on with it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from domain.errors import DomainError
from domain.host.claims import claim, release
from domain.host.host import Host
from domain.instance.instance import Instance
from domain.instance.scheduling import awaits_scheduling, scheduled, scheduling_failed
from domain.network.addresses import Wanted, allocate, release_addresses
from domain.network.network import Network
from domain.network.nic import nic_of, port_id
from domain.placement.choose import Choice, choose
from journal.envelope import Author, Recorded
from journal.errors import AggregateNotFound
from journal.repository import Repository
from services.scheduler.hosts import KnownHosts
from services.scheduler.neighbours import Neighbours, groups_of


@dataclass(slots=True)
class Candidate:
    """One instance on its way to a host."""

    instance: Instance
    author: Author
    choice: Choice | None = None
    host: str | None = None
    refused: set[str] = field(default_factory=set)  # hosts that had less room than they seemed to
    nics: dict[int, dict[str, Any]] = field(default_factory=dict)
    failure: str = ""


class Placement:
    """Places instances, with the log as the last word."""

    def __init__(self, repository: Repository, hosts: KnownHosts, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._hosts = hosts
        self._clock = clock
        self._neighbours = Neighbours(repository, clock)

    async def place(self, requests: Sequence[tuple[Recorded, Author]]) -> None:
        """Decide for instances; nothing for those that wait no longer. Raises LogUnavailable: then try again."""
        began = time.perf_counter()
        loads = (
            self._repository.load(Instance, request.aggregate_id, at_least=request.position) for request, _ in requests
        )
        loaded = await asyncio.gather(*loads)
        waiting = [
            Candidate(saved.aggregate, author)
            for saved, (_, author) in zip(loaded, requests, strict=True)
            if awaits_scheduling(saved.aggregate)
        ]
        await self._claim(waiting)
        await self._take_addresses([candidate for candidate in waiting if candidate.host is not None])
        seconds = round(time.perf_counter() - began, 6)
        await asyncio.gather(*(self._record(candidate, seconds) for candidate in waiting))

    async def _claim(self, candidates: Sequence[Candidate]) -> None:
        """Choose and claim until every candidate has a host, or none is left to try."""
        left = list(candidates)
        while left:
            by_host: dict[str, list[Candidate]] = defaultdict(list)
            views = self._hosts.views()
            known = await self._neighbours.known_of([candidate.instance for candidate in left])
            for candidate in left:
                ask, rules = candidate.instance.resources, known.rules_of(candidate.instance)
                without = frozenset(candidate.refused)
                choice = candidate.choice = choose(views.values(), ask, without=without, rules=rules)
                held = self._hosts.claimed_by(candidate.instance.id)
                name = held if held and held not in candidate.refused else next(iter(choice.ranked), None)
                if name is None:
                    candidate.failure = choice.reason
                else:
                    by_host[name].append(candidate)
                    self._hosts.take(views, name, ask)
                    known.take(candidate.instance, name)
            refused = await asyncio.gather(*(self._claim_on(name, group) for name, group in by_host.items()))
            tried, left = left, [candidate for group in refused for candidate in group]
            left += await self._place_in_groups(tried)

    async def _place_in_groups(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Note in their groups where candidates live; those whose group does not allow it give their claim back."""
        placed = {candidate.instance.id: candidate for candidate in candidates if candidate.host is not None}
        hosts = {instance_id: candidate.host for instance_id, candidate in placed.items()}
        by_group = groups_of([candidate.instance for candidate in placed.values()])
        refused = await asyncio.gather(
            *(
                self._neighbours.place(
                    group, {each: hosts[each] for each in ids}, _author([placed[each] for each in ids])
                )
                for group, ids in by_group.items()
            )
        )
        again = [placed[instance_id] for ids in refused for instance_id in ids]
        await asyncio.gather(*(self._give_back(candidate) for candidate in again))
        for candidate in again:
            candidate.host = None
        return again

    async def _claim_on(self, name: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Claim one host for candidates; those that were refused."""
        asks = {candidate.instance.id: candidate.instance.resources for candidate in candidates}
        refused: frozenset[str] = frozenset()

        def decide(host: Host) -> None:
            nonlocal refused
            refused = claim(host, asks, at=self._clock())

        saved = await self._repository.execute(Host, name, decide, _author(candidates))
        self._hosts.learn(saved.aggregate)
        again = []
        for candidate in candidates:
            if candidate.instance.id in refused:
                candidate.refused.add(name)
                again.append(candidate)
            else:
                candidate.host = name
        return again

    async def _take_addresses(self, candidates: Sequence[Candidate]) -> None:
        by_network: dict[str, list[tuple[Candidate, int]]] = defaultdict(list)
        for candidate in candidates:
            for index, wanted in enumerate(candidate.instance.networks):
                by_network[wanted["network_id"]].append((candidate, index))
        await asyncio.gather(*(self._take_on(network_id, group) for network_id, group in by_network.items()))

    async def _take_on(self, network_id: str, group: Sequence[tuple[Candidate, int]]) -> None:
        """Take addresses on one network."""
        wanted = [_wanted(candidate.instance, index) for candidate, index in group]
        refused: dict[str, DomainError] = {}

        def decide(network: Network) -> None:
            nonlocal refused
            refused = allocate(network, wanted, at=self._clock())

        author = _author([candidate for candidate, _ in group])
        try:
            network = (await self._repository.execute(Network, network_id, decide, author)).aggregate
        except (DomainError, AggregateNotFound) as error:
            for candidate, _ in group:
                candidate.failure = str(error)
            return
        for port, (candidate, index) in zip(wanted, group, strict=True):
            if port.port_id in refused:
                candidate.failure = str(refused[port.port_id])
            else:
                candidate.nics[index] = dict(nic_of(network, port.port_id))

    async def _record(self, candidate: Candidate, seconds: float) -> None:
        """Record the decision; what was taken for an instance that it came too late for is given back."""
        instance, at = candidate.instance, self._clock()
        explanation = {**(candidate.choice.explanation if candidate.choice else {}), "seconds": seconds}
        decide: Callable[[Instance], None]
        if candidate.failure:
            await self._give_back(candidate)
            decide = partial(scheduling_failed, reason=candidate.failure, explanation=explanation, at=at)
        else:
            nics = [candidate.nics[index] for index in range(len(instance.networks))]
            decide = partial(scheduled, host=str(candidate.host), nics=nics, explanation=explanation, at=at)
        saved = await self._repository.execute(Instance, instance.id, decide, candidate.author)
        if not candidate.failure and saved.aggregate.host != candidate.host:
            await self._give_back(candidate)

    async def _give_back(self, candidate: Candidate) -> None:
        ids, at = [candidate.instance.id], self._clock()
        if candidate.host is not None:
            free = partial(release, instance_ids=ids, at=at)
            self._hosts.learn((await self._repository.execute(Host, candidate.host, free, candidate.author)).aggregate)
            for group in groups_of([candidate.instance]):
                await self._neighbours.place(group, {candidate.instance.id: None}, candidate.author)
        for network_id in {wanted["network_id"] for wanted in candidate.instance.networks}:
            try:
                forget = partial(release_addresses, instance_ids=ids, at=at)
                await self._repository.execute(Network, network_id, forget, candidate.author)
            except AggregateNotFound:
                continue  # the network that could not be found is why this is undone


def _wanted(instance: Instance, index: int) -> Wanted:
    """The port for the nth of an instance's networks: the one that was made before and named, else one of its own."""
    asked = instance.networks[index]
    if "port_id" in asked:
        return Wanted(asked["port_id"], instance.id, kept=True)
    return Wanted(port_id(instance.id, index), instance.id, asked.get("fixed_ip"))


def _author(candidates: Sequence[Candidate]) -> Author:
    """Who appends for several: the request is named when there is but one."""
    first = candidates[0].author
    return first if len(candidates) == 1 else Author(first.actor, first.source)
