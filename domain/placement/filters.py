"""Filters: small functions that say whether a host can take a request. One table holds them, in the order they run."""

from collections.abc import Callable, Mapping

from domain.placement.hosts import HostView
from domain.resources import Resources, lacking


def host_up(host: HostView, _ask: Resources) -> str | None:
    """The host's agent is heard from."""
    return None if host.up else "its agent is not heard from"


def host_enabled(host: HostView, _ask: Resources) -> str | None:
    """An operator lets instances be placed on it."""
    return None if host.enabled else "an operator has disabled it"


def fits(host: HostView, ask: Resources) -> str | None:
    """Its free capacity covers the request: the same judgement that guards the claim."""
    short = lacking(host.free, ask)
    return f"not enough free {', '.join(short)}" if short else None


FILTERS: Mapping[str, Callable[[HostView, Resources], str | None]] = {
    "host_up": host_up,
    "host_enabled": host_enabled,
    "fits": fits,
}
"""Name → function that returns None when the host passes, else why not, in words."""
