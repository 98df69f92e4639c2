"""What a request says of where its instance is to live, beside what it takes of a host."""

from dataclasses import dataclass

from domain.placement.affinity import Affinity


@dataclass(frozen=True, slots=True)
class Rules:
    """All that binds a choice; what is None binds nothing."""

    zone: str | None = None
    host: str | None = None  # the one that an administrator wants
    same_host: frozenset[str] | None = None  # any of these
    different_host: frozenset[str] = frozenset()  # none of these
    affinity: Affinity | None = None


NO_RULES = Rules()
