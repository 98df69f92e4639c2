"""`chronova audit verify` on a region that has lived: it finds nothing, and then whatever was tampered with."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, update

from domain.instance import deletion, power
from domain.instance.instance import Instance
from journal.bus import Bus
from journal.chain import hash_of
from journal.connection import connect
from journal.errors import LogBroken
from journal.follower import read
from journal.stored import Stored
from journal.streams import call, last_position, prepare
from projections.audit import Mark, ReadModelDiffers, Verdict, verify
from projections.read_model import CHECKPOINT, position_of
from projections.tables import checkpoints, claims, instances
from services.cli.agents import run_agents
from services.cli.main import main
from services.cli.region import Region
from tests.integration.conftest import Running, until_connected
from tests.integration.region.test_life import AUTHOR, begin, now, until
from tests.unit.domain.specification import requested


@pytest.fixture
async def lived(region: Running) -> Running:
    """A region in which instances were made, stopped and deleted, and which has come to rest."""
    services = [
        region.run(service)
        for service in (region.plane.scheduler(), region.plane.conductor(), run_agents(region.plane.region))
    ]
    ids = [await begin(region) for _ in range(4)]
    for instance_id in ids:
        await until(region, instance_id, vm_state="active")
    repository = region.plane.repository
    await repository.execute(Instance, ids[0], partial(power.stop, at=now()), AUTHOR)
    await repository.execute(Instance, ids[1], partial(deletion.delete, at=now()), AUTHOR)
    await until(region, ids[0], vm_state="stopped")
    await until(region, ids[1], deleted=True)
    for service in services:
        service.cancel()
    await asyncio.wait(services)
    last = await last_position(region.plane.client)
    async with asyncio.timeout(10):
        while await region.plane.reads.query(_checkpoint) < last:
            await asyncio.sleep(0.01)
    return region


def _checkpoint(connection: object) -> int:
    return position_of(connection)  # type: ignore[arg-type]


async def audited(region: Running, *, expected: Mark | None = None) -> Verdict:
    return await verify(region.plane.client, region.plane.engine, expected=expected, progress=lambda *_: None)


async def test_a_region_that_nobody_touched_is_whole(lived: Running) -> None:
    verdict = await audited(lived)
    last = await last_position(lived.plane.client)
    assert (verdict.events, verdict.compared_at) == (last, last)
    assert verdict.mark is not None
    assert await audited(lived, expected=verdict.mark) == verdict


async def test_an_empty_log_is_whole(client: Bus) -> None:
    assert await verify(client, None, expected=None, progress=lambda *_: None) == Verdict(0, 0, None, None)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (update(instances).where(instances.c.deleted.is_(False)).values(name="other"), "its name is 'other'"),
        (delete(instances), "is missing in the read model"),
        (
            insert(claims).values(host="zz", instance_id="forged", resources={}, granted_at=now()),
            "claims zz/forged is in the read model, and no event says so",
        ),
        (delete(claims), "is missing in the read model"),
        (
            update(checkpoints).where(checkpoints.c.name == CHECKPOINT).values(position=10_000),
            "the read model has seen event 10000",
        ),
    ],
    ids=["a changed row", "missing rows", "a row too many", "missing claims", "a checkpoint beyond the end"],
)
async def test_a_read_model_that_differs_is_found(lived: Running, statement: object, says: str) -> None:
    with lived.plane.engine.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    with pytest.raises((ReadModelDiffers, LogBroken), match=says):
        await audited(lived)


async def test_the_read_model_is_compared_at_its_own_position(lived: Running) -> None:
    await come_to_rest(lived)
    behind = await lived.plane.reads.query(_checkpoint)
    await lived.plane.repository.create(requested(), AUTHOR)
    verdict = await audited(lived)
    assert (verdict.compared_at, verdict.events) == (behind, behind + 1)


async def rewritten(region: Running, change: Callable[[list[Stored]], list[Stored]]) -> None:
    """The log written anew by somebody who holds the control plane's key: the server itself finds nothing wrong with it."""
    client = region.plane.client
    events: list[Stored] = []
    async with aclosing(read(client, until=await last_position(client))) as batches:
        async for batch in batches:
            events += batch
    await call(client, "STREAM.DELETE.EVENTS")
    await prepare(client)
    for event in change(events):
        lines = [line for line in event.block.split(b"\r\n") if not line.startswith(b"Nats-")]
        answer = await client.ask(event.subject, event.body, block=b"\r\n".join(lines), seconds=5)
        assert b"error" not in answer


