"""`chronova events` on a real log: what was asked for and nothing else, in order, as it is written."""

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest

from domain.host.claims import claim, release
from domain.host.host import Host, register
from domain.identity.project import create_project
from domain.identity.role import grant
from domain.identity.user import User, create_user
from domain.instance.deletion import delete
from domain.instance.instance import Instance
from domain.instance.power import stop
from domain.instance.request import request
from domain.network.addresses import Wanted, allocate, release_addresses
from domain.network.network import Network, create_network
from domain.network.nic import port_id
from domain.resources import Resources
from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.envelope import Author
from journal.errors import LogUnavailable
from journal.follower import read
from journal.repository import Repository
from journal.streams import last_position
from services.cli.log.events import Events, EventsOptions, events
from services.cli.log.moment import written
from services.cli.log.names import Actors
from services.cli.region import Region, RegionError
from tests.integration.conftest import LogServer, until_connected
from tests.integration.journal.test_repository import anybody
from tests.integration.log.histories import AUTHOR, BEGIN, hosts, write
from tests.unit.domain.specification import placed, seen
from tests.unit.domain.test_histories import inventory

ALL = EventsOptions("", "", False, "", None, None, False, None, True)
FIRST, SECOND, NETWORK = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "123")
ADA, BOB = "a" * 32, "b" * 32
Shown = list[dict[str, Any]]


async def life(client: Bus) -> None:
    """Two instances of two projects, on one host and one network: an event a minute."""
    repository, at = Repository(client, may_append=anybody), BEGIN

    def by(user: str) -> Author:
        return Author(actor=f"user:{user}", source="chronova/api")

    for user, name in ((ADA, "ada"), (BOB, "bob")):
        await repository.create(create_project(f"p-{name}", name=name, at=at), AUTHOR)
        await repository.create(create_user(user, name=name, at=at), AUTHOR)
        await repository.execute(User, user, partial(grant, project_id=f"p-{name}", role="member", at=at), AUTHOR)
    await repository.create(register("h", inventory(8, 8192, 100), at=at), AUTHOR)
    network = create_network(NETWORK, project_id="p-ada", name="n", cidr="10.0.0.0/24", subnet_id="s", at=at)
    await repository.create(network, AUTHOR)
    for instance, user, name in ((FIRST, ADA, "ada"), (SECOND, BOB, "bob")):
        at += timedelta(minutes=1)
        parts: dict[str, Any] = {"project_id": f"p-{name}", "user_id": user, "name": f"vm-{name}", "hostname": "vm"}
        asked = request(instance, at=at, flavor={"id": "1", "vcpus": 1, "ram": 1, "disk": 1}, image={}, **parts)
        await repository.create(asked, by(user))
    for instance in (FIRST, SECOND):
        at += timedelta(minutes=1)
        await repository.execute(Host, "h", partial(_claim, instance, at), AUTHOR)
        await repository.execute(Network, NETWORK, partial(_allocate, instance, at), AUTHOR)
        await repository.execute(Instance, instance, placed("h"), AUTHOR)
        await repository.execute(Instance, instance, seen(), AUTHOR)
    at += timedelta(minutes=1)
    await repository.execute(Instance, FIRST, partial(stop, at=at), by(ADA))
    await repository.execute(Instance, SECOND, partial(delete, at=at), by(BOB))
    await repository.execute(Host, "h", partial(release, instance_ids=[SECOND], at=at), AUTHOR)
    await repository.execute(Network, NETWORK, partial(release_addresses, instance_ids=[SECOND], at=at), AUTHOR)


def _claim(instance: str, at: datetime, host: Host) -> None:
    claim(host, {instance: Resources(1, 1, 1)}, at=at)


def _allocate(instance: str, at: datetime, network: Network) -> None:
    allocate(network, [Wanted(port_id(instance, 0), instance)], at=at)


