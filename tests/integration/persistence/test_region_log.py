"""A region's own log, opened by the library: instances are folded as the services fold them, and nothing can be written."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import NotSupportedError, OperationalError, ProgrammingError, Tracking
from eventsourcing.projection import Projection, ProjectionRunner

from domain.instance.instance import Instance
from domain.instance.power import StopRequested, stop
from domain.instance.state import Task
from journal.accounts import ensure_key
from journal.authority import Source
from journal.envelope import Author, JsonTranscoder
from journal.persistence.tracking_recorder import JetStreamTrackingRecorder
from tests.integration.conftest import Running
from tests.integration.persistence.events import event
from tests.unit.domain.specification import AT, ID, placed, requested, seen


def by(source: Source) -> Author:
    return Author(actor="user:test", source=source)


class Region(Application[str]):
    name = "region"


@pytest.fixture
async def instance(region: Running) -> Instance:
    """One instance with a history."""
    saved = await region.plane.repository.create(requested(), by(Source.API))
    steps = ((placed(), Source.SCHEDULER), (seen(), Source.CONDUCTOR), (lambda it: stop(it, at=AT), Source.API))
    for change, source in steps:
        saved = await region.plane.repository.execute(Instance, ID, change, by(source))
    return saved.aggregate


@pytest.fixture
def env(region: Running) -> dict[str, str]:
    log = region.plane.region.log
    return {
        "PERSISTENCE_MODULE": "journal.persistence",
        "NATS_URL": log.url,
        "NATS_SEED": str(log.control_seed),
        "REGION_NATS_STREAM": "EVENTS",
        "REGION_NATS_AGGREGATE": "instance",
    }


@pytest.fixture
def app(env: dict[str, str]) -> Iterator[Region]:
    with Region(env) as app:
        yield app


async def test_an_instance_is_folded_as_the_services_fold_it(app: Region, instance: Instance) -> None:
    assert isinstance(app.mapper.transcoder, JsonTranscoder)
    folded = cast("Instance", await asyncio.to_thread(app.repository.get, ID))
    assert vars(folded) == vars(instance)
    before: Any = await asyncio.to_thread(app.repository.get, ID, version=folded.version - 1)
    assert (before.task, folded.task) == (None, Task.POWERING_OFF)
    with pytest.raises(AggregateNotFoundError):
        await asyncio.to_thread(app.repository.get, "nobody")


async def test_its_events_are_selected_and_others_passed_over(app: Region, instance: Instance) -> None:
    selected = await asyncio.to_thread(app.recorder.select_notifications, None, 1000)
    assert {one.originator_id for one in selected} == {ID}
    assert [one.originator_version for one in selected] == list(range(1, instance.version + 1))
    assert selected[0].id > 1  # what a region has from its first start on came before
    assert await asyncio.to_thread(app.recorder.max_notification_id) == selected[-1].id
    topics = [StopRequested.TOPIC]
    (stopping,) = await asyncio.to_thread(app.recorder.select_notifications, None, 10, topics=topics)
    assert app.mapper.to_domain_event(stopping) == instance_event(app, stopping.id)
    assert isinstance(app.mapper.to_domain_event(stopping), StopRequested)


def instance_event(app: Region, position: int) -> Any:
    return app.mapper.to_domain_event(app.recorder.select_notifications(position, 1)[0])


async def test_all_kinds_are_followed_when_none_is_asked_for(env: dict[str, str], instance: Instance) -> None:
    def kinds() -> set[str]:
        with Region({**env, "REGION_NATS_AGGREGATE": ""}) as app, app.recorder.subscribe() as subscription:
            newest = app.recorder.max_notification_id()
            found = set()
            for notification in subscription:
                found.add(notification.topic.split(".")[1])
                if notification.id == newest:
                    return found
            raise AssertionError

    assert {"instance", "flavor", "network", "project", "user"} <= await asyncio.to_thread(kinds)
    with Region({**env, "REGION_NATS_AGGREGATE": ""}) as app, pytest.raises(ProgrammingError, match="NATS_AGGREGATE"):
        app.repository.get(ID)


async def test_nothing_can_be_written(app: Region, env: dict[str, str], instance: Instance) -> None:
    folded: Any = await asyncio.to_thread(app.repository.get, ID, version=instance.version - 1)
    stop(folded, at=AT)
    before = await asyncio.to_thread(app.recorder.max_notification_id)
    with pytest.raises(NotSupportedError, match="read-only"):
        app.save(folded)
    with pytest.raises(NotSupportedError, match="read-only"):
        app.recorder.insert_events([event(ID, 99)])
    assert await asyncio.to_thread(app.recorder.max_notification_id) == before
    with pytest.raises(NotSupportedError, match="read-only"):
        app.factory.process_recorder()
    with pytest.raises(NotSupportedError, match="Snapshots"):
        Region({**env, "IS_SNAPSHOTTING_ENABLED": "y"})


async def test_a_key_that_the_log_does_not_know_is_refused_at_once(
    env: dict[str, str], region: Running, tmp_path: Path
) -> None:
    ensure_key(tmp_path / "unknown.nk")
    with pytest.raises(OperationalError, match="Authorization"):
        await asyncio.to_thread(Region, {**env, "NATS_SEED": str(tmp_path / "unknown.nk"), "NATS_PATIENCE": "60"})


class Stops(JetStreamTrackingRecorder):
    """How often a stop was asked for."""

    count = 0


class CountStops(Projection[Stops]):
    name = "stops"
    topics = (StopRequested.TOPIC,)

    def process_event(self, _event: DomainEventProtocol[str], tracking: Tracking) -> None:
        self.view.count += 1
        self.view.insert_tracking(tracking)


async def test_a_projection_follows_it_and_keeps_its_place(env: dict[str, str], instance: Instance) -> None:
    def run() -> int:
        with ProjectionRunner(
            application_class=Region, projection_class=CountStops, view_class=Stops, env=env
        ) as runner:
            runner.wait(stopped, timeout=10)
            return runner.projection.view.count

    with Region(env) as app:
        (stopping,) = await asyncio.to_thread(app.recorder.select_notifications, None, 10, topics=[StopRequested.TOPIC])
    stopped = stopping.id
    assert await asyncio.to_thread(run) == 1
    assert await asyncio.to_thread(run) == 0  # it was counted before
