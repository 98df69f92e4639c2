"""Affinity: where a member of a server group may live, and where it rather lives, as the other members do now.

The only judgement of it there is: the scheduler filters by it and the group's stream refuses by it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class Policy(StrEnum):
    """What members are to one another. Values are Nova's."""

    AFFINITY = "affinity"
    ANTI_AFFINITY = "anti-affinity"
    SOFT_AFFINITY = "soft-affinity"
    SOFT_ANTI_AFFINITY = "soft-anti-affinity"


LIKING: Mapping[str, float] = {Policy.SOFT_AFFINITY: 1.0, Policy.SOFT_ANTI_AFFINITY: -1.0}
"""How much a member likes to live beside each other one."""


@dataclass(frozen=True, slots=True)
class Affinity:
    """The policy of a group as it stands for one member."""

    policy: str
    most: int = 1  # members on one host, of anti-affinity
    others: Mapping[str, int] = field(default_factory=dict)  # host → how many other members live there

    @classmethod
    def among(cls, policy: str, rules: Mapping[str, int], members: Mapping[str, str | None], *, without: str) -> Self:
        """For one member, as the others (instance → host) live."""
        hosts = Counter(host for member, host in members.items() if host is not None and member != without)
        return cls(policy, rules.get("max_server_per_host", 1), hosts)

    def forbids(self, host: str) -> str | None:
        """Why the member may not live on a host; None when it may."""
        if self.policy == Policy.AFFINITY and self.others and host not in self.others:
            return f"its group lives on {', '.join(sorted(self.others))}"
        if self.policy == Policy.ANTI_AFFINITY and self.others.get(host, 0) >= self.most:
            return f"{self.others[host]} of its group live there already"
        return None

    def likes(self, host: str) -> float:
        """How much the member would rather live on a host: more is better."""
        return LIKING.get(self.policy, 0.0) * self.others.get(host, 0)
