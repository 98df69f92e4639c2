"""The library's own contract: its shipped test cases, against JetStream."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from eventsourcing.persistence import ProcessRecorder
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment

from journal.persistence import JetStreamFactory
from journal.persistence.aggregate_recorder import JetStreamAggregateRecorder
from journal.persistence.application_recorder import JetStreamApplicationRecorder
from journal.persistence.process_recorder import JetStreamProcessRecorder
from journal.persistence.tracking_recorder import JetStreamTrackingRecorder
from tests.integration.persistence.servers import PlainServer


class WithFactory:
    """Gives a test case a factory."""

    factory: JetStreamFactory

    @pytest.fixture(autouse=True)
    def _factory(self, factory: JetStreamFactory) -> None:
        self.factory = factory


class TestAggregateRecorder(WithFactory, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> Any:
        return self.factory.aggregate_recorder()


class TestApplicationRecorder(WithFactory, persistence.ApplicationRecorderTestCase[JetStreamApplicationRecorder]):
    def create_recorder(self) -> Any:
        return self.factory.application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(WithFactory, persistence.TrackingRecorderTestCase):
    def create_recorder(self) -> Any:
        return self.factory.tracking_recorder()


class TestProcessRecorder(WithFactory, persistence.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.factory.process_recorder()


class TestNonInterleavingNotificationIds(WithFactory, persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> Any:
        return self.factory.application_recorder()


class Positions(JetStreamTrackingRecorder):
    """A tracking recorder that a user has extended."""


class TestInfrastructureFactory(persistence.InfrastructureFactoryTestCase[JetStreamFactory]):
    @pytest.fixture(autouse=True)
    def _env(self, plain_server: PlainServer, name: str) -> None:
        self.env = Environment(name, {"PERSISTENCE_MODULE": "journal.persistence", "NATS_URL": plain_server.url})

    def expected_factory_class(self) -> type[JetStreamFactory]:
        return JetStreamFactory

    def expected_aggregate_recorder_class(self) -> type[JetStreamAggregateRecorder]:
        return JetStreamAggregateRecorder

    def expected_application_recorder_class(self) -> type[JetStreamApplicationRecorder]:
        return JetStreamApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[JetStreamTrackingRecorder]:
        return JetStreamTrackingRecorder

    def tracking_recorder_subclass(self) -> type[JetStreamTrackingRecorder]:
        return Positions

    def expected_process_recorder_class(self) -> type[JetStreamProcessRecorder]:
        return JetStreamProcessRecorder


class WithEnvironment:
    """Has applications find the log by the environment of the process."""

    @pytest.fixture(autouse=True)
    def _environment(self, plain_server: PlainServer, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PERSISTENCE_MODULE", "journal.persistence")
        monkeypatch.setenv("NATS_URL", plain_server.url)
        monkeypatch.setenv("NATS_STREAM", name)
        monkeypatch.setenv("COUNTERS_NATS_STREAM", f"{name}-counters")
        yield
        gc.collect()  # closes what a test case has left open


class TestApplication(WithEnvironment, application.ApplicationTestCase):
    @pytest.mark.filterwarnings("always:'log' is deprecated:DeprecationWarning")  # it looks for this warning
    def test_application_log(self) -> None:
        super().test_application_log()


class TestExampleApplication(WithEnvironment, application.ExampleApplicationTestCase):
    expected_factory_topic = "journal.persistence.factory:JetStreamFactory"


class TestEventSourcedProjection(WithEnvironment, projection.EventSourcedProjectionTestCase):
    pass