@pytest.fixture
def show(settings: Region, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    async def run(**asked: Any) -> Shown:
        await events(settings.data, replace(ALL, **asked))
        return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def words(shown: Shown) -> list[str]:
    return [f"{event['type'].split('.')[2]} {event['subject'][-1]}" for event in shown]


async def test_everything_is_shown_in_order_with_all_that_its_envelope_says(
    client: Bus, show: Callable[..., Any]
) -> None:
    await life(client)
    shown = await show()
    assert [event["position"] for event in shown] == list(range(1, 23))
    async for batch in read(client, until=22):
        for stored in batch:
            event = shown[stored.position - 1]
            for name, value in stored.headers.items():
                if name.startswith("ce-"):
                    assert event[name[3:]] == value
            assert event["data"] == orjson.loads(stored.body)


async def test_one_instance_by_its_id(client: Bus, show: Callable[..., Any]) -> None:
    await life(client)
    expected = ["requested 1", "scheduled 1", "activated 1", "stop-requested 1"]
    assert words(await show(instance=FIRST)) == expected
    assert words(await show(instance=FIRST, limit=2)) == expected[:2]
    assert words(await show(instance=FIRST, type="*.stop-*")) == ["stop-requested 1"]


async def test_with_it_what_host_and_network_set_aside_for_it_and_took_back(
    client: Bus, show: Callable[..., Any]
) -> None:
    await life(client)
    assert words(await show(instance=SECOND, related=True)) == [
        "requested 2",
        "claims-granted h",
        "addresses-allocated 3",
        "scheduled 2",
        "activated 2",
        "deletion-requested 2",
        "claims-released h",
        "addresses-released 3",
    ]


@pytest.mark.parametrize("project", ["ada", "p-ada"])
async def test_one_project_by_name_and_id(client: Bus, show: Callable[..., Any], project: str) -> None:
    await life(client)
    shown = await show(project=project)
    assert words(shown) == [
        "created a",
        "role-granted a",
        "created 3",
        "requested 1",
        "addresses-allocated 3",
        "scheduled 1",
        "activated 1",
        "addresses-allocated 3",
        "stop-requested 1",
        "addresses-released 3",
    ]


async def test_whose_an_instance_is_is_known_though_it_was_requested_before_what_is_asked_for(
    client: Bus, show: Callable[..., Any]
) -> None:
    await life(client)
    since = BEGIN + timedelta(minutes=5)
    assert words(await show(project="bob", since=since)) == ["deletion-requested 2"]
    await write(client, hosts(1, events=100))
    later = BEGIN + timedelta(hours=10)
    await Repository(client, may_append=anybody).execute(Instance, FIRST, partial(delete, at=later), AUTHOR)
    assert words(await show(project="ada", since=later)) == ["deletion-requested 1"]
    assert await show(project="bob", since=later) == []
    assert words(await show(project="bob", since=since, related=True)) == [
        "deletion-requested 2",
        "claims-released h",
        "addresses-released 3",
    ]


async def test_times_are_the_events_own_and_both_ends_are_in(client: Bus, show: Callable[..., Any]) -> None:
    await write(client, hosts(2, events=300, step=timedelta(minutes=1)))
    shown = await show(since=BEGIN + timedelta(minutes=200), until=BEGIN + timedelta(minutes=420))
    assert [event["time"] for event in shown] == sorted(event["time"] for event in shown)
    assert len(shown) == 221
    assert await show(since=BEGIN + timedelta(days=30)) == []
    assert await show(until=BEGIN - timedelta(days=30)) == []
    assert len(await show(since=BEGIN - timedelta(days=30))) == 600


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("host.*", 4),
        ("chronova.host.registered.v1", 1),
        ("*registered*", 1),
        ("*.v1", 22),
        ("instance", 0),
        ("HOST.*", 0),
    ],
)
async def test_types_are_matched_whole_or_short(
    client: Bus, show: Callable[..., Any], pattern: str, count: int
) -> None:
    await life(client)
    assert len(await show(type=pattern)) == count


async def test_people_see_who_it_was_by_name(client: Bus, settings: Region, capsys: pytest.CaptureFixture[str]) -> None:
    await life(client)
    await events(settings.data, replace(ALL, as_json=False, instance=FIRST))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["user:ada", "user:test", "user:test", "user:ada"]
    assert lines[0].split()[:2] == [written(BEGIN + timedelta(minutes=1)), "9"]


