"""Subscriptions: everything once and in order, across lost connections and restarts, and an end that is an end."""

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import InterfaceError, ProgrammingError

from journal.persistence import JetStreamFactory
from journal.streams import call
from tests.integration.persistence.conftest import MakeFactory
from tests.integration.persistence.events import event, events
from tests.integration.persistence.proxy import Proxy
from tests.integration.persistence.servers import PlainServer


def test_it_brings_what_was_there_and_what_comes(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events(events("a", range(1, 2001)))
    with recorder.subscribe(gt=10) as subscription:
        assert [next(subscription).id for _ in range(100)] == list(range(11, 111))
        ids = recorder.insert_events(events("b", [1]))
        assert ids is not None
        newest = next(one for one in subscription if one.originator_id == "b")
        assert newest.id == ids[0]


def test_it_brings_only_topics_that_were_asked_for(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events([event("a", number, topic="odd" if number % 2 else "even") for number in range(1, 101)])
    with recorder.subscribe(topics=["odd"]) as subscription:
        assert [next(subscription).originator_version for _ in range(50)] == list(range(1, 101, 2))


def test_a_thread_that_waits_is_told_of_the_end(factory: JetStreamFactory) -> None:
    subscription = factory.application_recorder().subscribe()
    waiting = threading.Thread(target=lambda: list(subscription))
    waiting.start()
    subscription.stop()
    waiting.join(5)
    assert not waiting.is_alive()


def test_it_ends_with_the_application(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    subscription = recorder.subscribe()
    waiting = threading.Thread(target=lambda: list(subscription))
    waiting.start()
    factory.close()
    waiting.join(5)
    assert not waiting.is_alive()
    with pytest.raises(InterfaceError, match="closed"):
        recorder.subscribe()


def test_it_is_entered_once(factory: JetStreamFactory) -> None:
    with factory.application_recorder().subscribe() as subscription, pytest.raises(ProgrammingError), subscription:
        pass


def consumers(factory: JetStreamFactory) -> int:
    stream = factory.application_recorder()._stream  # type: ignore[attr-defined]
    info = stream.lease.call(call, stream.bus, f"STREAM.INFO.{stream.name}")
    return int(info["state"]["consumer_count"])


def test_one_that_nobody_has_any_more_leaves_nothing(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events(events("a", [1]))
    subscription = recorder.subscribe()
    next(subscription)
    assert consumers(factory) == 1
    del subscription
    gc.collect()
    deadline = time.monotonic() + 5
    while consumers(factory):
        assert time.monotonic() < deadline


def test_a_reader_that_is_slow_holds_the_server_back(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    for _ in range(20):
        recorder.insert_events(events(uuid4(), range(1, 1001)))
    with recorder.subscribe() as subscription:
        next(subscription)
        stream = recorder._stream  # type: ignore[attr-defined]
        pending, before = 0, -1
        while pending != before:  # as long as it is still brought some
            before = pending
            info = stream.lease.call(call, stream.bus, f"CONSUMER.LIST.{stream.name}")
            (consumer,) = info["consumers"]
            pending = consumer["num_pending"]
            threading.Event().wait(0.2)
        assert pending > 10_000
        assert [next(subscription).id for _ in range(19_999)] == list(range(2, 20_001))


@pytest.fixture
def proxy(plain_server: PlainServer) -> Iterator[Proxy]:
    proxy = Proxy(plain_server.port)
    yield proxy
    proxy.close()


def test_nothing_is_lost_with_a_connection(proxy: Proxy, make_factory: MakeFactory) -> None:
    writer = make_factory().application_recorder()
    for _ in range(10):
        writer.insert_events(events(uuid4(), range(1, 1001)))
    recorder = make_factory(NATS_URL=proxy.url).application_recorder()
    found = []
    with recorder.subscribe() as subscription:
        for notification in subscription:
            found.append(notification.id)
            if len(found) in {500, 5000, 9000}:
                proxy.cut()
            if len(found) == 10_000:
                break
    assert found == list(range(1, 10_001))


@pytest.mark.parametrize("pull", [3, 4, 5])
def test_what_was_on_its_way_when_a_connection_was_lost_comes_again(
    pull: int, proxy: Proxy, make_factory: MakeFactory
) -> None:
    recorder = make_factory(NATS_URL=proxy.url).application_recorder()
    for _ in range(3):
        recorder.insert_events(events(uuid4(), range(1, 1001)))
    proxy.lose_answer(b"MSG.NEXT", number=pull)
    with recorder.subscribe() as subscription:
        assert [next(subscription).id for _ in range(3000)] == list(range(1, 3001))
        assert proxy.cuts == 1


def test_large_events_do_not_drown_it(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    for number in range(1, 101):
        recorder.insert_events([event("a", number, state=bytes(1_000_000))])
    with recorder.subscribe() as subscription:
        assert [next(subscription).id for _ in range(100)] == list(range(1, 101))
    stream = recorder._stream  # type: ignore[attr-defined]
    assert stream.bus.stats["reconnects"] == 0


def test_it_goes_on_after_a_restart_of_the_server(tmp_path: Path, name: str) -> None:
    server = PlainServer(tmp_path)
    server.start()
    factory = JetStreamFactory({"NATS_URL": server.url, "NATS_STREAM": name})
    try:
        recorder = factory.application_recorder()
        recorder.insert_events(events("a", [1]))
        with recorder.subscribe() as subscription:
            assert next(subscription).id == 1
            server.kill()
            server.start()
            server.until_answering()
            other = JetStreamFactory({"NATS_URL": f"{server.url},nats://127.0.0.1:1", "NATS_STREAM": name})
            other.application_recorder().insert_events(events("a", [2]))
            other.close()
            assert next(subscription).id == 2
        assert recorder.insert_events(events("a", [3])) == [3]
    finally:
        factory.close()
        server.kill()
