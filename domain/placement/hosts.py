"""What placement knows of a host."""

from dataclasses import dataclass
from typing import Self

from domain.host.host import Host
from domain.resources import Resources


@dataclass(frozen=True, slots=True)
class HostView:
    """One host as the filters and weighers see it."""

    name: str
    up: bool
    enabled: bool
    free: Resources

    @classmethod
    def of(cls, host: Host) -> Self:
        """The view of a folded host."""
        return cls(name=host.id, up=host.up, enabled=host.enabled, free=host.free)
