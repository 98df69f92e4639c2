"""Events that pass: what a test declares is forgotten after it, so that the registry is what the product declares."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eventsourcing import utils

from domain.aggregate import EVENT_TYPES, KINDS, KNOWN

REGISTRIES: tuple[dict[Any, Any], ...] = (EVENT_TYPES, KNOWN, KINDS, utils._topic_cache, utils._type_cache)


@contextmanager
def passing_events() -> Iterator[None]:
    before = [dict(registry) for registry in REGISTRIES]
    try:
        yield
    finally:
        for registry, content in zip(REGISTRIES, before, strict=True):
            registry.clear()
            registry.update(content)
