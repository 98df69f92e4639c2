"""When the answer to an insert is lost: it ends well, and what was inserted is in the log exactly once."""

from collections.abc import Callable, Iterator

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, ProcessRecorder, Tracking

from journal.persistence import JetStreamFactory
from tests.integration.persistence.conftest import MakeFactory
from tests.integration.persistence.events import event, events, versions
from tests.integration.persistence.proxy import Proxy
from tests.integration.persistence.servers import PlainServer

PUBLISH = b"HPUB es."
COMMIT = b"Nats-Batch-Commit: 1"

Insert = Callable[[ProcessRecorder], None]


def one_event(recorder: ProcessRecorder) -> None:
    assert recorder.insert_events(events("a", [2])) == [2]


def several_events(recorder: ProcessRecorder) -> None:
    assert recorder.insert_events([*events("a", [2, 3]), *events("b", [1])]) == [2, 3, 4]


def events_and_tracking(recorder: ProcessRecorder) -> None:
    assert recorder.insert_events(events("a", [2]), tracking=Tracking("up", 7)) == [2]


def tracking_alone(recorder: ProcessRecorder) -> None:
    recorder.insert_tracking(Tracking("up", 7))


def more_than_a_batch_holds(recorder: ProcessRecorder) -> None:
    ids = recorder.insert_events(events("a", range(2, 2502)))
    assert ids is not None
    assert len(set(ids)) == 2500


INSERTS = [
    (one_event, PUBLISH, 1),
    (several_events, COMMIT, 1),
    (events_and_tracking, COMMIT, 1),
    (tracking_alone, PUBLISH, 1),
    (more_than_a_batch_holds, COMMIT, 1),
    (more_than_a_batch_holds, COMMIT, 2),
    (more_than_a_batch_holds, COMMIT, 3),
]


@pytest.fixture
def proxy(plain_server: PlainServer) -> Iterator[Proxy]:
    proxy = Proxy(plain_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def through_proxy(make_factory: MakeFactory, proxy: Proxy) -> ProcessRecorder:
    factory: JetStreamFactory = make_factory(NATS_URL=proxy.url)
    return factory.process_recorder()


@pytest.mark.parametrize(("insert", "request_with", "number"), INSERTS)
@pytest.mark.parametrize("lost", ["answer", "request"])
def test_it_ends_well_and_exactly_once(  # noqa: PLR0917
    lost: str,
    insert: Insert,
    request_with: bytes,
    number: int,
    proxy: Proxy,
    through_proxy: ProcessRecorder,
    make_factory: MakeFactory,
) -> None:
    through_proxy.insert_events(events("a", [1]))
    (proxy.lose_answer if lost == "answer" else proxy.lose_request)(request_with, number=number)
    insert(through_proxy)
    assert proxy.cuts == 1
    recorder = make_factory().process_recorder()
    found = versions(recorder.select_events("a"))
    assert found == list(range(1, len(found) + 1))
    assert len(found) == {one_event: 2, several_events: 3, events_and_tracking: 2, tracking_alone: 1}.get(insert, 2501)
    assert recorder.max_tracking_id("up") == (7 if insert in {events_and_tracking, tracking_alone} else None)
    assert versions(through_proxy.select_events("a")) == found


def test_an_answer_that_never_comes_is_not_waited_for_for_ever(proxy: Proxy, make_factory: MakeFactory) -> None:
    recorder = make_factory(NATS_URL=proxy.url, NATS_TIMEOUT="1").process_recorder()
    recorder.insert_events(events("a", [1]))
    proxy.lose_answer(PUBLISH, with_connection=False)
    assert recorder.insert_events(events("a", [2])) == [2]
    assert proxy.cuts == 0
    assert versions(recorder.select_events("a")) == [1, 2]


def test_it_is_recognised_also_behind_what_another_has_recorded_meanwhile(
    proxy: Proxy, through_proxy: ProcessRecorder, make_factory: MakeFactory
) -> None:
    other = make_factory().process_recorder()
    through_proxy.insert_events(events("a", [1]))
    proxy.lose_answer(PUBLISH)
    proxy.on_cut = lambda: other.insert_events(events("a", [3]))
    assert through_proxy.insert_events(events("a", [2])) == [2]
    assert versions(other.select_events("a")) == [1, 2, 3]


def test_another_that_was_first_is_told_from_ours(
    proxy: Proxy, through_proxy: ProcessRecorder, make_factory: MakeFactory
) -> None:
    other = make_factory().process_recorder()
    through_proxy.insert_events(events("a", [1]))
    proxy.lose_request(PUBLISH)
    proxy.on_cut = lambda: other.insert_events([event("a", 2, state=b"state")])
    with pytest.raises(IntegrityError):
        through_proxy.insert_events([event("a", 2, state=b"state")])
    assert versions(other.select_events("a")) == [1, 2]


def test_it_is_said_when_the_outcome_is_not_known(proxy: Proxy, make_factory: MakeFactory) -> None:
    recorder = make_factory(NATS_URL=proxy.url, NATS_PATIENCE="1").process_recorder()
    proxy.lose_answer(PUBLISH)
    proxy.on_cut = proxy.refuse
    with pytest.raises(OperationalError, match="may be recorded, or not"):
        recorder.insert_events(events("a", [1]))
    with pytest.raises(OperationalError, match="cannot be reached"):  # what is not sent is not recorded later either
        recorder.insert_events(events("a", [2]))
    assert versions(make_factory().process_recorder().select_events("a")) == [1]
