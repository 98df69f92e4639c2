"""Claims: the ledger of who takes what of a host. The append that records a claim is what makes overcommit impossible.

One event may hold the claims of many instances: under load one append then serves them all.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from domain.host.host import Host, HostEvent
from domain.resources import Resources, lacking


class ClaimsGranted(HostEvent):
    """Capacity was set aside for instances (id → amounts)."""

    TOPIC: ClassVar[str] = "chronova.host.claims-granted.v1"

    claims: dict[str, dict[str, int]]

    def apply(self, aggregate: Host) -> None:
        """It is no longer free."""
        for instance_id, amounts in self.claims.items():
            before = aggregate.claims.get(instance_id, Resources())
            aggregate.claims[instance_id] = Resources(**amounts)
            aggregate.claimed = aggregate.claimed - before + aggregate.claims[instance_id]


class ClaimsReleased(HostEvent):
    """Instances gave their capacity back."""

    TOPIC: ClassVar[str] = "chronova.host.claims-released.v1"

    instance_ids: list[str]

    def apply(self, aggregate: Host) -> None:
        """It is free again."""
        for instance_id in self.instance_ids:
            aggregate.claimed -= aggregate.claims.pop(instance_id)


def claim(host: Host, asks: Mapping[str, Resources], *, at: datetime) -> frozenset[str]:
    """Set capacity aside for instances, in the order given, as far as it is free.

    Returns the instances that were refused because they do not fit. An instance whose very same claim stands is granted
    without an event; one that holds another claim is refused: a claim is changed by what changes the instance.
    """
    granted: dict[str, dict[str, int]] = {}
    refused: set[str] = set()
    free = host.free
    for instance_id, ask in asks.items():
        held = host.claims.get(instance_id)
        if held == ask:
            continue
        if held is not None or lacking(free, ask):
            refused.add(instance_id)
            continue
        granted[instance_id] = ask.document()
        free -= ask
    if granted:
        host.record(ClaimsGranted, claims=granted, at=at)
    return frozenset(refused)


def release(host: Host, instance_ids: Iterable[str], *, at: datetime) -> None:
    """Give the capacity of instances back; nothing for those that hold none."""
    held = [instance_id for instance_id in dict.fromkeys(instance_ids) if instance_id in host.claims]
    if held:
        host.record(ClaimsReleased, instance_ids=held, at=at)
