"""Tags: short words that instances are found by."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid, NotFound
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal

TAG_LIMIT = 50
"""How many tags an instance may have."""


class TagsChanged(InstanceEvent):
    """The instance has other tags from now on; sorted, each once."""

    TOPIC: ClassVar[str] = "chronova.instance.tags-changed.v1"

    tags: list[str]

    def apply(self, aggregate: Instance) -> None:
        """They replace those that were there."""
        aggregate.tags = self.tags


def replace_tags(instance: Instance, tags: Iterable[str], *, at: datetime) -> None:
    """Give it exactly these tags; nothing when it has them. Raises Invalid for too many, IllegalInState.

    Source: compute API reference, "Server tags".
    """
    require_legal(instance, Action.UPDATE_TAGS)
    _become(instance, set(tags), at)


def add_tag(instance: Instance, tag: str, *, at: datetime) -> None:
    """Give it one more; nothing when it has it. Raises Invalid for too many, IllegalInState."""
    require_legal(instance, Action.UPDATE_TAGS)
    _become(instance, {*instance.tags, tag}, at)


def remove_tag(instance: Instance, tag: str, *, at: datetime) -> None:
    """Take one away. Raises NotFound when it does not have it, IllegalInState."""
    require_legal(instance, Action.DELETE_TAGS)
    if tag not in instance.tags:
        raise NotFound(f"Server {instance.id} has no tag '{tag}'")
    _become(instance, set(instance.tags) - {tag}, at)


def remove_all_tags(instance: Instance, *, at: datetime) -> None:
    """Take all away; nothing when there are none. Raises IllegalInState."""
    require_legal(instance, Action.DELETE_TAGS)
    _become(instance, set(), at)


def _become(instance: Instance, tags: set[str], at: datetime) -> None:
    if len(tags) > TAG_LIMIT:
        raise Invalid(f"The number of tags exceeded the per-server limit {TAG_LIMIT}")
    if tags != set(instance.tags):
        instance.record(TagsChanged, tags=sorted(tags), at=at)
