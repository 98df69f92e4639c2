"""Who may append what is said for every event, and for nothing else."""

import pytest

from domain.registry import KNOWN
from journal.authority import MAY_APPEND, actor_may, may_append
from journal.envelope import Author
from services.cli.seed import AUTHOR as FIRST_START
from services.conductor.author import AUTHOR as CONDUCTOR
from services.scheduler.service import AUTHOR as SCHEDULER


def test_every_event_says_who_may_append_it() -> None:
    missing = KNOWN.keys() - MAY_APPEND.keys()
    assert not missing, f"say in journal/authority.py who may append {', '.join(sorted(missing))}"


def test_nothing_is_said_of_events_that_there_are_not() -> None:
    assert MAY_APPEND.keys() <= KNOWN.keys()


@pytest.mark.parametrize("author", [FIRST_START, CONDUCTOR, SCHEDULER], ids=lambda author: author.source)
def test_services_act_for_themselves(author: Author) -> None:
    assert actor_may(author.source, author.actor)


@pytest.mark.parametrize(
    ("source", "actor", "may"),
    [
        ("chronova/api", "user:u", True),
        ("chronova/api", "user:", False),
        ("chronova/api", "service:conductor", False),
        ("chronova/api", "host:h", False),
        ("chronova/conductor", "host:h", True),
        ("chronova/conductor", "user:u", False),
        ("chronova/conductor", "service:conductor-2", False),
        ("chronova/scheduler", "service:scheduler", True),
        ("chronova/nobody", "service:nobody", False),
    ],
)
def test_for_whom_a_service_acts(source: str, actor: str, may: bool) -> None:
    assert actor_may(source, actor) is may


@pytest.mark.parametrize(
    ("topic", "source", "may"),
    [
        ("chronova.instance.requested.v1", "chronova/api", True),
        ("chronova.instance.stopped.v1", "chronova/conductor", True),
        ("chronova.instance.stopped.v1", "chronova/api", False),
        ("chronova.host.claims-granted.v1", "chronova/scheduler", True),
        ("chronova.host.claims-granted.v1", "chronova/conductor", False),
        ("chronova.host.claims-released.v1", "chronova/conductor", True),
        ("chronova.project.created.v1", "chronova/conductor", False),
        ("chronova.network.deleted.v1", "chronova/conductor", False),
        ("chronova.instance.requested.v1", "chronova/agent", False),
        ("chronova.instance.requested.v2", "chronova/api", False),
    ],
)
def test_who_may(topic: str, source: str, may: bool) -> None:
    assert may_append(topic, source) is may
