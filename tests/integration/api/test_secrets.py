"""Secrets stay out of the log: what a user entrusts to an instance is kept beside it, and is gone with it, from disk too."""

import base64
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from journal.errors import LogUnavailable
from journal.follower import read
from journal.secrets import Secrets
from journal.streams import subjects
from services.cli.region import Region
from services.conductor.repair import Repair
from tests.integration.api.conftest import Api
from tests.integration.conftest import eventually

PASSWORD = "planted-admin-password-4711"  # noqa: S105 -- planted, to be looked for
USER_DATA = base64.b64encode(b"#!/bin/sh\necho planted-user-data-0815\n").decode()


@pytest.fixture
async def server_id(api: Api) -> str:
    """A server that runs, with planted secrets."""
    await api.add_host()
    return await api.active(adminPass=PASSWORD, user_data=USER_DATA)


def on_disk(settings: Region) -> dict[str, bytes]:
    """Everything that the log's server has written."""
    root: Path = settings.log.directory / "jetstream"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def kept(api: Api) -> list[str]:
    return await subjects(api.running.plane.client, "KV_SECRETS", "$KV.SECRETS.instance.>")


async def test_no_event_holds_a_secret(api: Api, server_id: str) -> None:
    planted = [PASSWORD, USER_DATA, "planted-user-data", api.password("chronova"), api.password("chronova-admin")]
    events = 0
    async with aclosing(read(api.running.plane.client, until=await api.position())) as batches:
        async for batch in batches:
            for stored in batch:
                events += 1
                whole = stored.block + stored.body
                assert not [secret for secret in planted if secret.encode() in whole], stored.subject
    assert events == await api.position()
    # What is looked for is there to be found, beside the log.
    assert len(await kept(api)) == 2
    assert await Secrets(api.running.plane.client).get(f"instance.{server_id}.admin_password") == PASSWORD.encode()


async def test_the_secrets_of_a_deleted_server_are_gone_from_disk_too(
    api: Api, server_id: str, settings: Region
) -> None:
    assert any(PASSWORD.encode() in content for content in on_disk(settings).values())
    conductor = api.running.run(api.running.plane.conductor())
    answer = await api("DELETE", f"/v2.1/servers/{server_id}")
    assert answer.status_code == 204
    await api.settle(server_id)

    async def all_gone() -> bool:
        return await kept(api) == []

    await eventually(all_gone)
    left = [
        name
        for name, content in on_disk(settings).items()
        if PASSWORD.encode() in content or USER_DATA.encode() in content
    ]
    assert left == []
    assert not conductor.done()


async def test_what_is_not_recorded_leaves_no_secret(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise LogUnavailable("The log is away.")

    monkeypatch.setattr(api.dependencies.commands, "create", away)
    answer = await api("POST", "/v2.1/servers", json=await api.server_body(adminPass=PASSWORD))
    assert answer.status_code == 503
    assert await kept(api) == []


async def test_secrets_of_an_instance_that_never_was_are_swept(api: Api, server_id: str) -> None:
    secrets = Secrets(api.running.plane.client)
    await secrets.put("instance.never-was.admin_password", b"x")
    repair = Repair(api.running.plane.repository, api.running.plane.reads, secrets, api.clock)
    await repair.sweep()
    assert len(await kept(api)) == 3  # it may still be under way
    api.clock.ahead = timedelta(minutes=5)
    await repair.sweep()
    assert [subject for subject in await kept(api) if server_id not in subject] == []
    assert len(await kept(api)) == 2


async def test_secrets_that_outlived_their_instance_are_swept(api: Api, server_id: str) -> None:
    assert (await api("DELETE", f"/v2.1/servers/{server_id}")).status_code == 204
    await api.settle(server_id)
    assert len(await kept(api)) == 2
    api.clock.ahead = timedelta(minutes=5)
    plane = api.running.plane
    await Repair(plane.repository, plane.reads, Secrets(plane.client), api.clock).sweep()
    assert await kept(api) == []


async def test_forgetting_what_is_not_kept_is_no_error(api: Api) -> None:
    await Secrets(api.running.plane.client).forget("instance.nothing.user_data")
