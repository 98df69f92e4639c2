"""Servers: shown, listed, and acted on."""

from typing import Any

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api


async def test_a_server_is_shown_with_where_it_can_be_reached(api: Api) -> None:
    await api.add_host()
    server_id = await api.active()
    shown = (await api.get(f"/v2.1/servers/{server_id}"))["server"]
    assert (shown["status"], shown["OS-EXT-STS:power_state"]) == ("ACTIVE", 1)
    (address,) = shown["addresses"]["private"]
    assert address["addr"] == "10.128.0.2"
    assert (address["version"], address["OS-EXT-IPS:type"]) == (4, "fixed")
    assert address["OS-EXT-IPS-MAC:mac_addr"].startswith("52:54:00:")
    assert shown["flavor"]["original_name"] == "tiny"
    assert shown["OS-EXT-AZ:availability_zone"] == "nova"
    assert "OS-EXT-SRV-ATTR:host" not in shown
    plain = (await api.get(f"/v2.1/servers/{server_id}/ips"))["addresses"]
    assert plain == {"private": [{"version": 4, "addr": "10.128.0.2"}]}
    first = {"OpenStack-API-Version": "compute 2.1"}
    older = (await api.get(f"/v2.1/servers/{server_id}", headers=first))["server"]
    assert older["flavor"]["id"] == "1"
    assert "locked" not in older
    for_admins = (await api.get(f"/v2.1/servers/{server_id}", cloud=ADMIN))["server"]
    assert (for_admins["OS-EXT-SRV-ATTR:host"], for_admins["host_status"]) == ("host-1", "UP")


async def test_another_projects_server_is_not_there(api: Api) -> None:
    theirs = await api.create(cloud=ADMIN)
    before = await api.position()
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/action", {"os-stop": None}),
        ("POST", "/action", {"os-getConsoleOutput": {}}),
        ("GET", "/os-instance-actions", None),
    ):
        answer = await api(method, f"/v2.1/servers/{theirs}{path}", json=body)
        assert answer.status_code == 404, path
        assert answer.json()["itemNotFound"]["message"] == f"Instance {theirs} could not be found."
    assert await api.position() == before
    assert (await api.get("/v2.1/servers"))["servers"] == []


async def test_a_server_is_stopped_started_and_rebooted(api: Api) -> None:
    server_id = await api.active()

    async def state() -> tuple[Any, ...]:
        shown = (await api.get(f"/v2.1/servers/{server_id}"))["server"]
        return shown["status"], shown["OS-EXT-STS:task_state"], shown["OS-EXT-STS:power_state"]

    steps: list[tuple[dict[str, Any], tuple[Any, ...], tuple[Any, ...]]] = [
        ({"os-stop": None}, ("ACTIVE", "powering-off", 1), ("SHUTOFF", None, 4)),
        ({"os-start": None}, ("SHUTOFF", "powering-on", 4), ("ACTIVE", None, 1)),
        ({"reboot": {"type": "SOFT"}}, ("REBOOT", "rebooting", 1), ("ACTIVE", None, 1)),
        ({"reboot": {"type": "HARD"}}, ("HARD_REBOOT", "rebooting_hard", 1), ("ACTIVE", None, 1)),
    ]
    for body, during, after in steps:
        answer = await api.act(server_id, body)
        assert (answer.status_code, answer.content) == (202, b""), answer.text
        assert answer.headers["X-Event-Position"] == str(await api.position())
        assert await state() == during
        await api.settle(server_id)
        assert await state() == after


async def test_an_action_that_is_not_legal_now_is_a_conflict_and_changes_nothing(api: Api) -> None:
    server_id = await api.active()
    before = await api.position()
    refused = await api.act(server_id, {"os-start": None})
    assert refused.status_code == 409
    assert refused.json() == {
        "conflictingRequest": {
            "code": 409,
            "message": f"Cannot 'start' instance {server_id} while it is in vm_state active",
        }
    }
    assert await api.position() == before
    await api.act(server_id, {"os-stop": None})
    again = await api.act(server_id, {"os-stop": None})
    assert again.json()["conflictingRequest"]["message"] == (
        f"Cannot 'stop' instance {server_id} while it is in task_state powering-off"
    )


