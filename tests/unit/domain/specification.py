"""Given these events, when this command, then those events: how tests of the domain read."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import DomainError
from domain.instance.instance import Instance
from domain.instance.observation import Observation, observe
from domain.instance.request import request
from domain.instance.scheduling import scheduled
from domain.instance.state import PowerState

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = "7a2d1f0e-0000-4000-8000-000000000001"

Change = Callable[[Instance], None]


def requested(**changes: Any) -> Instance:
    parts: dict[str, Any] = {
        "project_id": "p",
        "user_id": "u",
        "name": "vm",
        "hostname": "vm",
        "flavor": {"id": "1", "name": "tiny", "vcpus": 1, "ram": 128, "disk": 1},
        "image": {"id": "i", "name": "tiny", "size": 1, "checksum": "c", "disk_format": "raw"},
        **changes,
    }
    return request(ID, at=AT, **parts)


def placed(host: str = "host-1") -> Change:
    return lambda instance: scheduled(instance, host=host, nics=[], explanation={}, at=AT)


def seen(power: PowerState = PowerState.RUNNING, *, exists: bool = True, **more: Any) -> Change:
    """The agent reports on the generation that is wanted."""

    def report(instance: Instance) -> None:
        observe(instance, Observation(instance.id, instance.generation, exists=exists, power=power, **more), at=AT)

    return report


class Specification:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.before = len(instance.pending_events)

    def when(self, change: Change) -> "Specification":
        self.change = change
        return self

    def then(self, *types: type) -> Instance:
        self.change(self.instance)
        happened = [type(event) for event in self.instance.pending_events[self.before :]]
        assert happened == list(types)
        return self.instance

    def then_raises(self, error: type[DomainError], sentence: str) -> None:
        with pytest.raises(error) as raised:
            self.change(self.instance)
        assert str(raised.value) == sentence
        assert len(self.instance.pending_events) == self.before


def given(*changes: Change, **request_changes: Any) -> Specification:
    instance = requested(**request_changes)
    for change in changes:
        change(instance)
    return Specification(instance)