def of_type(events: list[Stored], fact: str) -> int:
    """Where the first event of a type stands in the list."""
    return next(at for at, event in enumerate(events) if event.headers["ce-type"].endswith(fact))


def changed(events: list[Stored], at: int, old: bytes, new: bytes) -> list[Stored]:
    event = events[at]
    assert old in event.block + event.body
    forged = Stored(event.position, event.subject, event.block.replace(old, new), event.body.replace(old, new))
    return [*events[:at], forged, *events[at + 1 :]]


def with_another_flavor(events: list[Stored]) -> list[Stored]:
    return changed(events, of_type(events, "instance.requested.v1"), b'"vcpus":1', b'"vcpus":2')


def without_a_placement(events: list[Stored]) -> list[Stored]:
    gone = of_type(events, "instance.scheduled.v1")
    return [event for at, event in enumerate(events) if at != gone]


def with_independent_events_swapped(events: list[Stored]) -> list[Stored]:
    at = next(at for at in range(len(events)) if events[at].subject != events[at + 1].subject)
    return [*events[:at], events[at + 1], events[at], *events[at + 2 :]]


async def come_to_rest(region: Running) -> None:
    for task in region.tasks:
        task.cancel()
    await asyncio.wait(region.tasks)


@pytest.mark.parametrize(
    ("change", "says"),
    [(with_another_flavor, "one of the two was changed"), (without_a_placement, "is due")],
    ids=["a changed event", "a dropped event"],
)
async def test_a_log_that_was_written_anew_is_found_by_its_chain(
    lived: Running, change: Callable[[list[Stored]], list[Stored]], says: str
) -> None:
    await come_to_rest(lived)
    await rewritten(lived, change)
    with pytest.raises(LogBroken, match=says):
        await verify(lived.plane.client, None, expected=None, progress=lambda *_: None)


async def test_what_no_chain_can_tell_is_told_by_the_mark(lived: Running) -> None:
    mark = (await audited(lived)).mark
    await come_to_rest(lived)
    await rewritten(lived, with_independent_events_swapped)
    assert (await verify(lived.plane.client, None, expected=None, progress=lambda *_: None)).mark != mark
    with pytest.raises(LogBroken, match="another one than that of the mark"):
        await verify(lived.plane.client, None, expected=mark, progress=lambda *_: None)