async def test_an_action_that_there_is_not_is_400_and_one_that_is_not_built_is_501(api: Api) -> None:
    server_id = await api.active()
    unknown = await api.act(server_id, {"fly": None})
    assert (unknown.status_code, unknown.json()["badRequest"]["message"]) == (400, "There is no such action: fly")
    unbuilt = await api.act(server_id, {"addFixedIp": {}})
    assert (unbuilt.status_code, unbuilt.json()["notImplemented"]["code"]) == (501, 501)
    malformed: list[Any] = [{}, [], "os-stop", {"os-stop": None, "os-start": None}, None]
    for body in malformed:
        answer = await api.act(server_id, body)
        assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, "Malformed request body")
    wrong = await api.act(server_id, {"reboot": {"type": "MEDIUM"}})
    assert wrong.status_code == 400


async def test_a_deleted_server_is_gone_but_its_history_is_not(api: Api) -> None:
    server_id = await api.active()
    deleted = await api("DELETE", f"/v2.1/servers/{server_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await api.get(f"/v2.1/servers/{server_id}"))["server"]["OS-EXT-STS:task_state"] == "deleting"
    await api.settle(server_id)
    for method, path in (("GET", ""), ("DELETE", "")):
        assert (await api(method, f"/v2.1/servers/{server_id}{path}")).status_code == 404
    assert (await api.act(server_id, {"os-start": None})).status_code == 404
    actions = (await api.get(f"/v2.1/servers/{server_id}/os-instance-actions"))["instanceActions"]
    assert [action["action"] for action in actions] == ["delete", "create"]
    older = {"OpenStack-API-Version": "compute 2.20"}
    assert (await api("GET", f"/v2.1/servers/{server_id}/os-instance-actions", headers=older)).status_code == 404
    assert (await api.get("/v2.1/servers"))["servers"] == []
    gone = (await api.get("/v2.1/servers/detail?deleted=true&all_tenants=1", cloud=ADMIN))["servers"]
    assert [(server["id"], server["status"]) for server in gone] == [(server_id, "DELETED")]


async def test_instance_actions_tell_who_asked_and_what_became_of_it(api: Api) -> None:
    server_id = await api.active()
    stopped = await api.act(server_id, {"os-stop": None})
    await api.settle(server_id)
    path = f"/v2.1/servers/{server_id}/os-instance-actions"
    actions = (await api.get(path))["instanceActions"]
    assert [action["action"] for action in actions] == ["stop", "create"]
    request_id = stopped.headers["x-openstack-request-id"]
    assert actions[0]["request_id"] == request_id
    shown = (await api.get(f"{path}/{request_id}"))["instanceAction"]
    (event,) = shown["events"]
    assert (event["event"], event["result"]) == ("compute_stop_instance", "Success")
    assert set(event) == {"event", "start_time", "finish_time", "result", "hostId"}
    (event,) = (await api.get(f"{path}/{request_id}", cloud=ADMIN))["instanceAction"]["events"]
    assert event["host"] == "host-1"
    assert (await api("GET", f"{path}/req-none")).status_code == 404
    (newest,) = (await api.get(f"{path}?limit=1"))["instanceActions"]
    (oldest,) = (await api.get(f"{path}?limit=1&marker={newest['request_id']}"))["instanceActions"]
    assert (newest["action"], oldest["action"]) == ("stop", "create")


async def test_the_console_is_read_from_the_servers_host(api: Api) -> None:
    server_id = await api.create()
    building = await api.act(server_id, {"os-getConsoleOutput": {}})
    assert building.status_code == 409
    assert "get_console_output" in building.json()["conflictingRequest"]["message"]
    await api.schedule(server_id)
    await api.settle(server_id)
    for options, lines in (({}, None), ({"length": 5}, 5), ({"length": "7"}, 7), ({"length": -1}, None), (None, None)):
        answer = await api.act(server_id, {"os-getConsoleOutput": options})
        assert (answer.status_code, answer.json()) == (200, {"output": "login:"})
        assert api.console.asked[-1] == ("host-1", server_id, lines)
    assert (await api.act(server_id, {"os-getConsoleOutput": {"length": "x"}})).status_code == 400
    api.console.output = None
    silent = await api.act(server_id, {"os-getConsoleOutput": {}})
    assert silent.status_code == 503
    assert "does not answer" in silent.json()["serviceUnavailable"]["message"]


async def test_a_list_is_filtered(api: Api) -> None:
    web, db = await api.active(name="web-1"), await api.create(name="db-1", flavorRef="2")
    image_id = await api.image_id()
    cases: list[tuple[str, set[str]]] = [
        ("", {web, db}),
        ("name=web", {web}),
        ("name=^1", set()),
        ("name=1$", {web, db}),
        ("status=ACTIVE", {web}),
        ("status=build", {db}),
        ("status=ACTIVE&status=BUILD", {web, db}),
        ("flavor=2", {db}),
        (f"image={image_id}", {web, db}),
        ("image=none", set()),
        ("ip=10.128.0.2", {web}),
        ("ip=^10.128.1", set()),
        ("changes-since=2020-01-01T00:00:00Z", {web, db}),
        ("changes-since=2999-01-01T00:00:00Z", set()),
        (f"uuid={db}", {db}),
        ("host=host-1", {web, db}),  # for administrators alone: others' is ignored
        ("tags=x", set()),
    ]
    for query, expected in cases:
        found = {server["id"] for server in (await api.get(f"/v2.1/servers?{query}"))["servers"]}
        assert found == expected, query
    on_host = (await api.get("/v2.1/servers?host=host-1&all_tenants=1", cloud=ADMIN))["servers"]
    assert [server["id"] for server in on_host] == [web]


async def test_wrong_filters_are_refused(api: Api) -> None:
    for query in (
        "status=flying",
        "name=(a%2B)%2B",
        "changes-since=soon",
        "sort_key=colour",
        "sort_dir=up",
        "foo=1",
        "a=%00",
    ):
        assert (await api("GET", f"/v2.1/servers?{query}")).status_code == 400, query
    deleted = await api("GET", "/v2.1/servers?status=deleted")
    assert deleted.json()["forbidden"]["message"] == "Only administrators may list deleted instances"
    older = {"OpenStack-API-Version": "compute 2.37"}
    assert (await api.get("/v2.1/servers?status=flying", headers=older))["servers"] == []


async def test_a_list_is_sorted_and_cut_into_pages(api: Api) -> None:
    ids = {name: await api.create(name=name) for name in ("b", "c", "a")}

    async def names(query: str) -> list[str]:
        return [server["name"] for server in (await api.get(f"/v2.1/servers/detail?{query}"))["servers"]]

    assert await names("") == ["a", "c", "b"]  # newest first
    assert await names("sort_key=display_name&sort_dir=asc") == ["a", "b", "c"]
    assert await names("sort_key=host&sort_dir=asc&sort_key=display_name&sort_dir=desc") == ["c", "b", "a"]
    assert await names(f"marker={ids['c']}") == ["b"]
    assert await names(f"sort_key=display_name&sort_dir=asc&limit=1&marker={ids['a']}") == ["b"]
    page = await api.get("/v2.1/servers?limit=2")
    (following,) = page["servers_links"]
    rest = (await api.get(following["href"]))["servers"]
    assert [server["name"] for server in page["servers"] + rest] == ["a", "c", "b"]


async def test_administrators_may_list_all_projects(api: Api) -> None:
    await api.create(name="ours", cloud=ADMIN)
    await api.create(name="theirs")
    own = (await api.get("/v2.1/servers", cloud=ADMIN))["servers"]
    every = (await api.get("/v2.1/servers?all_tenants=True", cloud=ADMIN))["servers"]
    assert [server["name"] for server in own] == ["ours"]
    assert {server["name"] for server in every} == {"ours", "theirs"}
