"""The repository on a real log: one winner, no stale decision, and certainty about what was stored."""

import asyncio
from functools import partial
from typing import Any

import pytest
from nats.errors import TimeoutError as NatsTimeoutError

from domain.errors import Conflict
from domain.host.claims import claim, release
from domain.host.host import Host, register
from domain.host.service import disable
from domain.resources import Resources
from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.envelope import Author
from journal.errors import AggregateNotFound, AppendConflict, JournalError, LogUnavailable, NotAuthorised
from journal.repository import STREAM, Repository
from journal.streams import call, last_position
from tests.integration.conftest import LogServer, until_connected
from tests.unit.domain.specification import AT
from tests.unit.domain.test_histories import inventory

AUTHOR = Author(actor="user:test", source="test", request_id="req-7")
ONE = Resources(1, 100, 1)


def anybody(_topic: str, _source: str) -> bool:
    """Tests of the journal append as nobody in particular."""
    return True


def claim_one(it: Host) -> None:
    claim(it, {"i": ONE}, at=AT)


def host(name: str = "h") -> Host:
    return register(name, inventory(2, 1512, 100), at=AT)  # room for eight claims of one vcpu


async def test_what_is_saved_is_loaded_by_another(client: Bus) -> None:
    saved = await Repository(client, may_append=anybody).create(host(), AUTHOR)
    loaded = await Repository(client, may_append=anybody).load(Host, "h")
    assert loaded == saved
    assert loaded.position == await last_position(client)


async def test_the_envelope_says_who_and_why(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)
    (recorded,) = await repository.history(Host, "h")
    assert (recorded.type, recorded.actor, recorded.request_id, recorded.position) == (
        "chronova.host.registered.v1",
        "user:test",
        "req-7",
        1,
    )
    message = await client.request("$JS.API.DIRECT.GET.EVENTS.evt.host.h", b"")
    assert message.headers is not None
    assert message.headers["ce-specversion"] == "1.0"
    assert message.headers["ce-subject"] == "host/h"
    assert message.headers["ce-time"] == "2026-01-02T03:04:05Z"


async def test_there_is_no_unknown_aggregate(client: Bus) -> None:
    with pytest.raises(AggregateNotFound):
        await Repository(client, may_append=anybody).load(Host, "nowhere")


async def test_an_id_is_taken_once(client: Bus) -> None:
    await Repository(client, may_append=anybody).create(host(), AUTHOR)
    with pytest.raises(AppendConflict):
        await Repository(client, may_append=anybody).create(host(), AUTHOR)


async def test_a_refused_decision_appends_nothing(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)

    def refuse(_it: Host) -> None:
        raise Conflict("no")

    with pytest.raises(Conflict):
        await repository.execute(Host, "h", refuse, AUTHOR)
    assert await last_position(client) == 1


async def test_several_events_of_one_decision_are_stored_together(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)

    def two(it: Host) -> None:
        claim(it, {"a": ONE}, at=AT)
        claim(it, {"b": ONE}, at=AT)

    saved = await repository.execute(Host, "h", two, AUTHOR)
    assert saved.position == 3
    assert (await Repository(client, may_append=anybody).load(Host, "h")).aggregate.claims.keys() == {"a", "b"}


async def test_claims_by_many_schedulers_never_exceed_the_host(client: Bus) -> None:
    await Repository(client, may_append=anybody).create(host(), AUTHOR)
    schedulers = [Repository(client, may_append=anybody, attempts=60) for _ in range(4)]

    async def attempt(number: int) -> bool:
        instance_id = f"i-{number}"

        def decide(it: Host) -> None:
            claim(it, {instance_id: ONE}, at=AT)

        saved = await schedulers[number % 4].execute(Host, "h", decide, AUTHOR)
        return instance_id in saved.aggregate.claims

    granted = await asyncio.gather(*(attempt(number) for number in range(20)))
    assert sum(granted) == 8
    assert len((await Repository(client, may_append=anybody).load(Host, "h")).aggregate.claims) == 8


