"""A whole region from one file: everything that was, is; and nothing that is secret, unless it was asked for."""

from functools import partial
from pathlib import Path

import pytest

from domain.instance.deletion import delete
from domain.instance.instance import Instance
from journal.bus import Bus
from journal.positions import Positions
from journal.secrets import Secrets
from journal.streams import last_position
from projections.audit import Mark, verify
from projections.read_model import open_engine, sqlite_url
from services.cli.agents import run_agents
from services.cli.clouds import ADMIN, DEMO, passwords
from services.cli.control_plane import prepare_region
from services.cli.log.exporting import export
from services.cli.log.importing import import_log
from services.cli.log.opened import held, served
from services.cli.region import Region
from tests.integration.conftest import Running
from tests.integration.log.contents import content, digest, opened, printed, project, rows
from tests.integration.region.test_life import AUTHOR, begin, now, until

PLANTED = b"planted-secret"
KEPT = {f"instance.{{}}.{what}": PLANTED + b"-" + what.encode() for what in ("user_data", "admin_password")}


@pytest.fixture
async def lived(region: Running, settings: Region) -> Running:
    """A region in which instances were made and deleted, with secrets; and which has come to rest."""
    for service in (region.plane.scheduler(), region.plane.conductor(), run_agents(settings)):
        region.run(service)
    instances = [await begin(region, user_data_sha256="0" * 64) for _ in range(4)]
    for instance in instances:
        for key, value in KEPT.items():
            await Secrets(region.plane.client).put(key.format(instance), value)
        await until(region, instance, vm_state="active", task_state=None)
    for instance in instances[:2]:
        await region.plane.repository.execute(Instance, instance, partial(delete, at=now()), AUTHOR)
        await until(region, instance, vm_state="deleted")
    await region.stop()
    return region


def holds_a_secret(*paths: Path) -> bool:
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    assert files
    return any(PLANTED in file.read_bytes() for file in files)


