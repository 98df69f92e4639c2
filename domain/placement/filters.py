"""Filters: small functions that say whether a host can take a request. One table holds them, in the order they run."""

from collections.abc import Callable, Mapping

from domain.placement.hosts import HostView
from domain.placement.rules import Rules
from domain.resources import Resources, lacking


def host_up(host: HostView, _ask: Resources, _rules: Rules) -> str | None:
    """The host's agent is heard from."""
    return None if host.up else "its agent is not heard from"


def host_enabled(host: HostView, _ask: Resources, _rules: Rules) -> str | None:
    """An operator lets instances be placed on it."""
    return None if host.enabled else "an operator has disabled it"


def in_zone(host: HostView, _ask: Resources, rules: Rules) -> str | None:
    """It lies in the availability zone that was asked for."""
    return None if rules.zone in (None, host.zone) else f"it is in zone {host.zone}"


def wanted_host(host: HostView, _ask: Resources, rules: Rules) -> str | None:
    """It is the one that an administrator wants."""
    return None if rules.host in (None, host.name) else f"{rules.host} is wanted"


def same_host(host: HostView, _ask: Resources, rules: Rules) -> str | None:
    """It is one on which instances that were named live."""
    return None if rules.same_host is None or host.name in rules.same_host else "none of the instances named live there"


def different_host(host: HostView, _ask: Resources, rules: Rules) -> str | None:
    """It is none on which instances that were named live."""
    return "an instance that was named lives there" if host.name in rules.different_host else None


def group_policy(host: HostView, _ask: Resources, rules: Rules) -> str | None:
    """The policy of the instance's group allows it: the same judgement that guards the group."""
    return None if rules.affinity is None else rules.affinity.forbids(host.name)


def fits(host: HostView, ask: Resources, _rules: Rules) -> str | None:
    """Its free capacity covers the request: the same judgement that guards the claim."""
    short = lacking(host.free, ask)
    return f"not enough free {', '.join(short)}" if short else None


FILTERS: Mapping[str, Callable[[HostView, Resources, Rules], str | None]] = {
    "host_up": host_up,
    "host_enabled": host_enabled,
    "in_zone": in_zone,
    "wanted_host": wanted_host,
    "same_host": same_host,
    "different_host": different_host,
    "group_policy": group_policy,
    "fits": fits,
}
"""Name → function that returns None when the host passes, else why not, in words."""
