"""What an instance takes and a host gives, and the one judgement of whether it fits."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

from domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of each resource."""

    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0

    def __post_init__(self) -> None:
        if not (type(self.vcpus) is type(self.memory_mib) is type(self.disk_gib) is int):
            raise Invalid(f"An amount of a resource is a whole number: {self.document()} is not.")

    def __add__(self, other: Self) -> "Resources":
        return Resources(self.vcpus + other.vcpus, self.memory_mib + other.memory_mib, self.disk_gib + other.disk_gib)

    def __sub__(self, other: Self) -> "Resources":
        return Resources(self.vcpus - other.vcpus, self.memory_mib - other.memory_mib, self.disk_gib - other.disk_gib)

    def document(self) -> dict[str, int]:
        """The amounts by name, as events carry them."""
        return {"vcpus": self.vcpus, "memory_mib": self.memory_mib, "disk_gib": self.disk_gib}


RESOURCE_NAMES = tuple(field.name for field in fields(Resources))


def total(amounts: Iterable[Resources]) -> Resources:
    """The sum; zero of everything when there are none."""
    return sum(amounts, start=Resources())


def lacking(free: Resources, ask: Resources) -> tuple[str, ...]:
    """Which resources are too short for the request: empty when it fits.

    The only judgement of fit there is: the scheduler chooses by it and `Host.claim` refuses by it, so that they cannot
    disagree (two functions that judge differently make a request bounce between them for ever).
    """
    return tuple(name for name in RESOURCE_NAMES if 0 < getattr(ask, name) > getattr(free, name))
