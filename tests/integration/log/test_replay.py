"""`chronova replay` on a real log: the state as it was, and what has changed since."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.registry import AGGREGATES
from journal.bus import Bus
from journal.errors import LogBroken
from journal.stored import header_block
from services.cli.log.commands import replay as replay_command
from services.cli.log.replay import Moment, replay
from services.cli.region import Region, RegionError
from tests.e2e.conftest import chronova
from tests.integration.log.histories import BEGIN
from tests.integration.log.test_events import FIRST, NETWORK, SECOND, life


@pytest.fixture
def show(settings: Region, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    async def run(kind: str, given: str, at: Moment | None = None) -> dict[str, Any]:
        await replay(settings.data, kind, given, at, as_json=True)
        document: dict[str, Any] = orjson.loads(capsys.readouterr().out)
        return document

    return run


async def test_the_state_now_is_the_folded_one_and_nothing_has_changed_since(
    client: Bus, show: Callable[..., Any]
) -> None:
    await life(client)
    shown = await show("instance", FIRST)
    assert shown["then"] == shown["now"]
    assert shown["changes"] == []
    assert (shown["now"]["state"]["vm_state"], shown["now"]["state"]["task"]) == ("active", "powering-off")
    assert (shown["kind"], shown["id"], shown["now"]["position"]) == ("instance", FIRST, 19)


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (13, ("building", "scheduling", 10)),
        (18, ("active", None, 18)),
        (BEGIN + timedelta(minutes=4, seconds=59), ("active", None, 18)),
    ],
)
async def test_the_state_at_a_moment_and_what_has_changed_since(
    client: Bus, show: Callable[..., Any], at: Moment, state: tuple[str, str | None, int]
) -> None:
    await life(client)
    shown = await show("instance", SECOND, at)
    then = shown["then"]
    assert (then["state"]["vm_state"], then["state"]["task"], then["position"]) == state
    changes = {change["field"]: (change["then"], change["now"]) for change in shown["changes"]}
    assert changes["want"] == ("running", "absent")
    assert changes["task"] == (state[1], "deleting")


async def test_entries_that_have_come_are_told_without_a_then(client: Bus, show: Callable[..., Any]) -> None:
    await life(client)
    shown = await show("host", "h", 8)
    assert {"field": f"claims.{FIRST}", "now": {"vcpus": 1, "memory_mib": 1, "disk_gib": 1}} in shown["changes"]
    (port,) = (await show("network", NETWORK, 16))["now"]["state"]["ports"].values()
    assert port["instance_id"] == FIRST


def test_every_kind_of_aggregate_can_be_named() -> None:
    assert AGGREGATES.keys() <= {parameter.name for parameter in replay_command.params}


async def test_what_is_not_there_is_said_in_a_sentence(client: Bus, show: Callable[..., Any]) -> None:
    await life(client)
    for kind, given, at, sentence in (
        ("instance", "99999999-0000-4000-8000-000000000000", None, "There is no instance 99999999.* in the log."),
        ("host", "no.such>", None, "There is no host no.such> in the log."),
        ("instance", FIRST, 8, f"There was no instance {FIRST} yet at position 8: it begins at .*, position 9."),
        ("instance", FIRST, BEGIN, f"There was no instance {FIRST} yet at 2026-01-02T03:04:05.000000Z"),
        ("instance", FIRST, 23, "The log ends at position 22: there is no position 23 yet."),
    ):
        with pytest.raises(RegionError, match=sentence):
            await show(kind, given, at)


async def test_an_event_of_a_newer_version_is_named(client: Bus, show: Callable[..., Any]) -> None:
    block = header_block({"ce-type": "chronova.host.exploded.v9", "ce-sequence": "1", "ce-id": "1"})
    await client.ask("evt.host.x", b'{"timestamp":"2026-01-02T03:04:05Z"}', block=block, seconds=2)
    with pytest.raises(LogBroken, match=r"An event of host x cannot be read by this version: .*exploded"):
        await show("host", "x")


def test_the_command_line_explains_itself(settings: Region) -> None:
    for command in (["events"], ["replay"], ["log"], ["log", "export"], ["log", "import"]):
        done = chronova(*command, "--help")
        assert done.code == 0
        assert "Examples:" in done.output or command == ["log"]
    for arguments, sentence in (
        (("replay",), "Name one of --instance, --host"),
        (("replay", "--host", "a", "--user", "b"), "Name one of --instance, --host"),
        (("replay", "--host", "a", "--at", "noon"), "'noon' is not a moment"),
        (("events", "--related"), "name them with --instance or --project"),
        (("events", "--instance", "a", "--project", "b"), "cannot be asked for together"),
        (("events", "--follow", "--until", "1m"), "cannot be asked for together"),
        (("events", "--since", "12"), "'12' is not a moment"),
    ):
        done = chronova(*arguments, "--data", str(settings.data))
        assert (done.code, sentence in done.errors) == (2, True), done.errors
    done = chronova("replay", "--host", "a", "--data", str(settings.data / "nowhere"))
    assert (done.code, done.output) == (1, "")
    assert "There is no region in" in done.errors