async def test_a_stale_copy_never_decides(client: Bus) -> None:
    ours, theirs = Repository(client, may_append=anybody), Repository(client, may_append=anybody)
    await ours.create(host(), AUTHOR)
    await theirs.execute(Host, "h", claim_one, AUTHOR)
    # On the stale copy there is no claim to release, and the decision would be to do nothing.
    saved = await ours.execute(Host, "h", lambda it: release(it, ["i"], at=AT), AUTHOR)
    assert saved.aggregate.claims == {}
    assert (await Repository(client, may_append=anybody).load(Host, "h")).aggregate.claims == {}


class AckIsLost:
    """A connection on which the acknowledgement of the next append is lost, after the server has stored it."""

    def __init__(self, client: Bus) -> None:
        self._client = client
        self.losses = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def request(self, subject: str, *args: Any, **kwargs: Any) -> Any:
        answer = await self._client.request(subject, *args, **kwargs)
        if subject.startswith("evt.") and self.losses:
            self.losses -= 1
            raise NatsTimeoutError
        return answer


async def test_an_append_whose_acknowledgement_was_lost_is_known_to_be_stored(client: Bus) -> None:
    repository = Repository(AckIsLost(client), may_append=anybody)  # type: ignore[arg-type]
    saved = await repository.create(host(), AUTHOR)
    assert saved.position == 1
    assert await last_position(client) == 1


async def test_a_lost_acknowledgement_is_not_taken_for_somebody_elses_event(client: Bus) -> None:
    await Repository(client, may_append=anybody).create(host(), AUTHOR)
    with pytest.raises(AppendConflict):
        await Repository(AckIsLost(client), may_append=anybody).create(host(), AUTHOR)  # type: ignore[arg-type]


async def test_a_command_fails_at_once_while_the_log_is_away(client: Bus, log_server: LogServer) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)
    log_server.kill()
    while client.is_connected:
        await asyncio.sleep(0.01)
    with pytest.raises(LogUnavailable):
        await repository.execute(Host, "h", claim_one, AUTHOR)
    log_server.start()
    await until_connected(log_server.log)
    while not client.is_connected:
        await asyncio.sleep(0.01)
    assert await last_position(client) == 1
    saved = await repository.execute(Host, "h", claim_one, AUTHOR)
    assert saved.position == 2


async def test_nobody_can_remove_an_event(client: Bus) -> None:
    await Repository(client, may_append=anybody).create(host(), AUTHOR)
    for method, request in (("STREAM.PURGE.EVENTS", {}), ("STREAM.MSG.DELETE.EVENTS", {"seq": 1})):
        with pytest.raises(Exception, match=r"not permitted|denied|not allowed"):
            await call(client, method, request)
    assert await last_position(client) == 1


async def test_a_service_can_append_only_what_it_may(client: Bus) -> None:
    conductor = Author(actor="service:conductor", source="chronova/conductor")
    scheduler = Author(actor="service:scheduler", source="chronova/scheduler")
    await Repository(client).create(host(), conductor)
    with pytest.raises(NotAuthorised, match=r"chronova/conductor may not append chronova\.host\.claims-granted\.v1"):
        await Repository(client).execute(Host, "h", claim_one, conductor)
    assert await last_position(client) == 1
    assert (await Repository(client).execute(Host, "h", claim_one, scheduler)).position == 2


async def test_a_history_of_large_events_is_loaded_whole(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)
    for number in range(40):
        reason = f"{number} " + "x" * 500_000
        await repository.execute(Host, "h", partial(disable, reason=reason, at=AT), AUTHOR)
    assert len(await repository.history(Host, "h")) == 41


async def test_a_pattern_finds_messages_with_their_subjects(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    for name in ("a", "b", "c"):
        await repository.create(host(name), AUTHOR)
    reads = DirectGet(client, STREAM)
    found = [message.subject async for page in reads.pages("evt.host.*") for message in page]
    assert found == ["evt.host.a", "evt.host.b", "evt.host.c"]
    assert [message.subject for message in await reads.some(2, 2)] == ["evt.host.b", "evt.host.c"]


async def test_an_event_that_is_too_large_is_refused_and_costs_nothing(client: Bus) -> None:
    repository = Repository(client, may_append=anybody)
    await repository.create(host(), AUTHOR)
    with pytest.raises(JournalError, match=r"larger than the log takes"):
        await repository.execute(Host, "h", partial(disable, reason="x" * 2_000_000, at=AT), AUTHOR)
    assert client.is_connected
    assert (await repository.execute(Host, "h", claim_one, AUTHOR)).position == 2
