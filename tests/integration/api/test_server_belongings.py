"""What an owner keeps with a server: its name and other details, metadata, tags."""

from typing import Any

import pytest

from domain.instance.instance import Instance
from services.cli.clouds import ADMIN
from tests.integration.api.conftest import BASE, Api

NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"


def version(number: str) -> dict[str, str]:
    return {"OpenStack-API-Version": f"compute {number}"}


async def test_details_can_be_said_anew_at_any_time(api: Api) -> None:
    server_id = await api.create(description="first")
    path = f"/v2.1/servers/{server_id}"
    changes = {
        "name": "db 1",
        "description": None,
        "hostname": "db.example.org",
        "accessIPv4": "192.0.2.7",
        "accessIPv6": "2001:db8::7",
        "OS-DCF:diskConfig": "AUTO",
    }
    answer = await api("PUT", path, json={"server": changes})
    assert answer.status_code == 200
    assert int(answer.headers["X-Event-Position"]) == await api.position()
    server = answer.json()["server"]
    assert {name: server[name] for name in changes if name != "hostname"} == {
        name: value for name, value in changes.items() if name != "hostname"
    }
    assert server["OS-EXT-SRV-ATTR:hostname"] == "db.example.org"
    assert server == (await api.get(path))["server"]
    before = await api.position()
    assert (await api("PUT", path, json={"server": changes})).status_code == 200
    assert await api.position() == before


async def test_the_answer_to_an_update_is_shorter_before_2_75(api: Api) -> None:
    await api.add_host()
    server_id = await api.active()
    path = f"/v2.1/servers/{server_id}"
    short = (await api("PUT", path, json={"server": {"name": "a"}}, headers=version("2.74"))).json()["server"]
    assert set(short) == {
        "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
        "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress", "locked", "description",
        "tags", "trusted_image_certificates", "server_groups", "locked_reason",
    }  # fmt: skip
    assert short["addresses"] == {"private": [{"version": 4, "addr": "10.128.0.2"}]}
    full = (await api("PUT", path, json={"server": {"name": "b"}}, headers=version("2.75"))).json()["server"]
    assert full == (await api.get(path, headers=version("2.75")))["server"]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"name": ""}, "2.96"),
        ({"name": "x" * 256}, "2.96"),
        ({"accessIPv4": "2001:db8::7"}, "2.96"),
        ({"accessIPv6": "192.0.2.7"}, "2.96"),
        ({"description": "x" * 256}, "2.96"),
        ({"description": "d"}, "2.18"),
        ({"hostname": "web"}, "2.89"),
        ({"hostname": "web.example.org"}, "2.93"),
        ({"OS-DCF:diskConfig": "SOME"}, "2.96"),
        ({"status": "ACTIVE"}, "2.96"),
    ],
)
async def test_wrong_details_are_refused(api: Api, asked: dict[str, Any], number: str) -> None:
    server_id = await api.create()
    before = await api.position()
    answer = await api("PUT", f"/v2.1/servers/{server_id}", json={"server": asked}, headers=version(number))
    assert answer.status_code == 400
    assert await api.position() == before


