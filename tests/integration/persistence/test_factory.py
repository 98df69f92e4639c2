"""Opening and closing: one connection a process, clear words for what is wrong, nothing left behind."""

import asyncio
import gc
import os
import threading
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    InfrastructureFactory,
    InterfaceError,
    JSONTranscoder,
    OperationalError,
    ProgrammingError,
)
from eventsourcing.utils import Environment

from journal.persistence import JetStreamFactory
from journal.persistence.dialing import Address
from journal.streams import call
from tests.integration.persistence.conftest import MakeFactory
from tests.integration.persistence.events import events
from tests.integration.persistence.servers import PlainServer


def links() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("journal ")]


def test_the_library_finds_it_by_the_module(plain_server: PlainServer) -> None:
    factory = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": "journal.persistence", "NATS_URL": plain_server.url}
    )
    assert isinstance(factory, JetStreamFactory)
    factory.close()


def test_applications_share_a_connection_and_the_last_one_closes_it(make_factory: MakeFactory) -> None:
    first, second = make_factory(), make_factory()
    recorder = second.application_recorder()
    assert len(links()) == 1
    first.close()
    first.close()
    recorder.insert_events(events("a", [1]))
    second.close()
    assert not links()
    with pytest.raises(InterfaceError, match="closed"):
        recorder.insert_events(events("a", [2]))
    assert make_factory().application_recorder().max_notification_id() == 1


def test_recorders_keep_the_connection_of_a_factory_that_nobody_has(plain_server: PlainServer, name: str) -> None:
    recorder = JetStreamFactory(Environment(name, {"NATS_URL": plain_server.url})).application_recorder()
    gc.collect()
    recorder.insert_events(events("a", [1]))
    assert len(links()) == 1
    (thread,) = links()
    del recorder
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_each_application_has_its_streams_unless_one_is_named(plain_server: PlainServer, name: str) -> None:
    class Orders(Application[UUID]):
        name = "Orders: new"
        is_snapshotting_enabled = True

    env = {"PERSISTENCE_MODULE": "journal.persistence", "NATS_URL": plain_server.url}
    with Orders(env) as orders, Orders({**env, "ORDERS: NEW_NATS_STREAM": name}) as named:
        orders.save(Aggregate())
        names = {app.recorder._stream.name for app in (orders, named)}  # type: ignore[attr-defined]
        assert names == {"Orders=3A=20new_events", name}
        assert named.recorder.max_notification_id() is None
        assert orders.snapshots is not None
        assert orders.snapshots.recorder._stream.name == "Orders=3A=20new_snapshots"  # type: ignore[attr-defined]


def test_a_stream_of_somebody_else_is_not_used(make_factory: MakeFactory) -> None:
    recorder = make_factory().application_recorder()
    stream = recorder._stream  # type: ignore[attr-defined]
    stream.lease.call(call, stream.bus, "STREAM.CREATE.foreign", {"name": "foreign", "subjects": ["foreign.>"]})
    with pytest.raises(ProgrammingError, match=r"foreign cannot be used: its subjects is \['foreign.>'\]"):
        make_factory(NATS_STREAM="foreign").application_recorder()


def test_more_replicas_than_servers_are_refused(make_factory: MakeFactory) -> None:
    with pytest.raises(OperationalError, match="replicas > 1 not supported"):
        make_factory(NATS_REPLICAS="3").application_recorder()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"NATS_URL": " , "}, "names no server"),
        ({"NATS_SEED": "/nowhere"}, "there is no file /nowhere"),
        ({"NATS_STREAM": "a.b"}, "no name of a stream"),
        ({"NATS_REPLICAS": "many"}, "NATS_REPLICAS is 'many'"),
        ({"NATS_PATIENCE": "0"}, "NATS_PATIENCE is '0'"),
        ({"NATS_STREAM": "EVENTS", "NATS_AGGREGATE": "server"}, "which is none of .*flavor, .*host, .*instance"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(OSError, match=said):
        JetStreamFactory(settings)
    assert not links()


def test_a_log_that_is_away_is_an_operational_error(make_factory: MakeFactory) -> None:
    factory = make_factory(NATS_URL="nats://me:secret@127.0.0.1:1, nats://127.0.0.1:2", NATS_PATIENCE="0.5")
    with pytest.raises(OperationalError, match=r"at 127.0.0.1:1,127.0.0.1:2 cannot be reached") as caught:
        factory.application_recorder()
    assert "secret" not in str(caught.value)
    assert "secret" not in str(Address(("nats://me:secret@127.0.0.1:1",), None, 1))


def test_one_of_several_servers_is_enough(make_factory: MakeFactory, plain_server: PlainServer) -> None:
    recorder = make_factory(NATS_URL=f"nats://127.0.0.1:1,{plain_server.url}").application_recorder()
    assert recorder.insert_events(events("a", [1])) == [1]


def test_a_log_that_goes_away_is_an_error_and_comes_back(tmp_path: Path, name: str) -> None:
    server = PlainServer(tmp_path)
    server.start()
    factory = JetStreamFactory(Environment(name, {"NATS_URL": server.url, "NATS_TIMEOUT": "0.5", "NATS_PATIENCE": "1"}))
    try:
        recorder = factory.application_recorder()
        recorder.insert_events(events("a", [1]))
        server.kill()
        for use in (
            lambda: recorder.insert_events(events("a", [2])),
            lambda: recorder.select_events("a"),
            lambda: recorder.select_notifications(1, 10),
            recorder.max_notification_id,
        ):
            with pytest.raises(OperationalError):
                use()
        server.start()
        server.until_answering()
        until_recorded = threading.Event()
        while not until_recorded.is_set():
            try:
                recorder.insert_events(events("a", [3]))
                until_recorded.set()
            except OperationalError:
                until_recorded.wait(0.05)
        assert [one.originator_version for one in recorder.select_events("a")] == [1, 3]
    finally:
        factory.close()
        server.kill()


@pytest.mark.parametrize("turns", range(6))
def test_it_is_closed_cleanly_just_when_the_connection_is_lost(make_factory: MakeFactory, turns: int) -> None:
    factory = make_factory()
    stream = factory.application_recorder()._stream  # type: ignore[attr-defined]
    working = threading.Event()

    async def lose() -> None:
        for _ in range(turns):  # of the loop, in which it is being closed
            await asyncio.sleep(0)
        await stream.bus.force_reconnect()

    async def work() -> None:
        try:
            working.set()
            await asyncio.sleep(60)
        finally:
            losing.append(asyncio.ensure_future(lose()))

    losing: list[asyncio.Future[None]] = []
    stream.lease.link.spawn(work)
    working.wait(5)
    factory.close()
    assert not links()


def test_a_forked_process_is_told_to_open_its_own(make_factory: MakeFactory) -> None:
    recorder = make_factory().application_recorder()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            recorder.max_notification_id()
        except InterfaceError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as said:
        assert "before this process was forked" in said.read()


def test_the_transcoder_is_the_library_s_unless_it_is_a_region_s_log(make_factory: MakeFactory) -> None:
    assert isinstance(make_factory().transcoder(), JSONTranscoder)