async def test_the_log_is_the_same_and_so_is_what_follows_from_it(
    lived: Running, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "export", tmp_path / "elsewhere" / "region"
    original = await content(lived.plane.client)
    await export(settings.data, file, with_secrets=False, as_json=True)
    said = printed(capsys)
    assert (said["events"], said["digest"]) == (len(original), await digest(lived.plane.client))
    assert said["events"] > 40

    await import_log(data, file, as_json=True)

    assert printed(capsys) == {
        "data": str(data),
        "region": settings.id,
        "events": len(original),
        "digest": said["digest"],
        "mark": said["mark"],
        "secrets": 0,
        "resumed_after": 0,
        "images": [settings.derived_id("image tiny")],
    }
    imported = Region.load(data)
    assert imported is not None
    assert imported.with_settings(data=settings.data, session=settings.session) == settings
    await project(lived.plane.client, settings.read_model)  # what was projected live, to its end
    await project(lived.plane.client, tmp_path / "again.sqlite")
    async with opened(data) as client:
        assert await content(client) == original
        assert await digest(client) == said["digest"]
        assert await Positions(client).everything() == await Positions(lived.plane.client).everything()
        await project(client, tmp_path / "imported.sqlite")
        await require_sound(client, tmp_path / "imported.sqlite", said["mark"])
    tables = rows(tmp_path / "imported.sqlite")
    assert tables == rows(tmp_path / "again.sqlite") == rows(settings.read_model)
    filled = {name for name, found in tables.items() if found}
    assert {"instances", "instance_actions", "claims", "ports", "hosts", "images", "users", "role_grants"} <= filled


async def require_sound(client: Bus, read_model: Path, mark: str) -> None:
    """What an auditor finds, who has noted down what the export said."""
    engine = open_engine(sqlite_url(read_model))
    try:
        verdict = await verify(client, engine, expected=Mark.from_text(mark), progress=lambda _done, _all: None)
    finally:
        engine.dispose()
    assert str(verdict.mark) == mark
    assert verdict.compared_at == verdict.events == await last_position(client)


async def test_secrets_are_in_neither_log_nor_export_unless_they_are_asked_for(
    lived: Running, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret_passwords = [password.encode() for password in passwords(settings.clouds_yaml).values()]
    plain, secret, data = tmp_path / "plain", tmp_path / "secret", tmp_path / "rebuilt"
    await export(settings.data, plain, with_secrets=False, as_json=True)
    assert printed(capsys)["secrets"] == 0
    await export(settings.data, secret, with_secrets=True, as_json=False)
    assert "It holds 7 secrets, passwords among them" in capsys.readouterr().out
    for _, subject, block, body in await content(lived.plane.client):
        assert not [word for word in (PLANTED, *secret_passwords) if word in b"".join((subject.encode(), block, body))]

    await import_log(tmp_path / "without", plain, as_json=True)
    await import_log(data, secret, as_json=True)
    assert not holds_a_secret(tmp_path / "without")
    assert holds_a_secret(data)
    for path in (plain, secret):
        assert path.stat().st_mode & 0o777 == 0o600
    # What a deleted instance had is deleted with it.
    async with opened(data) as client:
        restored = dict([secret async for secret in Secrets(client).everything()])
    assert restored == dict([secret async for secret in Secrets(lived.plane.client).everything()])
    assert sorted(value for value in restored.values() if PLANTED in value) == sorted([*KEPT.values()] * 2)
    assert passwords(data / "clouds.yaml") == passwords(settings.clouds_yaml)


async def test_a_region_without_its_secrets_gets_new_passwords_and_says_so(
    lived: Running, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "export", tmp_path / "rebuilt"
    await export(settings.data, file, with_secrets=False, as_json=True)
    await import_log(data, file, as_json=True)
    said = await first_start(data, capsys)
    assert f"The user admin has a new password: it is in {data}/clouds.yaml." in said
    assert f"The user demo has a new password: it is in {data}/clouds.yaml." in said
    known = passwords(data / "clouds.yaml")
    assert known.keys() == {ADMIN, DEMO}
    assert not set(known.values()) & set(passwords(settings.clouds_yaml).values())
    assert "password" not in await first_start(data, capsys)


async def test_a_region_with_its_secrets_keeps_its_passwords(
    lived: Running, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "export", tmp_path / "rebuilt"
    await export(settings.data, file, with_secrets=True, as_json=True)
    await import_log(data, file, as_json=True)
    assert "password" not in await first_start(data, capsys)
    assert passwords(data / "clouds.yaml") == passwords(settings.clouds_yaml)


async def test_the_bytes_of_the_first_image_come_back_where_they_are_known(
    lived: Running, settings: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "export", tmp_path / "rebuilt"
    await export(settings.data, file, with_secrets=False, as_json=True)
    await import_log(data, file, as_json=False)
    image = settings.derived_id("image tiny")
    assert f"Copy these files into {data}/images:\n  {image}\n" in capsys.readouterr().out
    assert not (data / "images" / image).exists()

    other = tmp_path / "other-build.qcow2"
    other.write_bytes(b"QFI\xfb" + bytes(60))
    said = await first_start(data, capsys, guest_image=other)
    assert f"The bytes of the image tiny are not in the image store: copy the file {image} into {data}/images." in said
    assert list((data / "images").iterdir()) == []

    assert "The bytes of the image tiny are in the image store again." in await first_start(data, capsys)
    assert (data / "images" / image).read_bytes() == (settings.images / image).read_bytes()


async def first_start(data: Path, capsys: pytest.CaptureFixture[str], guest_image: Path | None = None) -> str:
    """What `chronova up` says before its services begin; it appends nothing."""
    region = Region.load(data)
    assert region is not None
    capsys.readouterr()
    with held(region):
        async with served(region, name="test") as client:
            before = await content(client)
            apart = region.with_settings(nats_port=client.connected_url.port)
            await prepare_region(apart, guest_image)
            assert await content(client) == before
    return capsys.readouterr().out