async def test_metadata_is_added_replaced_and_taken_away(api: Api) -> None:
    server_id = await api.active(metadata={"a": "1"})
    path = f"/v2.1/servers/{server_id}/metadata"

    async def ask(method: str, end: str = "", body: Any = None) -> tuple[int, Any]:
        answer = await api(method, f"{path}{end}", json=body)
        return answer.status_code, answer.json() if answer.content else None

    assert await ask("GET") == (200, {"metadata": {"a": "1"}})
    assert await ask("POST", "", {"metadata": {"b": "2"}}) == (200, {"metadata": {"a": "1", "b": "2"}})
    assert await ask("PUT", "/b", {"meta": {"b": "3"}}) == (200, {"meta": {"b": "3"}})
    assert await ask("GET", "/b") == (200, {"meta": {"b": "3"}})
    assert await ask("PUT", "", {"metadata": {"c d": ""}}) == (200, {"metadata": {"c d": ""}})
    assert await ask("DELETE", "/c d") == (204, None)
    assert await ask("GET") == (200, {"metadata": {}})
    assert (await api.get(f"/v2.1/servers/{server_id}"))["server"]["metadata"] == {}
    for method, end, body, status in (
        ("GET", "/none", None, 404),
        ("DELETE", "/none", None, 404),
        ("PUT", "/a", {"meta": {"b": "1"}}, 400),
        ("PUT", "/a", {"meta": {"a": "1", "b": "2"}}, 400),
        ("PUT", "/a", {"meta": {}}, 400),
        ("PUT", "/a", {"metadata": {"a": "1"}}, 400),
        ("POST", "", {"metadata": {"a": 1}}, 400),
        ("POST", "", {"metadata": {"": "1"}}, 400),
        ("POST", "", {"metadata": {"k" * 256: "1"}}, 400),
        ("POST", "", {"metadata": {"a": "v" * 256}}, 400),
        ("POST", "", {"metadata": {"a/b": "1"}}, 400),
        ("POST", "", None, 400),
        ("POST", "", {"metadata": {str(number): "" for number in range(129)}}, 403),
    ):
        assert (await ask(method, end, body))[0] == status, (method, end, body)
    refused = await ask("POST", "", {"metadata": {str(number): "" for number in range(129)}})
    assert refused[1]["forbidden"]["message"] == "Maximum number of metadata items exceeds 128"


async def test_metadata_and_tags_are_left_alone_while_a_server_is_built(api: Api) -> None:
    server_id = await api.create(metadata={"a": "1"}, tags=["a"])
    for method, end, body, words in (
        ("POST", "/metadata", {"metadata": {"b": "2"}}, "update metadata"),
        ("DELETE", "/metadata/a", None, "delete metadata"),
        ("PUT", "/tags/b", None, "update tags"),
        ("DELETE", "/tags", None, "delete tags"),
    ):
        answer = await api(method, f"/v2.1/servers/{server_id}{end}", json=body)
        assert answer.status_code == 409, (method, end)
        assert answer.json()["conflictingRequest"]["message"] == (
            f"Cannot '{words}' instance {server_id} while it is in vm_state building"
        )
    assert (await api.get(f"/v2.1/servers/{server_id}/tags")) == {"tags": ["a"]}


async def test_tags_are_given_and_taken_away(api: Api) -> None:
    server_id = await api.active()
    path = f"/v2.1/servers/{server_id}/tags"
    new = await api("PUT", f"{path}/blue")
    assert (new.status_code, new.headers["Location"]) == (201, f"{BASE}{path}/blue")
    assert (await api("PUT", f"{path}/blue")).status_code == 204
    assert (await api("GET", f"{path}/blue")).status_code == 204
    assert (await api("GET", f"{path}/red")).status_code == 404
    replaced = await api("PUT", path, json={"tags": ["web", "db", "web"]})
    assert (replaced.status_code, replaced.json()) == (200, {"tags": ["db", "web"]})
    assert await api.get(path) == {"tags": ["db", "web"]}
    assert (await api("DELETE", f"{path}/web")).status_code == 204
    missing = await api("DELETE", f"{path}/web")
    assert missing.status_code == 404
    assert missing.json()["itemNotFound"]["message"] == f"Server {server_id} has no tag 'web'"
    assert (await api("DELETE", path)).status_code == 204
    assert await api.get(path) == {"tags": []}
    for method, end, body in (
        ("PUT", "/a,b", None),
        ("PUT", f"/{'t' * 61}", None),
        ("PUT", "/a", {"tags": []}),
        ("PUT", "", {"tags": [""]}),
        ("PUT", "", {"tags": ["a/b"]}),
        ("PUT", "", {"tags": [str(number) for number in range(51)]}),
        ("PUT", "", {}),
    ):
        assert (await api(method, f"{path}{end}", json=body)).status_code == 400, (method, end)
    most = [str(number) for number in range(50)]
    assert (await api("PUT", path, json={"tags": most})).status_code == 200
    full = await api("PUT", f"{path}/more")
    assert full.json()["badRequest"]["message"] == "The number of tags exceeded the per-server limit 50"
    assert (await api("GET", path, headers=version("2.25"))).status_code == 404


