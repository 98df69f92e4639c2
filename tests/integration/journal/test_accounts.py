"""A hostile host, with its own real key, can do nothing but report on what is its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from journal.accounts import inbox_prefix
from journal.streams import call, prepare_host
from services.cli.region import Region
from tests.integration.conftest import Running

FORGED = b'{"forged":true}'


@pytest.fixture
async def hostile(region: Running, settings: Region) -> AsyncIterator[Client]:
    client = Client()

    async def refused(_error: Exception) -> None:
        return

    await client.connect(
        settings.log.url,
        nkeys_seed=str(settings.log.host_seed("host-1")),
        inbox_prefix=inbox_prefix("host-1").encode(),
        error_cb=refused,
    )
    yield client
    await client.close()


async def counts(region: Running) -> dict[str, int]:
    found = {}
    for stream in ("EVENTS", "WORK", "KV_SECRETS", "KV_POSITIONS"):
        found[stream] = (await call(region.plane.client, f"STREAM.INFO.{stream}"))["state"]["messages"]
    return found


@pytest.mark.parametrize(
    "subject",
    [
        "evt.instance.a",
        "evt.host.host-1",
        "work.host-1.a",
        "work.host-2.a",
        "rpt.host-2.state.a",
        "hb.host-2",
        "$KV.SECRETS.user.x",
        "$JS.API.STREAM.INFO.EVENTS",
        "$JS.API.STREAM.PURGE.WORK",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$JS.API.DIRECT.GET.EVENTS",
        "$JS.API.DIRECT.GET.KV_SECRETS.$KV.SECRETS.user.x",
        "$JS.API.CONSUMER.MSG.NEXT.WORK.host-host-2",
        "$JS.API.CONSUMER.MSG.NEXT.REPORTS.conductor",
        "$JS.API.CONSUMER.CREATE.EVENTS",
        "$JS.API.CONSUMER.INFO.WORK.host-host-1",
        "ask.host-2.console",
    ],
)
async def test_what_is_not_its_own_is_refused(region: Running, hostile: Client, subject: str) -> None:
    before = await counts(region)
    with pytest.raises(NatsError):
        await hostile.request(subject, FORGED, timeout=0.3)
    assert await counts(region) == before


@pytest.mark.parametrize(
    "target", ["evt.instance.a", "$JS.API.STREAM.PURGE.WORK", "$KV.SECRETS.user.x", "work.host-2.a"]
)
async def test_a_reply_subject_cannot_smuggle_an_event(region: Running, hostile: Client, target: str) -> None:
    await prepare_host(region.plane.client, "host-1")
    await region.plane.client.request("work.host-1.a", FORGED)
    before = await counts(region)
    for subject in ("rpt.host-1.state.a", "hb.host-1", "$JS.API.CONSUMER.MSG.NEXT.WORK.host-host-1"):
        await hostile.publish(subject, FORGED, reply=target)
    await hostile.flush()
    # A round trip through the same server on the other account: what was smuggled would be there by now.
    await region.plane.client.flush()
    assert await counts(region) == before


async def test_it_cannot_listen_to_others(region: Running, hostile: Client) -> None:
    heard: list[str] = []

    async def hear(message: object) -> None:
        heard.append(str(message))

    for subject in (">", "evt.>", "work.>", "_INBOX.>", "ask.host-2.>", inbox_prefix("host-2") + ".>"):
        with contextlib.suppress(NatsError):
            await hostile.subscribe(subject, cb=hear)
    await hostile.flush()
    await region.plane.client.publish("work.host-2.a", FORGED)
    await region.plane.client.flush()
    await hostile.flush()
    await asyncio.sleep(0)
    assert heard == []


async def test_it_can_answer_what_it_is_asked_and_its_answer_goes_nowhere_else(
    region: Running, hostile: Client
) -> None:
    before = await counts(region)

    async def answer(message: object) -> None:
        await message.respond(b"answer")  # type: ignore[attr-defined]

    await hostile.subscribe("ask.host-1.*", cb=answer)
    await hostile.flush()
    answered = await region.plane.client.request("ask.host-1.console", b"{}", timeout=2)
    assert answered.data == b"answer"
    assert await counts(region) == before
