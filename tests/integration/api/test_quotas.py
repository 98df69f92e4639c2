"""Quotas: what binds a project, who changes it, and that no race overruns it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.identity.project import Project
from domain.project.usage import Ask
from journal.authority import Source
from journal.connection import connect, disconnect
from journal.envelope import Author
from journal.repository import Repository
from journal.secrets import Secrets
from projections.tables import instances, reservations
from services.api.app import create_app
from services.api.commands import AppliedPosition, Commands
from services.api.endings import Endings
from services.cli.clouds import ADMIN, DEMO
from services.conductor.reactions import Reactions
from services.conductor.repair import Repair
from tests.integration.api.conftest import Api
from tests.integration.conftest import eventually

USER = Author(actor="user:somebody", source=Source.API)
FIRST = {"OpenStack-API-Version": "compute 2.1"}
SECOND = {"OpenStack-API-Version": "compute 2.50"}
NETWORK = {"floating_ips", "fixed_ips", "security_groups", "security_group_rules"}
PERSONALITY = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
ALWAYS = {
    "instances", "cores", "ram", "key_pairs", "metadata_items", "server_groups", "server_group_members",
}  # fmt: skip


async def project_id(api: Api, cloud: str = DEMO) -> str:
    token = await api.get("/identity/v3/auth/tokens", cloud=cloud, headers={"X-Subject-Token": api.tokens[cloud]})
    return str(token["token"]["project"]["id"])


async def limit(api: Api, **limits: Any) -> Any:
    path = f"/v2.1/os-quota-sets/{await project_id(api)}"
    return await api("PUT", path, json={"quota_set": limits}, cloud=ADMIN)


async def test_a_project_has_the_default_limits_until_it_is_given_its_own(api: Api) -> None:
    path = f"/v2.1/os-quota-sets/{await project_id(api)}"
    defaults = (await api.get(f"{path}/defaults"))["quota_set"]
    assert set(defaults) == ALWAYS | {"id"}
    assert (await api.get(path))["quota_set"] == defaults
    changed = await limit(api, instances=3, cores="-1")
    assert changed.status_code == 200
    assert "id" not in changed.json()["quota_set"]
    shown = (await api.get(path))["quota_set"]
    assert (shown["instances"], shown["cores"], shown["ram"]) == (3, -1, defaults["ram"])
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 202
    assert (await api.get(path))["quota_set"] == defaults


async def test_older_versions_have_more_resources(api: Api) -> None:
    path = f"/v2.1/os-quota-sets/{await project_id(api)}"
    assert set((await api.get(path, headers=FIRST))["quota_set"]) == ALWAYS | NETWORK | PERSONALITY | {"id"}
    assert set((await api.get(path, headers=SECOND))["quota_set"]) == ALWAYS | PERSONALITY | {"id"}
    first = (await api.get("/v2.1/os-quota-class-sets/default", cloud=ADMIN, headers=FIRST))["quota_class_set"]
    assert set(first) == (ALWAYS - {"server_groups", "server_group_members"}) | NETWORK | PERSONALITY | {"id"}
    newest = (await api.get("/v2.1/os-quota-class-sets/default", cloud=ADMIN))["quota_class_set"]
    assert set(newest) == ALWAYS | {"id"}


async def test_an_operator_changes_the_defaults_of_all_projects(api: Api) -> None:
    body = {"quota_class_set": {"instances": 1}}
    path = "/v2.1/os-quota-class-sets/default"
    changed = await api("PUT", path, json=body, cloud=ADMIN)
    assert changed.json()["quota_class_set"]["instances"] == 1
    assert (await api.get(path, cloud=ADMIN))["quota_class_set"]["instances"] == 1
    own = f"/v2.1/os-quota-sets/{await project_id(api)}"
    assert (await api.get(f"{own}/defaults"))["quota_set"]["instances"] == 1
    await api.create()
    refused = await api("POST", "/v2.1/servers", json=await api.server_body())
    assert refused.status_code == 403
    assert (await limit(api, instances=2)).status_code == 200
    await api.create()
    again = await api("PUT", path, json={"quota_class_set": {"instances": 5, "cores": 6}}, cloud=ADMIN)
    assert again.json()["quota_class_set"]["cores"] == 6
    assert (await api("PUT", path, json=body)).status_code == 403


async def test_wrong_changes_are_refused(api: Api) -> None:
    await api.create()
    own = f"/v2.1/os-quota-sets/{await project_id(api)}"
    cases: list[tuple[str, Any, int]] = [
        (own, {"quota_set": {"instances": 0}}, 400),
        (own, {"quota_set": {"instances": -2}}, 400),
        (own, {"quota_set": {"instances": "many"}}, 400),
        (own, {"quota_set": {"horses": 1}}, 400),
        (own, {"quota_set": {"floating_ips": 1}}, 400),  # no longer in 2.96
        (own, {}, 400),
        ("/v2.1/os-quota-sets/none", {"quota_set": {"cores": 1}}, 400),
        (f"{own}?user_id=u", {"quota_set": {"cores": 9}}, 501),
        ("/v2.1/os-quota-class-sets/a.b", {"quota_class_set": {"cores": 9}}, 400),
    ]
    before = await api.position()
    for path, body, status in cases:
        assert (await api("PUT", path, json=body, cloud=ADMIN)).status_code == status, (path, body)
    assert (await api("PUT", own, json={"quota_set": {"cores": 9}})).status_code == 403
    assert await api.position() == before
    forced = await limit(api, instances=0, force=True)
    assert forced.json()["quota_set"]["instances"] == 0


async def test_a_server_beyond_the_quota_is_refused_in_novas_words_and_nothing_is_recorded(api: Api) -> None:
    await limit(api, instances=1, cores=1)
    await api.create()
    before = await api.position()
    refused = await api("POST", "/v2.1/servers", json=await api.server_body(flavorRef="3"))
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == (
        "Quota exceeded for cores, instances: Requested 2, 1, but already used 1, 1 of 1, 1 cores, instances"
    )
    assert await api.position() == before


async def test_of_several_servers_as_many_are_made_as_the_quota_allows(api: Api) -> None:
    await limit(api, instances=2)
    refused = await api("POST", "/v2.1/servers", json=await api.server_body(min_count=3, max_count=4))
    assert refused.json()["forbidden"]["message"] == (
        "Quota exceeded for instances: Requested 3-4, but already used 0 of 2 instances"
    )
    assert (await api("POST", "/v2.1/servers", json=await api.server_body(min_count=1, max_count=4))).status_code == 202

    async def made() -> bool:
        return len((await api.get("/v2.1/servers"))["servers"]) == 2

    await eventually(made)


async def test_limits_and_details_say_what_is_used(api: Api) -> None:
    await api.create(flavorRef="3")
    absolute = (await api.get("/v2.1/limits"))["limits"]["absolute"]
    used = [absolute[f"total{name}Used"] for name in ("Instances", "Cores", "RAM")]
    assert used == [1, 2, 2048]
    assert (absolute["maxTotalInstances"], absolute["maxTotalCores"], absolute["maxServerMeta"]) == (10, 20, 128)
    detail = (await api.get(f"/v2.1/os-quota-sets/{await project_id(api)}/detail"))["quota_set"]
    assert detail["cores"] == {"in_use": 2, "limit": 20, "reserved": 0}


async def test_a_deleted_server_gives_its_quota_back(api: Api) -> None:
    running, clock = api.running, api.clock
    await api.add_host()
    running.run(Reactions(running.plane.client, running.plane.repository, clock).run())
    await limit(api, instances=1)
    server_id = await api.active()
    assert (await api("DELETE", f"/v2.1/servers/{server_id}")).status_code == 204
    await api.settle(server_id)

    async def free() -> bool:
        return bool((await api.get("/v2.1/limits"))["limits"]["absolute"]["totalInstancesUsed"] == 0)

    await eventually(free)
    await api.create()


@asynccontextmanager
async def another_replica(api: Api) -> AsyncIterator[Api]:
    """A second API of the same region, over a connection and a repository of its own."""
    bus = await connect(api.settings.log.url, api.settings.log.control_seed, name="replica")
    other = object.__new__(Api)
    other.__dict__.update(vars(api))
    other.applied = AppliedPosition(bus, api.running.plane.reads)
    await other.applied.start()
    endings = Endings(bus, api.running.plane.reads, api.clock)
    await endings.start()
    commands = Commands(Repository(bus), other.applied, endings)
    fields = {name: getattr(api.dependencies, name) for name in api.dependencies.__dataclass_fields__}
    other.dependencies = type(api.dependencies)(
        **{**fields, "commands": commands, "applied": other.applied, "endings": endings}
    )
    transport = type(api.http._transport)(create_app(other.dependencies))  # type: ignore[call-arg]
    other.http = type(api.http)(transport=transport, base_url=api.http.base_url, headers=api.http.headers)
    try:
        async with other.http:
            yield other
    finally:
        await disconnect(bus)


async def test_fifty_creates_that_race_through_three_replicas_make_exactly_ten_servers(api: Api) -> None:
    body = await api.server_body()
    async with another_replica(api) as second, another_replica(api) as third:
        replicas = [api, second, third]
        answers = await asyncio.gather(
            *(replicas[number % 3]("POST", "/v2.1/servers", json=body) for number in range(50))
        )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] * 10 + [403] * 40
    made = await api.running.plane.reads.query(
        lambda connection: connection.execute(select(func.count()).select_from(instances)).scalar()
    )
    assert made == 10
    saved = await api.running.plane.repository.load(Project, await project_id(api), fresh=True)
    assert saved.aggregate.usage == {"instances": 10, "cores": 10, "ram": 1280}


async def test_creates_of_one_user_that_wait_are_reserved_together(api: Api) -> None:
    body = await api.server_body()
    answers = await asyncio.gather(*(api("POST", "/v2.1/servers", json=body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    history = await api.running.plane.repository.history(Project, await project_id(api))
    appended = [recorded for recorded in history if recorded.type == "chronova.project.usage-reserved.v1"]
    assert sum(len(recorded.event.reservations) for recorded in appended) == 8  # type: ignore[attr-defined]
    assert len(appended) < 8


@pytest.fixture
def repair(api: Api) -> Repair:
    plane = api.running.plane
    return Repair(plane.repository, plane.reads, Secrets(plane.client), api.clock)


async def held(api: Api) -> set[str]:
    return await api.running.plane.reads.query(
        lambda connection: set(connection.execute(select(reservations.c.holder)).scalars())
    )


async def test_what_was_reserved_for_a_server_that_never_came_is_given_back_after_a_while(
    api: Api, repair: Repair
) -> None:
    own = await project_id(api)
    amounts = {"instances": 1, "cores": 1, "ram": 128}
    await api.dependencies.commands.reserve(own, Ask({"never": amounts}), {}, api.clock(), USER)
    server_id = await api.create()
    await repair.sweep()  # it may still come
    assert await held(api) == {"never", server_id}
    api.clock.ahead = timedelta(seconds=61)
    await repair.sweep()

    async def gone() -> bool:
        return await held(api) == {server_id}

    await eventually(gone)


async def test_a_server_without_a_reservation_is_counted_also_beyond_the_limit(api: Api, repair: Repair) -> None:
    server_id, own = await api.create(), await project_id(api)
    await api.dependencies.commands.unreserve(own, [server_id], api.clock(), USER)
    assert (await limit(api, instances=0)).status_code == 200
    api.clock.ahead = timedelta(seconds=61)

    async def counted() -> bool:
        await repair.sweep()
        return await held(api) == {server_id}

    await eventually(counted)
    assert (await api("POST", "/v2.1/servers", json=await api.server_body())).status_code == 403
