"""Claims: the ledger of who takes what of a host. The append that records a claim is what makes overcommit impossible."""

from datetime import datetime
from typing import ClassVar

from domain.errors import DoesNotFit
from domain.host.host import Host, HostEvent
from domain.resources import Resources, lacking


class ClaimGranted(HostEvent):
    """Capacity was set aside for an instance."""

    TOPIC: ClassVar[str] = "chronova.host.claim-granted.v1"

    instance_id: str
    resources: dict[str, int]

    def apply(self, aggregate: Host) -> None:
        """It is no longer free."""
        before = aggregate.claims.get(self.instance_id, Resources())
        aggregate.claims[self.instance_id] = Resources(**self.resources)
        aggregate.claimed = aggregate.claimed - before + aggregate.claims[self.instance_id]


class ClaimReleased(HostEvent):
    """An instance gave its capacity back."""

    TOPIC: ClassVar[str] = "chronova.host.claim-released.v1"

    instance_id: str

    def apply(self, aggregate: Host) -> None:
        """It is free again."""
        aggregate.claimed -= aggregate.claims.pop(self.instance_id)


def claim(host: Host, instance_id: str, ask: Resources, *, at: datetime) -> None:
    """Set capacity aside for an instance; nothing when the very same claim stands already.

    Raises DoesNotFit when it is more than is free.
    """
    if host.claims.get(instance_id) == ask:
        return
    short = lacking(host.free, ask)
    if short:
        raise DoesNotFit(f"Host {host.id} has not enough free {', '.join(short)}.")
    host.record(ClaimGranted, instance_id=instance_id, resources=ask.document(), at=at)


def release(host: Host, instance_id: str, *, at: datetime) -> None:
    """Give an instance's capacity back; nothing when it holds none."""
    if instance_id in host.claims:
        host.record(ClaimReleased, instance_id=instance_id, at=at)