async def test_servers_are_found_by_their_tags(api: Api) -> None:
    await api.active(name="web", tags=["web", "blue"])
    db = await api.active(name="db", tags=["db", "blue"])
    await api.active(name="none")

    async def found(query: str) -> set[str]:
        return {server["name"] for server in (await api.get(f"/v2.1/servers?{query}"))["servers"]}

    assert await found("tags=blue") == {"web", "db"}
    assert await found("tags=blue,web") == {"web"}
    assert await found("tags-any=web,db") == {"web", "db"}
    assert await found("not-tags=blue,web") == {"db", "none"}
    assert await found("not-tags-any=web,db") == {"none"}
    assert await found("tags=BLUE") == set()
    assert (await api("PUT", f"/v2.1/servers/{db}/tags", json={"tags": ["db"]})).status_code == 200
    assert await found("tags=blue") == {"web"}


async def test_what_others_keep_cannot_be_seen_or_changed(api: Api) -> None:
    theirs = await api.create(cloud=ADMIN, metadata={"a": "1"}, tags=["a"])
    before = await api.position()
    for method, end, body in (
        ("PUT", "", {"server": {"name": "mine"}}),
        ("GET", "/metadata", None),
        ("GET", "/metadata/a", None),
        ("POST", "/metadata", {"metadata": {"a": "2"}}),
        ("PUT", "/metadata/a", {"meta": {"a": "2"}}),
        ("DELETE", "/metadata/a", None),
        ("GET", "/tags", None),
        ("GET", "/tags/a", None),
        ("PUT", "/tags/b", None),
        ("DELETE", "/tags", None),
    ):
        assert (await api(method, f"/v2.1/servers/{theirs}{end}", json=body)).status_code == 404, (method, end)
        assert (await api(method, f"/v2.1/servers/{NOWHERE}{end}", json=body)).status_code == 404, (method, end)
    assert await api.position() == before


async def test_the_log_says_who_changed_what(api: Api) -> None:
    server_id = await api.active()
    answer = await api("PUT", f"/v2.1/servers/{server_id}/tags/blue")
    newest = (await api.running.plane.repository.history(Instance, server_id))[-1]
    assert newest.type == "chronova.instance.tags-changed.v1"
    assert newest.actor.startswith("user:")
    assert newest.request_id == answer.headers["x-openstack-request-id"]


async def test_a_locked_server_keeps_its_metadata_and_cards_but_its_tags_can_change(api: Api) -> None:
    server_id = await api.active(metadata={"a": "1"})
    assert (await api.act(server_id, {"lock": None})).status_code == 202
    path = f"/v2.1/servers/{server_id}"
    for method, end, body in (
        ("POST", "/metadata", {"metadata": {"b": "2"}}),
        ("DELETE", "/metadata/a", None),
        ("POST", "/os-interface", None),
    ):
        answer = await api(method, f"{path}{end}", json=body)
        assert answer.status_code == 409, end
        assert answer.json()["conflictingRequest"]["message"] == f"Instance {server_id} is locked"
    assert (await api("PUT", f"{path}/tags/blue")).status_code == 201
    assert (await api("DELETE", f"{path}/metadata/a", cloud=ADMIN)).status_code == 204
    await api.create(name="free")
    locked = (await api.get("/v2.1/servers?locked=true"))["servers"]
    assert [server["id"] for server in locked] == [server_id]
    (first, _) = (await api.get("/v2.1/servers?sort_key=locked&sort_dir=desc"))["servers"]
    assert first["id"] == server_id
