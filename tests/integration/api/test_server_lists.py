"""Lists of servers: which of them, in which order, what in which microversion, and at which price."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import Api


def version(number: str) -> dict[str, str]:
    return {"OpenStack-API-Version": f"compute {number}"}


@contextmanager
def questions(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the read model meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and "checkpoints" not in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def names(api: Api, query: str, *, cloud: str = DEMO, number: str = "2.96") -> list[str]:
    answer = await api.get(f"/v2.1/servers?{query}", cloud=cloud, headers=version(number))
    return [server["name"] for server in answer["servers"]]


async def test_a_list_is_one_question_however_long_it_is(api: Api) -> None:
    await api.add_host()
    ids = [await api.active(name=f"vm-{number}", tags=["a"], metadata={"b": "c"}) for number in range(4)]
    for path in ("/v2.1/servers", "/v2.1/servers/detail"):
        for query, price in (
            ("", 1),
            ("limit=2", 1),
            ("status=ACTIVE&tags=a&ip=10.&name=vm&sort_key=display_name", 1),
            (f"limit=2&marker={ids[3]}", 2),  # where the marker stands is a question of its own
        ):
            with questions(api.running.plane.engine) as asked:
                await api.get(f"{path}?{query}")
            assert len(asked) == price, (path, query, asked)
    with questions(api.running.plane.engine) as asked:
        await api.get(f"/v2.1/servers/{ids[0]}")
    assert len(asked) == 1


async def test_users_filter_by_more_since_2_83(api: Api) -> None:
    server_id = await api.active(name="runs")
    await api.create(name="waits", config_drive=False)
    shown = (await api.get(f"/v2.1/servers/{server_id}"))["server"]
    for query in (
        "vm_state=active",
        "power_state=1",
        "task_state=none-at-all&vm_state=active",
        "config_drive=True",
        f"launched_at={shown['OS-SRV-USG:launched_at']}",
        f"launched_at={shown['OS-SRV-USG:launched_at'][:10]}",
        "availability_zone=nova",
    ):
        expected = [] if "none-at-all" in query else ["runs"]
        assert await names(api, query) == expected, query
        assert set(await names(api, query, number="2.82")) == {"runs", "waits"}, query
    assert await names(api, "config_drive=False") == ["waits"]
    assert await names(api, "task_state=scheduling") == ["waits"]
    assert await names(api, "terminated_at=2020") == []
    assert await names(api, "key_name=none") == []
    assert await names(api, f"created_at={shown['created'][:4]}&name=runs") == ["runs"]
    assert await names(api, "created_at=1999") == []
    assert await names(api, "user_id=nobody") == []
    assert await names(api, "progress=0&name=runs") == ["runs"]


async def test_filters_are_ignored_before_they_exist_and_unknown_ones_refused_since_2_75(api: Api) -> None:
    await api.create(name="vm")
    for query, since in (
        ("tags=none", "2.26"),
        ("not-tags=", "2.26"),
        ("changes-before=1999-01-01T00:00:00Z", "2.66"),
        ("locked=true", "2.73"),
        ("ip6=::1", "2.5"),
        ("hostname=none", "2.90"),
    ):
        before = f"2.{int(since[2:]) - 1}"
        assert await names(api, query, number=before) == ["vm"], query
        assert await names(api, query, number=since) == ([] if query != "not-tags=" else ["vm"]), query
    assert await names(api, "colour=red", number="2.74") == ["vm"]
    refused = await api("GET", "/v2.1/servers?colour=red", headers=version("2.75"))
    assert refused.json()["badRequest"]["message"] == "'colour' does not match any of the regexes: '^_'"


async def test_administrators_filter_by_what_others_cannot_see(api: Api) -> None:
    await api.add_host("host-1")
    await api.add_host("host-2")
    first, second = await api.create(name="first", cloud=ADMIN), await api.create(name="second", cloud=ADMIN)
    await api.schedule(first, "host-1")
    await api.schedule(second, "host-2")
    assert await names(api, "host=host-1", cloud=ADMIN) == ["first"]
    assert await names(api, "node=host-2", cloud=ADMIN) == ["second"]
    assert await names(api, "launch_index=1", cloud=ADMIN) == []
    assert await names(api, "display_name=fir", cloud=ADMIN) == ["first"]
    assert await names(api, "sort_key=host&sort_dir=asc", cloud=ADMIN) == ["first", "second"]
    assert await names(api, "sort_key=node&sort_dir=desc", cloud=ADMIN) == ["second", "first"]
    for name in ("_secret", "metadata", "security_groups"):
        refused = await api("GET", f"/v2.1/servers?{name}=1", cloud=ADMIN)
        assert refused.json()["badRequest"]["message"] == f"Invalid filter field: {name}."
        assert (await api("GET", f"/v2.1/servers?{name}=1")).status_code == 200


async def test_tenants_are_chosen_by_administrators_only(api: Api) -> None:
    await api.create(name="ours", cloud=ADMIN)
    theirs = await api.create(name="theirs")
    project = (await api.get(f"/v2.1/servers/{theirs}"))["server"]["tenant_id"]
    assert set(await names(api, "all_tenants=", cloud=ADMIN)) == {"ours", "theirs"}
    assert await names(api, "all_tenants=false", cloud=ADMIN) == ["ours"]
    assert await names(api, f"project_id={project}", cloud=ADMIN) == ["ours"]
    assert await names(api, f"all_tenants=1&project_id={project}", cloud=ADMIN) == ["theirs"]
    assert await names(api, f"all_tenants=1&tenant_id={project}", cloud=ADMIN) == ["theirs"]
    assert (await api("GET", "/v2.1/servers?all_tenants=1")).status_code == 403
    assert (await api("GET", "/v2.1/servers?all_tenants=perhaps", cloud=ADMIN)).status_code == 400


async def test_deleted_servers_are_changes(api: Api) -> None:
    gone = await api.active(name="gone", cloud=ADMIN)
    await api.create(name="stays", cloud=ADMIN)
    await api("DELETE", f"/v2.1/servers/{gone}", cloud=ADMIN)
    await api.settle(gone)
    assert await names(api, "", cloud=ADMIN) == ["stays"]
    for query in ("deleted=true", "status=DELETED", "changes-since=2020-01-01T00:00:00Z&name=gone"):
        assert await names(api, query, cloud=ADMIN) == ["gone"], query
    assert await names(api, "changes-before=2999-01-01T00:00:00Z", cloud=ADMIN) == ["stays", "gone"]


@pytest.mark.parametrize(
    ("query", "number", "status"),
    [
        ("status=flying", "2.38", 400),
        ("status=flying", "2.37", 200),
        ("status=flying&status=ACTIVE", "2.38", 200),
        ("changes-since=2020-01-01T00:00:00Z&changes-before=2019-01-01T00:00:00Z", "2.66", 400),
        ("changes-since=2020-01-01T00:00:00Z&changes-before=2019-01-01T00:00:00Z", "2.65", 200),
        ("sort_key=vcpus", "2.74", 200),
        ("sort_key=vcpus", "2.75", 400),
        ("sort_key=locked", "2.73", 200),
        ("sort_key=colour", "2.1", 400),
        ("deleted=perhaps", "2.96", 200),
        ("limit=-1", "2.1", 400),
        ("limit=0", "2.1", 200),
        ("power_state=high", "2.96", 400),
    ],
)
async def test_what_may_be_asked_depends_on_the_microversion(api: Api, query: str, number: str, status: int) -> None:
    assert (await api("GET", f"/v2.1/servers?{query}", headers=version(number))).status_code == status


async def test_pages_keep_the_order_that_was_asked_for(api: Api) -> None:
    for name, description in (("d", "x"), ("b", "x"), ("a", "w"), ("c", None)):
        await api.create(name=name, description=description)
    query = "sort_key=display_description&sort_dir=desc&sort_key=display_name&sort_dir=asc&limit=1"
    found, path = [], f"/v2.1/servers/detail?{query}"
    for _ in range(4):
        page = await api.get(path)
        found += [server["name"] for server in page["servers"]]
        (following,) = page["servers_links"]
        path = following["href"]
    assert found == ["b", "d", "a", "c"]
    last = await api.get(path)
    assert last == {"servers": []}