async def test_what_is_not_there_is_said_in_a_sentence(client: Bus, show: Callable[..., Any], settings: Region) -> None:
    await life(client)
    unknown = "99999999-0000-4000-8000-000000000000"
    for asked, sentence in (
        ({"instance": unknown}, f"There is no instance {unknown} in the log."),
        ({"instance": unknown, "related": True}, f"There is no instance {unknown} in the log."),
        ({"instance": "vm-ada"}, "vm-ada is no id, and names are known only once the region has run"),
        ({"project": "eve"}, "There is no project eve."),
        ({"project": "p.*"}, r"There is no project p\.\*\."),
    ):
        with pytest.raises(RegionError, match=sentence):
            await show(**asked)


async def test_a_region_that_does_not_run_is_read_too_and_nothing_is_left_running(
    client: Bus, log_server: LogServer, settings: Region, show: Callable[..., Any]
) -> None:
    await life(client)
    await client.close()
    log_server.kill()
    assert len(await show()) == 22
    assert not (settings.run / "nats-server.pid").exists()
    with pytest.raises(RegionError, match="does not run: only one that runs can be followed"):
        await show(follow=True)
    log_server.start()  # on its own port, and its own configuration, again
    await until_connected(settings.log)
    assert len(await show()) == 22


async def test_following_goes_on_with_what_is_new_also_after_the_server_was_killed(
    client: Bus, log_server: LogServer, settings: Region
) -> None:
    await life(client)
    command = [sys.executable, "-m", "services.cli.main", "events", "--data", str(settings.data)]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--follow", "--json", "--project", "ada", "--since", written(BEGIN + timedelta(minutes=5))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert words([orjson.loads(await process.stdout.readline())]) == ["stop-requested 1"]
            assert words([orjson.loads(await process.stdout.readline())]) == ["addresses-released 3"]
            log_server.kill()
            log_server.start()
            await until_connected(log_server.log)
            position = await requested_again(client)
            event = orjson.loads(await process.stdout.readline())
            assert (event["position"], event["subject"]) == (position, "instance/new")
            process.send_signal(signal.SIGINT)
            rest, said = await process.communicate()
            assert (process.returncode, rest) == (0, b""), said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_is_looked_up_meanwhile_waits_for_the_log_too(
    client: Bus, log_server: LogServer, settings: Region
) -> None:
    await life(client)
    actors = Actors(DirectGet(client, "EVENTS"))
    [[*batch]] = [page async for page in DirectGet(client, "EVENTS").pages(f"evt.instance.{FIRST}")]
    log_server.kill()
    while client.is_connected:
        await asyncio.sleep(0.01)
    learning = asyncio.create_task(Events(settings, client, ALL).patiently(lambda: actors.learn(batch)))
    await asyncio.sleep(0)
    log_server.start()
    await asyncio.wait_for(learning, 30)
    assert actors.names[f"user:{ADA}"] == "user:ada"


async def requested_again(client: Bus) -> int:
    """A new instance of ada's, as soon as the log takes it."""
    parts: dict[str, Any] = {
        "project_id": "p-ada",
        "user_id": ADA,
        "name": "vm",
        "hostname": "vm",
        "flavor": {},
        "image": {},
    }
    while True:
        try:
            return (
                await Repository(client, may_append=anybody).create(
                    request("new", at=BEGIN + timedelta(hours=1), **parts), AUTHOR
                )
            ).position
        except LogUnavailable:
            await asyncio.sleep(0.02)


async def test_a_reader_that_has_had_enough_is_no_error(client: Bus, settings: Region) -> None:
    await write(client, hosts(1, events=3000, size=100))
    assert await last_position(client) == 3000
    command = (
        f"{sys.executable} -m services.cli.main events --data {settings.data} | head -n 2; echo ${{PIPESTATUS[0]}}"
    )
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, said = await asyncio.wait_for(process.communicate(), 60)
    assert out.splitlines()[-1] == b"0"
    assert said == b""
