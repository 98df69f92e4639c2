"""Who may append what is said for every event, and for nothing else."""

import pytest

from domain.registry import KNOWN
from journal.authority import MAY_APPEND, Source, may_append
from services.api.call import SOURCE as API
from services.cli.seed import AUTHOR as FIRST_START
from services.conductor.heartbeats import AUTHOR as HEARTBEATS
from services.conductor.reactions import AUTHOR as REACTIONS
from services.conductor.repair import AUTHOR as REPAIR
from services.scheduler.service import AUTHOR as SCHEDULER


def test_every_event_says_who_may_append_it() -> None:
    missing = KNOWN.keys() - MAY_APPEND.keys()
    assert not missing, f"say in journal/authority.py who may append {', '.join(sorted(missing))}"


def test_nothing_is_said_of_events_that_there_are_not() -> None:
    assert MAY_APPEND.keys() <= KNOWN.keys()


def test_the_services_are_those_that_append() -> None:
    authors = (FIRST_START, HEARTBEATS, REACTIONS, REPAIR, SCHEDULER)
    assert {API, *(author.source for author in authors)} == {str(source) for source in Source}


@pytest.mark.parametrize(
    ("topic", "source", "may"),
    [
        ("chronova.instance.requested.v1", "chronova/api", True),
        ("chronova.instance.stopped.v1", "chronova/conductor", True),
        ("chronova.instance.stopped.v1", "chronova/api", False),
        ("chronova.host.claims-granted.v1", "chronova/scheduler", True),
        ("chronova.host.claims-granted.v1", "chronova/conductor", False),
        ("chronova.host.claims-released.v1", "chronova/conductor", True),
        ("chronova.project.created.v1", "chronova/api", False),
        ("chronova.network.deleted.v1", "chronova/api", False),
        ("chronova.instance.requested.v1", "chronova/agent", False),
        ("chronova.instance.requested.v2", "chronova/api", False),
    ],
)
def test_who_may(topic: str, source: str, may: bool) -> None:
    assert may_append(topic, source) is may
