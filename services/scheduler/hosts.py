"""What the scheduler knows of all hosts: kept up to date by the log, and ahead of it by its own claims."""

from dataclasses import replace
from typing import cast

from domain.host.host import Host
from domain.hostaggregate import HostAggregate
from domain.placement.hosts import DEFAULT_ZONE, HostView
from domain.resources import Resources
from journal.envelope import Recorded
from journal.repository import Repository
from projections.fold import Folder


class KnownHosts:
    """The hosts as filters see them, and which instance holds a claim where."""

    def __init__(self, repository: Repository) -> None:
        self._folder = Folder(repository)
        self._views: dict[str, HostView] = {}
        self._versions: dict[str, int] = {}
        self._claims: dict[str, set[str]] = {}  # host → instances
        self._holder: dict[str, str] = {}  # instance → host
        self._aggregates: dict[str, HostAggregate] = {}
        self._zones: dict[str, str] = {}  # host → zone, where it has one of its own

    def views(self) -> dict[str, HostView]:
        """All hosts by name, in a copy that choices can be taken from before they are claimed."""
        return dict(self._views)

    @staticmethod
    def take(views: dict[str, HostView], name: str, ask: Resources) -> None:
        """Let a host have less in such a copy, so that the next choice sees what this one takes."""
        if name in views:
            views[name] = replace(views[name], free=views[name].free - ask)

    def claimed_by(self, instance_id: str) -> str | None:
        """The host on which an instance holds a claim, from a scheduling that was cut short."""
        return self._holder.get(instance_id)

    def claimants(self, instance_id: str) -> frozenset[str]:
        """All hosts on which an instance holds a claim."""
        return frozenset(host for host, held in self._claims.items() if instance_id in held)

    async def follow(self, recorded: Recorded) -> None:
        """Take over what an event of a host, or of an aggregate of hosts, says."""
        aggregate = (await self._folder.advance(recorded)).aggregate
        if isinstance(aggregate, HostAggregate):
            self.learn_aggregate(aggregate)
        else:
            self.learn(cast("Host", aggregate))

    def learn_aggregate(self, aggregate: HostAggregate) -> None:
        """Take over in which zone its hosts are."""
        self._aggregates[aggregate.id] = aggregate
        zones: dict[str, str] = {}
        for each in self._aggregates.values():
            if each.zone is not None and not each.is_deleted:
                for host in each.hosts:
                    zones[host] = min(each.zone, zones.get(host, each.zone))
        self._zones = zones
        for name, view in self._views.items():
            self._views[name] = replace(view, zone=zones.get(name, DEFAULT_ZONE))

    def learn(self, host: Host) -> None:
        """Take over a host as it is now, unless more is known already."""
        if host.version > self._versions.get(host.id, 0):
            self._versions[host.id] = host.version
            self._views[host.id] = HostView.of(host, self._zones.get(host.id, DEFAULT_ZONE))
            before, after = self._claims.get(host.id, set()), set(host.claims)
            self._claims[host.id] = after
            for instance_id in before - after:
                self._holder.pop(instance_id, None)
            for instance_id in after - before:
                self._holder[instance_id] = host.id
