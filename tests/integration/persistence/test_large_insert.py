"""More events in one insert than an atomic batch holds: all or none, whatever dies when."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, ProcessRecorder, Tracking

from journal.persistence import JetStreamFactory
from tests.integration.persistence.conftest import MakeFactory
from tests.integration.persistence.events import event, events, versions
from tests.integration.persistence.proxy import Proxy
from tests.integration.persistence.servers import PlainServer

COMMIT = b"Nats-Batch-Commit: 1"


def test_one_aggregate(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    assert recorder.insert_events(events("before", [1])) == [1]
    ids = recorder.insert_events(events("a", range(1, 3501)))
    assert ids is not None
    assert (len(ids), list(ids)) == (3500, sorted(set(ids)))
    assert recorder.insert_events(events("a", [3501])) == [ids[-1] + 1]
    assert versions(recorder.select_events("a")) == list(range(1, 3502))
    assert versions(recorder.select_events("a", desc=True, limit=1)) == [3501]
    assert [found.id for found in recorder.select_notifications(1, 5000)] == [1, *ids, ids[-1] + 1]
    assert recorder.max_notification_id() == ids[-1] + 1


def test_many_aggregates_some_of_them_known(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    aggregates = [uuid4() for _ in range(2300)]
    recorder.insert_events([event(aggregates[0], 1), event(aggregates[2000], 1)])
    recorder.insert_events([event(an_id, 1 + (an_id in {aggregates[0], aggregates[2000]})) for an_id in aggregates])
    recorder.insert_events([event(an_id, 3) for an_id in aggregates])
    assert versions(recorder.select_events(aggregates[0])) == [1, 2, 3]
    assert versions(recorder.select_events(aggregates[2299])) == [1, 3]
    assert len(recorder.select_notifications(1, 10_000)) == 2 + 2 * 2300


def test_exactly_a_batch_and_one_more(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    assert recorder.insert_events(events("a", range(1, 1001))) == list(range(1, 1001))
    ids = recorder.insert_events(events("b", range(1, 1002)))
    assert ids is not None
    assert len(set(ids)) == 1001


@pytest.mark.parametrize("place", [0, 1500, 2499])
def test_one_version_that_is_taken_spoils_all(make_factory: MakeFactory, place: int) -> None:
    recorder, other = make_factory().process_recorder(), make_factory().process_recorder()
    aggregates = [uuid4() for _ in range(2500)]
    other.insert_events([event(aggregates[place], 1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([event(an_id, 1) for an_id in aggregates], tracking=Tracking("up", 1))
    assert [found.originator_id for found in other.select_notifications(1, 10_000)] == [aggregates[place]]
    assert other.max_notification_id() == 1
    assert (other.max_tracking_id("up"), recorder.max_tracking_id("up")) == (None, None)
    assert other.select_events(aggregates[(place + 1) % 2500]) == []
    free = [an_id for an_id in aggregates if an_id != aggregates[place]]
    recorder.insert_events([event(an_id, 1) for an_id in free], tracking=Tracking("up", 1))
    assert len(other.select_notifications(1, 10_000)) == 2500
    assert other.max_tracking_id("up") == 1


def test_old_knowledge_costs_a_second_try_and_no_more(make_factory: MakeFactory) -> None:
    recorder, other = make_factory().application_recorder(), make_factory().application_recorder()
    recorder.insert_events(events("a", [1]))
    other.insert_events(events("a", [2]))
    recorder.insert_events([*events("b", range(1, 2001)), *events("a", range(3, 6))])
    assert versions(other.select_events("a")) == [1, 2, 3, 4, 5]
    assert versions(other.select_events("b")) == list(range(1, 2001))


def test_readers_see_all_of_it_or_nothing(make_factory: MakeFactory) -> None:
    recorder, reader = make_factory().application_recorder(), make_factory().application_recorder()
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(len(reader.select_events("a")))

    with ThreadPoolExecutor(2) as threads:
        reading = [threads.submit(read) for _ in range(2)]
        recorder.insert_events(events("a", range(1, 5001)))
        done.set()
        for each in reading:
            each.result()
    assert seen <= {0, 5000}


@pytest.fixture
def proxy(plain_server: PlainServer) -> Iterator[Proxy]:
    proxy = Proxy(plain_server.port)
    yield proxy
    proxy.close()


def test_one_who_reads_while_it_is_committed_sees_all_of_it_too(
    make_factory: MakeFactory, proxy: Proxy, plain_server: PlainServer
) -> None:
    staged, read, committed = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        recorder = make_factory(NATS_URL=proxy.url).application_recorder()
        recorder.insert_events(events("a", range(1, 2501)))
        committed.set()

    def pause() -> None:
        staged.set()
        read.wait(5)

    def let_it_commit() -> None:
        read.set()
        committed.wait(5)

    proxy.hold(b"es-state: committed", pause)
    readers_proxy = Proxy(plain_server.port)
    readers_proxy.hold(b".transaction.", let_it_commit)  # it has read, and asks whether that counts
    reader = make_factory(NATS_URL=readers_proxy.url).application_recorder()
    writing = threading.Thread(target=write)
    writing.start()
    staged.wait(5)
    assert versions(reader.select_events("a")) == list(range(1, 2501))
    writing.join()
    readers_proxy.close()


@pytest.fixture
def dying(make_factory: MakeFactory, proxy: Proxy) -> ProcessRecorder:
    """A writer whose connection is lost for good behind its second batch."""
    recorder = make_factory(NATS_URL=proxy.url, NATS_PATIENCE="1").process_recorder()
    proxy.lose_answer(COMMIT, number=2)
    proxy.on_cut = proxy.refuse
    return recorder


def die(dying: ProcessRecorder) -> None:
    with pytest.raises(OperationalError):
        dying.insert_events(events("a", range(1, 5001)), tracking=Tracking("up", 1))


def test_what_a_writer_that_died_has_left_is_not_seen_and_hinders_nobody_for_long(
    dying: ProcessRecorder, proxy: Proxy, make_factory: MakeFactory
) -> None:
    other = make_factory(NATS_PATIENCE="1").process_recorder()
    die(dying)
    assert other.insert_events(events("b", [1])) == [2001]
    assert other.select_events("a") == []
    assert other.select_notifications(1, 10) == []  # it may still come to something
    assert other.max_tracking_id("up") is None
    assert other.max_notification_id() == 2001
    other.insert_events(events("a", [1]), tracking=Tracking("up", 1))  # waits, and gives it up
    assert versions(other.select_events("a")) == [1]
    assert [found.originator_id for found in other.select_notifications(1, 10)] == ["b", "a"]
    assert other.max_tracking_id("up") == 1
    proxy.listen()


def test_the_newest_event_that_counts_is_found_before_all_that_does_not(
    dying: ProcessRecorder, make_factory: MakeFactory
) -> None:
    other = make_factory().process_recorder()
    other.insert_events([event("b", 1, state=bytes(900_000)), event("b", 2, state=bytes(900_000))])
    die(dying)
    assert other.max_notification_id() == 2


def test_readers_alone_give_it_up_too(dying: ProcessRecorder, make_factory: MakeFactory) -> None:
    other = make_factory(NATS_PATIENCE="1").process_recorder()
    die(dying)
    other.insert_events(events("b", [1]))
    deadline = time.monotonic() + 10
    while not other.select_notifications(1, 10):
        assert time.monotonic() < deadline
    assert other.select_events("a") == []
    with other.subscribe(0) as subscription:
        assert next(subscription).originator_id == "b"


def test_a_subscription_waits_until_it_is_decided(dying: ProcessRecorder, make_factory: MakeFactory) -> None:
    other = make_factory(NATS_PATIENCE="1").process_recorder()
    other.insert_events(events("b", [1]))
    with other.subscribe(0) as subscription:
        assert next(subscription).originator_id == "b"
        die(dying)
        other.insert_events(events("b", [2]))
        assert next(subscription).originator_version == 2


def test_a_writer_that_was_given_up_begins_again(make_factory: MakeFactory, proxy: Proxy) -> None:
    slow = make_factory(NATS_URL=proxy.url, NATS_PATIENCE="10").process_recorder()
    other = make_factory(NATS_PATIENCE="1").process_recorder()
    proxy.lose_answer(COMMIT, number=2)
    proxy.on_cut = lambda: other.insert_events(events("a", [3001]))  # waits, and gives it up
    slow.insert_events(events("a", range(1, 3001)))
    assert versions(other.select_events("a")) == list(range(1, 3002))
    with other.subscribe(0) as subscription:
        assert versions([next(subscription) for _ in range(3001)]) == [3001, *range(1, 3001)]
