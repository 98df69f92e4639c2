"""What placement knows of a host."""

from dataclasses import dataclass
from typing import Self

from domain.host.host import Host
from domain.resources import Resources

DEFAULT_ZONE = "nova"
"""The zone of a host that no operator has put into another."""


@dataclass(frozen=True, slots=True)
class HostView:
    """One host as the filters and weighers see it."""

    name: str
    up: bool
    enabled: bool
    free: Resources
    zone: str = DEFAULT_ZONE

    @classmethod
    def of(cls, host: Host, zone: str = DEFAULT_ZONE) -> Self:
        """The view of a folded host."""
        up = host.up and not host.forced_down
        return cls(name=host.id, up=up, enabled=host.enabled, free=host.free, zone=zone)
