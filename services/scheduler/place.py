"""Placing one instance: choose a host, claim it, take addresses, record the decision. Each step can be repeated.

What races, and what closes it: two schedulers may choose one host, the claim's append lets one win and the other chooses
again; a deletion may come while a host is being chosen, the instance's own append shows it and the claim is given back; a
crash after the claim leaves a claim without a decision, the next run finds that claim and goes on with it.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from domain.errors import Conflict, DoesNotFit, Invalid
from domain.host.claims import claim, release
from domain.host.host import Host
from domain.instance.instance import Instance
from domain.instance.scheduling import awaits_scheduling, scheduled, scheduling_failed
from domain.network import Network, allocate, nic_of, port_id, release_addresses
from domain.placement.choose import Choice, choose
from journal.envelope import Author
from journal.errors import AggregateNotFound
from journal.repository import Repository
from services.scheduler.hosts import KnownHosts


class Placement:
    """Places instances, with the log as the last word."""

    def __init__(self, repository: Repository, hosts: KnownHosts, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._hosts = hosts
        self._clock = clock

    async def place(self, instance_id: str, author: Author) -> None:
        """Decide for one instance; nothing when it waits no longer. Raises LogUnavailable: then try again."""
        instance = (await self._repository.load(Instance, instance_id)).aggregate
        if not awaits_scheduling(instance):
            return
        began = time.perf_counter()
        host, choice = await self._claim(instance, author)
        if host is None:
            await self._fail(instance, choice.reason, choice.explanation, author)
            return
        try:
            nics = await self._take_addresses(instance, author)
        except (Conflict, Invalid, AggregateNotFound) as error:
            await self._undo(instance, host, author)
            await self._fail(instance, str(error), choice.explanation, author)
            return
        explanation = {**choice.explanation, "seconds": round(time.perf_counter() - began, 6)}
        saved = await self._repository.execute(
            Instance,
            instance_id,
            lambda it: scheduled(it, host=host, nics=nics, explanation=explanation, at=self._clock()),
            author,
        )
        if saved.aggregate.host != host:
            await self._undo(instance, host, author)

    async def _claim(self, instance: Instance, author: Author) -> tuple[str | None, Choice]:
        ask = instance.resources
        refused: set[str] = set()
        while True:
            choice = choose(self._hosts.views(), ask, without=frozenset(refused))
            name = self._hosts.claimed_by(instance.id) or next(iter(choice.ranked), None)
            if name is None:
                return None, choice
            try:
                saved = await self._repository.execute(
                    Host, name, lambda host: claim(host, instance.id, ask, at=self._clock()), author
                )
            except DoesNotFit:
                refused.add(name)
                saved = await self._repository.load(Host, name)
                self._hosts.learn(saved.aggregate)
                continue
            self._hosts.learn(saved.aggregate)
            return name, choice

    async def _take_addresses(self, instance: Instance, author: Author) -> list[dict[str, Any]]:
        nics = []
        for index, wanted in enumerate(instance.networks):
            port, fixed = port_id(instance.id, index), wanted.get("fixed_ip")
            decide = partial(allocate, instance_id=instance.id, port=port, fixed=fixed, at=self._clock())
            network = await self._repository.execute(Network, wanted["network_id"], decide, author)
            nics.append(dict(nic_of(network.aggregate, port)))
        return nics

    async def _fail(self, instance: Instance, reason: str, explanation: dict[str, Any], author: Author) -> None:
        await self._repository.execute(
            Instance,
            instance.id,
            lambda it: scheduling_failed(it, reason=reason, explanation=explanation, at=self._clock()),
            author,
        )

    async def _undo(self, instance: Instance, host: str, author: Author) -> None:
        saved = await self._repository.execute(
            Host, host, lambda it: release(it, instance.id, at=self._clock()), author
        )
        self._hosts.learn(saved.aggregate)
        for network_id in {wanted["network_id"] for wanted in instance.networks}:
            try:
                await self._repository.execute(
                    Network, network_id, lambda net: release_addresses(net, instance.id, at=self._clock()), author
                )
            except AggregateNotFound:
                continue  # the network that could not be found is why this is undone
