"""What an instance takes and a host gives, and the one judgement of whether it fits."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Self

from domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of each resource."""

    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0

    def __post_init__(self) -> None:
        for name, amount in asdict(self).items():
            if not isinstance(amount, int) or isinstance(amount, bool):
                raise Invalid(f"{name} must be a whole number, not {amount!r}")

    def __add__(self, other: Self) -> "Resources":
        return Resources(*(getattr(self, name) + getattr(other, name) for name in RESOURCE_NAMES))

    def __sub__(self, other: Self) -> "Resources":
        return Resources(*(getattr(self, name) - getattr(other, name) for name in RESOURCE_NAMES))

    def document(self) -> dict[str, int]:
        """The amounts by name, as events carry them."""
        return asdict(self)


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
