"""Bad days: what is lost or damaged under a running region, and how it comes back by itself."""

from functools import partial
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from domain.instance import deletion
from domain.instance.instance import Instance
from projections.read_model import open_or_rebuild
from projections.tables import instances
from services.cli.agents import run_agents
from services.cli.region import Region, RegionError, make_directory
from tests.integration.conftest import Running, until_connected
from tests.integration.region.test_life import AUTHOR, begin, now, until


async def test_a_region_whose_log_server_was_killed_builds_and_deletes_again(region: Running) -> None:
    for service in (region.plane.scheduler(), region.plane.conductor(), run_agents(region.plane.region)):
        region.run(service)
    first = await begin(region)
    await until(region, first, vm_state="active")
    for _ in range(2):
        region.server.kill()
        region.server.start()
        await until_connected(region.server.log)
        await until_connected(region.server.log)
    second = await begin_when_connected(region)
    await until(region, second, vm_state="active", task_state=None)
    await region.plane.repository.execute(Instance, first, partial(deletion.delete, at=now()), AUTHOR)
    await until(region, first, deleted=True)


async def begin_when_connected(region: Running) -> str:
    while not region.plane.client.is_connected:
        await region.plane.reads.query(lambda connection: connection.execute(select(instances.c.id)).first())
    return await begin(region)


def test_a_damaged_read_model_is_put_aside_and_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "read-model.sqlite"
    path.write_bytes(b"\x99not a database at all" * 500)
    engine = open_or_rebuild(path)
    with engine.connect() as connection:
        assert connection.execute(select(instances)).all() == []
    engine.dispose()
    assert (tmp_path / "read-model.sqlite.damaged").exists()


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    tmp_path.chmod(0o755)
    with pytest.raises(RegionError, match=r"is not empty and is no region \(thesis\.txt is in it\)"):
        make_directory(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_port", "zz"),
        ("nats_port", 0),
        ("id", "x"),
        ("hosts", ["../../evil"]),
        ("hypervisor", "vbox"),
        ("hosts", 3),
    ],
)
def test_damaged_settings_are_refused_in_a_sentence(settings: Region, name: str, value: object) -> None:
    path = settings.data / "region.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), name: value}))
    with pytest.raises(RegionError, match=r"region\.json is damaged"):
        Region.load(settings.data)


def test_sound_settings_are_the_ones_that_were_kept(settings: Region) -> None:
    assert Region.load(settings.data) == settings
