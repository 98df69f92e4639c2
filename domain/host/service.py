"""Service state: whether the host's agent is heard from, and whether an operator lets instances be placed on it."""

from datetime import datetime
from typing import ClassVar

from domain.host.host import Host, HostEvent


class HostWentDown(HostEvent):
    """The agent has not been heard from for too long. Its guests may well run on."""

    TOPIC: ClassVar[str] = "chronova.host.went-down.v1"

    def apply(self, aggregate: Host) -> None:
        """Nothing is placed on it."""
        aggregate.up, aggregate.state_changed_at = False, self.timestamp


class HostCameUp(HostEvent):
    """The agent is heard from again."""

    TOPIC: ClassVar[str] = "chronova.host.came-up.v1"

    def apply(self, aggregate: Host) -> None:
        """It may be used."""
        aggregate.up, aggregate.state_changed_at = True, self.timestamp


class HostDisabled(HostEvent):
    """An operator wants no new instances on it."""

    TOPIC: ClassVar[str] = "chronova.host.disabled.v1"

    reason: str | None

    def apply(self, aggregate: Host) -> None:
        """Nothing new is placed on it."""
        aggregate.enabled, aggregate.disabled_reason = False, self.reason


class HostEnabled(HostEvent):
    """An operator lets it be used again."""

    TOPIC: ClassVar[str] = "chronova.host.enabled.v1"

    def apply(self, aggregate: Host) -> None:
        """It may be used."""
        aggregate.enabled, aggregate.disabled_reason = True, None


class HostForcedDown(HostEvent):
    """An operator says that the host is dead, whatever is heard of it."""

    TOPIC: ClassVar[str] = "chronova.host.forced-down.v1"

    def apply(self, aggregate: Host) -> None:
        """Nothing is placed on it."""
        aggregate.forced_down, aggregate.state_changed_at = True, self.timestamp


class HostForceLifted(HostEvent):
    """An operator lets it count again whether the host is heard from."""

    TOPIC: ClassVar[str] = "chronova.host.force-lifted.v1"

    def apply(self, aggregate: Host) -> None:
        """It may be used when it is."""
        aggregate.forced_down, aggregate.state_changed_at = False, self.timestamp


def force_down(host: Host, *, forced: bool, at: datetime) -> None:
    """Say that the host is dead, or no longer; nothing when that is said. Source: compute API reference, "Update Forced Down"."""
    if forced != host.forced_down:
        host.record(HostForcedDown if forced else HostForceLifted, at=at)


def went_down(host: Host, *, at: datetime) -> None:
    """Record that the agent is silent; nothing when that is known."""
    if host.up:
        host.record(HostWentDown, at=at)


def came_up(host: Host, *, at: datetime) -> None:
    """Record that the agent is heard from; nothing when that is known."""
    if not host.up:
        host.record(HostCameUp, at=at)


def disable(host: Host, *, reason: str | None, at: datetime) -> None:
    """Take the host out of placement. Source: compute API reference, "Update Compute Service"."""
    if host.enabled or host.disabled_reason != reason:
        host.record(HostDisabled, reason=reason, at=at)


def enable(host: Host, *, at: datetime) -> None:
    """Put the host back into placement."""
    if not host.enabled:
        host.record(HostEnabled, at=at)