async def test_a_log_whose_end_was_cut_off_is_found_by_the_mark_or_the_read_model(lived: Running) -> None:
    mark = (await audited(lived)).mark
    await come_to_rest(lived)
    await rewritten(lived, lambda events: events[: len(events) // 2])
    with pytest.raises(LogBroken, match="the read model has seen event"):
        await audited(lived)
    with pytest.raises(LogBroken, match="before that of the mark"):
        await verify(lived.plane.client, None, expected=mark, progress=lambda *_: None)


async def test_the_same_log_written_anew_is_the_same_log(lived: Running) -> None:
    verdict = await audited(lived)
    await come_to_rest(lived)
    await rewritten(lived, lambda events: events)
    assert await audited(lived, expected=verdict.mark) == verdict


async def test_a_legal_looking_claim_that_exceeds_the_host_is_found(lived: Running) -> None:
    await refolded_finds(
        lived, "host.claims-granted.v1", b'"memory_mib":128', b'"memory_mib":99999999', "claims more memory_mib"
    )


async def refolded_finds(region: Running, fact: str, old: bytes, new: bytes, says: str) -> None:
    """A forger who also mends the chain behind the change is found by folding."""
    await come_to_rest(region)

    def forge(events: list[Stored]) -> list[Stored]:
        at = of_type(events, fact)
        return mended(changed(events, at, old, new)[: at + 1])

    await rewritten(region, forge)
    with pytest.raises(LogBroken, match=says):
        await verify(region.plane.client, None, expected=None, progress=lambda *_: None)


def mended(events: list[Stored]) -> list[Stored]:
    """With every hash computed anew."""
    newest: dict[str, str] = {}
    after: list[Stored] = []
    for event in events:
        block = event.block
        if (named := event.headers.get("ce-previoushash")) is not None:
            block = block.replace(named.encode(), newest[event.subject].encode())
        newest[event.subject] = hash_of(event.subject, block, event.body)
        after.append(Stored(event.position, event.subject, block, event.body))
    return after


def blocks(settings: Region) -> list[Path]:
    return sorted(settings.log.directory.glob("jetstream/**/streams/EVENTS/msgs/*.blk"))


async def tampered(region: Running, settings: Region, change: Callable[[], Awaitable[None]]) -> Bus:
    """A connection to the log after its files were changed while the server was off."""
    await come_to_rest(region)
    await region.plane.client.close()
    region.server.kill()
    await change()
    region.server.start()
    await until_connected(settings.log)
    return await connect(settings.log.url, settings.log.control_seed, name="audit")


async def test_bytes_that_were_edited_on_disk_are_found(lived: Running, settings: Region) -> None:
    async def edit() -> None:
        (block,) = blocks(settings)
        content = block.read_bytes()
        assert content.count(b'"hostname":"vm"') == 4
        block.write_bytes(content.replace(b'"hostname":"vm"', b'"hostname":"vw"', 1))

    bus = await tampered(
        lived, settings, edit
    )  # the server knows its own check sums, and drops what follows on a wrong one
    try:
        with pytest.raises(LogBroken, match=r"The log ends at event [0-9]+, and the read model has seen"):
            await verify(bus, lived.plane.engine, expected=None, progress=lambda *_: None)
    finally:
        await bus.close()


async def test_a_log_that_was_removed_is_found(lived: Running, settings: Region) -> None:
    async def remove() -> None:
        shutil.rmtree(settings.log.directory / "jetstream")

    bus = await tampered(lived, settings, remove)
    try:
        await prepare(bus)
        with pytest.raises(LogBroken, match="The log ends at event 0"):
            await verify(bus, lived.plane.engine, expected=None, progress=lambda *_: None)
    finally:
        await bus.close()


async def test_the_command_says_that_all_is_well_and_what_to_note_down(lived: Running, settings: Region) -> None:
    verdict = await audited(lived)
    done = await command(settings, "--json")
    document = orjson.loads(done.output)
    assert done.exit_code == 0
    assert document["whole"] is True
    assert document["mark"] == str(verdict.mark)
    again = await command(settings, "--expect", document["mark"])
    assert again.exit_code == 0
    assert f"The log is whole: {verdict.events} events" in again.output


async def test_the_command_says_what_is_wrong(lived: Running, settings: Region) -> None:
    with lived.plane.engine.begin() as connection:
        connection.execute(delete(claims))
    done = await command(settings)
    assert done.exit_code == 1
    assert "The read model is not as it should be: claims host-" in done.output
    assert (await command(settings, "--without-read-model")).exit_code == 0
    wrong = await command(settings, "--json", "--expect", f"3:{'0' * 64}")
    assert wrong.exit_code == 1
    assert orjson.loads(wrong.output)["position"] == 3


@pytest.mark.parametrize("mark", ["", "12", "0:" + "a" * 64, "5:" + "g" * 64, "5:" + "a" * 63])
async def test_a_mark_that_is_none_is_refused(settings: Region, mark: str) -> None:
    done = await command(settings, "--expect", mark)
    assert done.exit_code == 1
    assert "a mark is POSITION:DIGEST" in done.output


async def command(settings: Region, *arguments: str) -> object:
    """`chronova audit verify`, in a thread of its own: it has its own event loop."""
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["audit", "verify", "--data", str(settings.data), *arguments]
    )
