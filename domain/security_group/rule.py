"""The rule: which traffic a group allows. What no rule allows is not allowed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule allows: whoever it does not name may be anybody."""

    id: str
    direction: str  # ingress | egress
    ethertype: str  # IPv4 | IPv6
    protocol: str | None = None  # tcp, udp, icmp …, or a number
    port_min: int | None = None  # for ICMP its type
    port_max: int | None = None  # for ICMP its code
    remote_prefix: str | None = None  # CIDR
    remote_group: str | None = None  # a group's id: whoever is in it
    description: str = ""

    @property
    def allows(self) -> tuple[Any, ...]:
        """What makes it differ from other rules."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in ("id", "description"))


def outgoing(rule_ids: Sequence[str]) -> list[Rule]:
    """What every new group allows: all that its ports send."""
    return [Rule(rule_id, "egress", ethertype) for rule_id, ethertype in zip(rule_ids, ("IPv4", "IPv6"), strict=True)]


def default_rules(group_id: str) -> list[Rule]:
    """What the default group allows: all that its ports send, and what they are sent by others of the group."""
    ids = [str(uuid5(UUID(group_id), str(number))) for number in range(4)]
    among = [
        Rule(rule_id, "ingress", ethertype, remote_group=group_id)
        for rule_id, ethertype in zip(ids[2:], ("IPv4", "IPv6"), strict=True)
    ]
    return [*outgoing(ids[:2]), *among]
