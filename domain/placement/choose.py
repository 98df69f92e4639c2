"""The choice: filters, then weighers, then the best host; with an explanation that is stored with the decision."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.placement.filters import FILTERS
from domain.placement.hosts import HostView
from domain.placement.rules import NO_RULES, Rules
from domain.resources import Resources

BESIDE = 1e9  # what it counts to live beside a member of the group: more than all memory of a host


def free_memory(host: HostView, _rules: Rules) -> float:
    """Hosts with more free memory are better, so that instances spread."""
    return float(host.free.memory_mib)


def soft_group_policy(host: HostView, rules: Rules) -> float:
    """What a soft policy of the instance's group would rather have comes before all else."""
    return 0.0 if rules.affinity is None else BESIDE * rules.affinity.likes(host.name)


WEIGHERS: Mapping[str, Callable[[HostView, Rules], float]] = {
    "free_memory": free_memory,
    "soft_group_policy": soft_group_policy,
}
"""Name → score of a host that passed all filters; the sum decides, the host's name breaks ties."""

SHOWN = 5  # the best hosts that an explanation names


@dataclass(frozen=True, slots=True)
class Choice:
    """Hosts in order of preference (none: nothing fits), and how that came about."""

    ranked: tuple[str, ...]
    explanation: dict[str, Any]

    @property
    def reason(self) -> str:
        """One sentence for the user when nothing fits."""
        considered = self.explanation["considered"]
        if not considered:
            return "No valid host was found. There are no compute hosts."
        removed = [
            f"{name} removed {outcome['removed']} (for example {outcome['example']['host']}: {outcome['example']['why']})"
            for name, outcome in self.explanation["filters"].items()
            if outcome["removed"]
        ]
        return f"No valid host was found. Of {considered} hosts considered, {', '.join(removed)}."


def choose(
    hosts: Iterable[HostView], ask: Resources, *, without: frozenset[str] = frozenset(), rules: Rules = NO_RULES
) -> Choice:
    """Rank the hosts that can take the request; those in `without` have refused it already."""
    left = sorted((host for host in hosts if host.name not in without), key=lambda host: host.name)
    considered = len(left)
    filters: dict[str, Any] = {}
    for name, judge in FILTERS.items():
        kept, removed, example = [], 0, None
        for host in left:
            why = judge(host, ask, rules)
            if why is None:
                kept.append(host)
            else:
                removed += 1
                example = example or {"host": host.name, "why": why}
        filters[name] = {"removed": removed, "example": example}
        left = kept
    scored = sorted(
        ((sum(weigh(host, rules) for weigh in WEIGHERS.values()), host) for host in left),
        key=lambda pair: (-pair[0], pair[1].name),
    )
    explanation = {
        "considered": considered,
        "refused_before": sorted(without),
        "ask": ask.document(),
        "filters": filters,
        "best": [
            {
                "host": host.name,
                "score": score,
                "weighers": {name: weigh(host, rules) for name, weigh in WEIGHERS.items()},
            }
            for score, host in scored[:SHOWN]
        ],
    }
    return Choice(ranked=tuple(host.name for _, host in scored), explanation=explanation)
