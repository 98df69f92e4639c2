"""What the library's contract leaves open: ids of any kind, versions out of order, old knowledge, and what is too large."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import DataError, IntegrityError, OperationalError, Tracking

from journal.persistence import JetStreamFactory
from journal.streams import call
from tests.integration.persistence.conftest import MakeFactory
from tests.integration.persistence.events import event, events, versions
from tests.integration.persistence.servers import PlainServer

IDS = ["plain", "with space", "a.b.*.>", "Grüße\n", "", "=41", "=", "u=", "x" * 300]


@pytest.mark.parametrize("originator_id", IDS)
def test_any_text_is_an_id(factory: JetStreamFactory, originator_id: str) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events(events(originator_id, [1, 2]))
    recorder.insert_events(events("another", [1]))
    assert recorder.select_events(originator_id) == events(originator_id, [1, 2])
    assert [found.originator_id for found in recorder.select_notifications(1, 10)] == [originator_id] * 2 + ["another"]


def test_an_id_has_a_type(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    an_id = uuid4()
    recorder.insert_events(events(an_id, [1]) + events(an_id.hex, [1]))
    (first, second) = recorder.select_notifications(1, 10)
    assert (first.originator_id, second.originator_id) == (an_id, an_id.hex)
    assert isinstance(first.originator_id, UUID)


def test_an_id_that_no_subject_can_hold_is_refused(factory: JetStreamFactory) -> None:
    with pytest.raises(DataError, match="too long"):
        factory.application_recorder().insert_events(events("x" * 2000, [1]))


def test_a_version_that_was_left_out_may_be_recorded_later(factory: JetStreamFactory) -> None:
    recorder = factory.aggregate_recorder("snapshots")
    for version in (2, 7, 4):
        recorder.insert_events([event("a", version)])
    assert versions(recorder.select_events("a")) == [2, 4, 7]
    assert versions(recorder.select_events("a", desc=True, limit=1)) == [7]
    assert versions(recorder.select_events("a", desc=True, limit=1, lte=5)) == [4]
    assert versions(recorder.select_events("a", gt=2, limit=1)) == [4]
    for version in (2, 4, 7):
        with pytest.raises(IntegrityError):
            recorder.insert_events([event("a", version)])
    recorder.insert_events([event("a", 8)])
    assert versions(recorder.select_events("a", desc=True, limit=1)) == [8]


def test_what_another_has_recorded_is_never_overlooked(make_factory: MakeFactory) -> None:
    mine, theirs = make_factory().application_recorder(), make_factory().application_recorder()
    mine.insert_events(events("a", [1]))
    theirs.insert_events(events("a", [2]))
    assert mine.insert_events(events("a", [3])) == [3]  # it had not heard of 2
    with pytest.raises(IntegrityError):
        theirs.insert_events(events("a", [3]))
    assert versions(theirs.select_events("a", gt=2)) == [3]
    assert versions(mine.select_events("a")) == [1, 2, 3]
    with pytest.raises(IntegrityError):
        mine.insert_events([*events("b", [1]), *events("a", [2])])
    assert mine.select_events("b") == []


def test_a_stream_that_was_made_anew_is_believed(factory: JetStreamFactory) -> None:
    recorder = factory.process_recorder()
    recorder.insert_events(events("a", [1, 2, 3]))
    stream = recorder._stream  # type: ignore[attr-defined]
    stream.lease.call(call, stream.bus, f"STREAM.PURGE.{stream.name}")
    assert recorder.select_events("a", gt=3) == []
    assert recorder.select_events("a") == []
    assert recorder.select_notifications(1, 10) == []
    assert recorder.max_notification_id() is None
    assert recorder.insert_events(events("a", [1])) == [4]
    assert versions(recorder.select_events("a")) == [1]
    recorder.insert_tracking(Tracking("up", 7))
    stream.lease.call(call, stream.bus, f"STREAM.PURGE.{stream.name}")
    recorder.insert_events(events("a", [1]), tracking=Tracking("up", 3))
    assert recorder.max_tracking_id("up") == 3


def test_an_event_that_is_too_large_is_refused_and_harms_nobody(factory: JetStreamFactory) -> None:
    recorder = factory.application_recorder()
    for batch in ([event("a", 1, state=bytes(2 << 20))], [event("a", 1), event("a", 2, state=bytes(2 << 20))]):
        with pytest.raises(DataError, match="larger than the log takes"):
            recorder.insert_events(batch)
    with pytest.raises(DataError, match="line end"):
        recorder.insert_events([event("a", 1, topic="two\nlines")])
    assert recorder.insert_events(events("a", [1])) == [1]


def test_a_history_is_whole_however_large_its_events_are(tmp_path: Path, name: str) -> None:
    server = PlainServer(tmp_path, extra="max_pending: 4MB")  # a client for which more is pending is cut off
    server.start()
    factory = JetStreamFactory({"NATS_URL": server.url, "NATS_STREAM": name})
    try:
        recorder = factory.application_recorder()
        for version in range(1, 31):
            recorder.insert_events([event("a", version, state=bytes(300_000))])
        assert versions(recorder.select_events("a")) == list(range(1, 31))
        assert [found.id for found in recorder.select_notifications(1, 100)] == list(range(1, 31))
    finally:
        factory.close()
        server.kill()


def test_tracking_goes_with_the_events_or_not_at_all(factory: JetStreamFactory) -> None:
    recorder = factory.process_recorder()
    assert recorder.insert_events(events("a", [1]), tracking=Tracking("up", 5)) == [1]
    with pytest.raises(IntegrityError):
        recorder.insert_events(events("a", [2]), tracking=Tracking("up", 5))
    with pytest.raises(IntegrityError):
        recorder.insert_events(events("a", [1]), tracking=Tracking("up", 6))
    assert recorder.max_tracking_id("up") == 5
    assert versions(recorder.select_events("a")) == [1]
    assert recorder.max_notification_id() == 1
    assert recorder.insert_events(events("a", [2]), tracking=Tracking("up", 6)) == [3]
    assert [found.id for found in recorder.select_notifications(1, 10)] == [1, 3]


def test_the_newest_event_is_found_behind_many_positions(factory: JetStreamFactory) -> None:
    recorder = factory.process_recorder()
    recorder.insert_events(events("a", [1]))
    for position in range(1, 40):
        recorder.insert_tracking(Tracking("up", position))
    assert recorder.max_notification_id() == 1
    assert [found.id for found in recorder.select_notifications(1, 10)] == [1]


def test_a_stream_that_is_not_to_be_made_must_be_there(make_factory: MakeFactory) -> None:
    with pytest.raises(OperationalError, match="no stream"):
        make_factory(CREATE_TABLE="no").application_recorder()
    make_factory().application_recorder().insert_events(events("a", [1]))
    assert versions(make_factory(CREATE_TABLE="no").application_recorder().select_events("a")) == [1]
