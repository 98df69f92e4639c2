"""Images: announced, uploaded, seen, fetched by hosts, deleted."""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from projections.signed_url import LIFETIME, signed
from services.api.app import create_app
from services.api.image.store import exclusive
from services.api.image.sweep import sweep
from services.cli.clouds import ADMIN, DEMO
from tests.integration.api.conftest import BASE, Api

PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}

BYTES = {"Content-Type": "application/octet-stream"}
RAW = os.urandom(3_000_000)
NEW = "8e5bb1c0-0000-4000-8000-000000000000"


async def announce(api: Api, **fields: Any) -> str:
    body = {"name": "mine", "disk_format": "raw", "container_format": "bare", **fields}
    answer = await api("POST", "/image/v2/images", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "queued"
    return str(answer.json()["id"])


async def stored(api: Api, **fields: Any) -> str:
    image_id = await announce(api, **fields)
    answer = await api("PUT", f"/image/v2/images/{image_id}/file", content=RAW, headers=BYTES)
    assert answer.status_code == 204, answer.text
    return image_id


def left(api: Api, image_id: str) -> list[str]:
    """What the store has of an image."""
    return [path.name for path in api.settings.images.iterdir() if path.name.startswith(image_id)]


async def test_an_image_is_announced_uploaded_and_downloaded(api: Api) -> None:
    image_id = await announce(api, id=NEW, os_distro="debian", min_ram=64, tags=["a"])
    assert image_id == NEW
    answer = await api("PUT", f"/image/v2/images/{NEW}/file", content=RAW, headers=BYTES)
    assert (answer.status_code, answer.headers["X-Event-Position"]) == (204, str(await api.position()))
    image = await api.get(f"/image/v2/images/{NEW}")
    assert (image["status"], image["size"], image["virtual_size"]) == ("active", len(RAW), len(RAW))
    assert image["os_hash_value"] == hashlib.sha512(RAW).hexdigest()
    assert image["checksum"] == hashlib.md5(RAW, usedforsecurity=False).hexdigest()
    assert (image["visibility"], image["os_distro"], image["tags"]) == ("shared", "debian", ["a"])
    downloaded = await api("GET", f"/image/v2/images/{NEW}/file")
    assert downloaded.content == RAW
    assert left(api, NEW) == [NEW]
    assert await api.get(f"/image/v2/images/{NEW}/tasks") == {"tasks": []}


async def test_a_taken_id_and_wrong_fields_are_refused(api: Api) -> None:
    await announce(api, id=NEW)
    before = await api.position()
    cases: list[tuple[dict[str, Any], int]] = [
        ({"id": NEW}, 409),
        ({"id": "x"}, 400),
        ({"disk_format": "vmdk"}, 400),
        ({"name": 5}, 400),
        ({"own": {"a": 1}}, 400),
        ({"size": 5}, 403),
        ({"status": "active"}, 403),
        ({"visibility": "public"}, 403),
        ({"visibility": "secret"}, 400),
    ]
    for body, status in cases:
        answer = await api("POST", "/image/v2/images", json=body)
        assert answer.status_code == status, body
        assert answer.json()["message"]
    assert await api.position() == before


async def test_bytes_that_are_not_what_was_announced_are_refused_and_leave_nothing(api: Api) -> None:
    backing = b"QFI\xfb" + (3).to_bytes(4) + (512).to_bytes(8) + bytes(96)
    for disk_format, content in (("raw", b"QFI\xfb" + bytes(200)), ("qcow2", RAW), ("qcow2", backing), ("raw", b"")):
        image_id = await announce(api, disk_format=disk_format)
        answer = await api("PUT", f"/image/v2/images/{image_id}/file", content=content, headers=BYTES)
        assert answer.status_code == 400
        assert left(api, image_id) == []
        assert (await api.get(f"/image/v2/images/{image_id}"))["status"] == "queued"
    as_json = await api("PUT", f"/image/v2/images/{image_id}/file", json={})
    assert as_json.status_code == 415


async def test_an_image_gets_its_bytes_once(api: Api) -> None:
    image_id = await stored(api)
    again = await api("PUT", f"/image/v2/images/{image_id}/file", content=b"other", headers=BYTES)
    assert again.status_code == 409
    assert (await api("GET", f"/image/v2/images/{image_id}/file")).content == RAW


async def test_of_two_uploads_at_once_one_is_refused(api: Api) -> None:
    image_id = await announce(api)
    first_is_under_way, second_is_refused = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield RAW[:10]
        first_is_under_way.set()
        await second_is_refused.wait()
        yield RAW[10:]

    path = f"/image/v2/images/{image_id}/file"
    first = asyncio.create_task(api("PUT", path, content=slow(), headers=BYTES))
    await first_is_under_way.wait()
    second = await api("PUT", path, content=b"other", headers=BYTES)
    assert (second.status_code, "under way" in second.json()["message"]) == (409, True)
    second_is_refused.set()
    assert (await first).status_code == 204
    assert (await api("GET", path)).content == RAW
    assert left(api, image_id) == [image_id]


async def test_an_image_that_is_deleted_during_its_upload_leaves_nothing(api: Api) -> None:
    image_id = await announce(api)

    async def slow() -> AsyncIterator[bytes]:
        yield RAW
        assert (await api("DELETE", f"/image/v2/images/{image_id}")).status_code == 204

    answer = await api("PUT", f"/image/v2/images/{image_id}/file", content=slow(), headers=BYTES)
    assert answer.status_code == 409
    assert left(api, image_id) == []


async def test_a_full_disk_is_said_and_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    image_id = await announce(api)

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("services.api.image.store.os.fsync", full)
    answer = await api("PUT", f"/image/v2/images/{image_id}/file", content=RAW, headers=BYTES)
    assert answer.status_code == 413
    assert "no room left in the image store" in answer.json()["message"]
    assert left(api, image_id) == []


async def test_a_deleted_image_is_gone_with_its_bytes(api: Api) -> None:
    image_id = await stored(api)
    assert (await api("DELETE", f"/image/v2/images/{image_id}")).status_code == 204
    assert left(api, image_id) == []
    for method, path in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
        assert (await api(method, f"/image/v2/images/{image_id}{path}")).status_code == 404
    protected = await announce(api, protected=True)
    assert (await api("DELETE", f"/image/v2/images/{protected}")).status_code == 403


async def test_who_sees_an_image(api: Api) -> None:
    ids = {kind: await announce(api, name=kind, visibility=kind) for kind in ("private", "shared", "community")}
    theirs = await api("POST", "/image/v2/images", json={"name": "theirs", "visibility": "private"}, cloud=ADMIN)
    other = theirs.json()["id"]
    for path in (f"/image/v2/images/{other}", f"/image/v2/images/{other}/file"):
        assert (await api("GET", path)).status_code == 404
    assert (await api("DELETE", f"/image/v2/images/{other}")).status_code == 404
    mine = {image["name"] for image in (await api.get("/image/v2/images"))["images"]}
    assert mine == {"tiny", *ids}
    tiny = await api.image_id()
    assert (await api("DELETE", f"/image/v2/images/{tiny}")).status_code == 403
    assert (await api("PUT", f"/image/v2/images/{tiny}/file", content=RAW, headers=BYTES)).status_code == 403


async def test_lists_are_filtered_sorted_and_cut_into_pages(api: Api) -> None:
    ids = [await announce(api, name=name, tags=[name], os_distro=name) for name in ("b", "a")]

    async def names(query: str) -> list[str]:
        return [image["name"] for image in (await api.get(f"/image/v2/images?{query}"))["images"]]

    assert await names("name=a") == ["a"]
    assert await names(f"id=in:{ids[0]},{ids[1]}") == ["a", "b"]
    assert await names("status=active") == ["tiny"]
    assert await names("tag=b") == ["b"]
    assert await names("os_distro=a") == ["a"]
    assert await names("visibility=public") == ["tiny"]
    assert await names("sort=name:asc") == ["a", "b", "tiny"]
    assert await names("sort_key=name&sort_dir=asc&limit=1&marker=" + ids[1]) == ["b"]
    page = await api.get("/image/v2/images?limit=2&sort_key=name&sort_dir=asc")
    rest = await api.get("/image" + page["next"])
    assert [image["name"] for image in page["images"] + rest["images"]] == ["a", "b", "tiny"]
    for wrong in ("marker=none", "sort=colour", "limit=x", "size_min=x"):
        assert (await api("GET", f"/image/v2/images?{wrong}")).status_code == 400, wrong


async def test_hosts_fetch_bytes_by_a_signed_url_alone(api: Api) -> None:
    image_id = await stored(api)
    path, key, now = f"/v1/images/{image_id}/content", api.dependencies.url_key, api.clock().timestamp()
    url = signed("", path, key=key, now=now)
    fetched = await api.http.get(url)
    assert fetched.content == RAW
    assert fetched.headers["Content-Length"] == str(len(RAW))
    other = signed("", f"/v1/images/{NEW}/content", key=key, now=now)
    forged = [path, url[:-1] + ("0" if url[-1] != "0" else "1"), path + "?" + other.partition("?")[2], url + "%C3%A9"]
    for wrong in forged:
        assert (await api.http.get(wrong)).status_code == 403, wrong
    assert (await api.http.get(other)).status_code == 404
    api.clock.ahead = timedelta(seconds=LIFETIME + 1)
    assert (await api.http.get(url)).status_code == 403


async def patch(api: Api, image_id: str, *steps: dict[str, Any], cloud: str = DEMO) -> httpx.Response:
    return await api("PATCH", f"/image/v2/images/{image_id}", content=orjson.dumps(steps), headers=PATCH, cloud=cloud)


def step(op: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **({"value": value[0]} if value else {})}


async def test_an_image_is_changed_step_by_step(api: Api) -> None:
    image_id = await announce(api, os_distro="debian", tags=["a"])
    answer = await patch(
        api,
        image_id,
        step("replace", "/name", "other"),
        step("add", "/hw_disk_bus", "virtio"),
        step("remove", "/os_distro"),
        step("replace", "/min_ram", 512),
        step("replace", "/tags", ["b", "b", "c"]),
        step("add", "/tags/-", "d"),
        step("remove", "/tags/0"),
        step("add", "/a~1b", "c"),
        step("replace", "/protected", True),
        step("replace", "/visibility", "community"),
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Event-Position"] == str(await api.position())
    image = answer.json()
    assert (image["name"], image["min_ram"], image["protected"]) == ("other", 512, True)
    assert (image["tags"], image["visibility"], image["a/b"]) == (["c", "d"], "community", "c")
    assert image["hw_disk_bus"] == "virtio"
    assert "os_distro" not in image
    assert await api.get(f"/image/v2/images/{image_id}") == image


async def test_a_patch_that_is_wrong_changes_nothing(api: Api) -> None:
    image_id = await stored(api, os_distro="debian")
    before = await api.position()
    for steps, status in (
        ([step("replace", "/name", "x"), step("replace", "/status", "deleted")], 403),
        ([step("replace", "/name", 5)], 400),
        ([step("replace", "/min_ram", -1)], 400),
        ([step("remove", "/name")], 403),
        ([step("remove", "/none")], 409),
        ([step("replace", "/none", "x")], 409),
        ([step("add", "/own", {"a": 1})], 400),
        ([step("add", "/own/deep", "x")], 400),
        ([step("move", "/own", "x")], 400),
        ([step("add", "/own")], 400),
        ([step("replace", "/visibility", "public")], 403),
        ([step("replace", "/owner", "x")], 403),
        ([step("replace", "/disk_format", "qcow2")], 403),
        ([step("replace", "/tags/7", "x")], 409),
        ([step("add", f"/p{number}", "x") for number in range(200)], 413),
    ):
        answer = await patch(api, image_id, *steps)
        assert answer.status_code == status, (steps, answer.text)
    assert (await api("PATCH", f"/image/v2/images/{image_id}", json=[])).status_code == 415
    assert (await patch(api, await api.image_id(), step("replace", "/name", "x"))).status_code == 403
    assert await api.position() == before
    theirs = await patch(api, image_id, step("replace", "/visibility", "public"), cloud=ADMIN)
    assert theirs.json()["visibility"] == "public"


async def test_tags_are_added_and_removed_one_by_one(api: Api) -> None:
    image_id = await announce(api)
    path = f"/image/v2/images/{image_id}/tags"
    assert (await api("PUT", f"{path}/red")).status_code == 204
    assert (await api("PUT", f"{path}/red")).status_code == 204
    assert (await api.get(f"/image/v2/images/{image_id}"))["tags"] == ["red"]
    assert (await api("DELETE", f"{path}/red")).status_code == 204
    assert (await api("DELETE", f"{path}/red")).status_code == 404
    assert (await api("PUT", f"{path}/{'x' * 256}")).status_code == 400


async def test_a_shared_image_is_for_its_members(api: Api) -> None:
    theirs = await api("POST", "/image/v2/images", json={"name": "base", "visibility": "shared"}, cloud=ADMIN)
    image_id, mine = theirs.json()["id"], (await api.get("/identity/v3/auth/projects"))["projects"][0]["id"]
    image, members = f"/image/v2/images/{image_id}", f"/image/v2/images/{image_id}/members"

    async def listed(query: str = "") -> list[str]:
        return [each["name"] for each in (await api.get(f"/image/v2/images?{query}"))["images"]]

    assert (await api("GET", image)).status_code == 404
    added = await api("POST", members, json={"member": mine}, cloud=ADMIN)
    assert (added.status_code, added.json()["status"], added.json()["member_id"]) == (200, "pending", mine)
    assert (await api("POST", members, json={"member": mine}, cloud=ADMIN)).status_code == 409
    assert (await api.get(image))["id"] == image_id
    assert [member["member_id"] for member in (await api.get(members))["members"]] == [mine]
    assert await listed() == ["tiny"]
    assert await listed("member_status=pending&visibility=shared") == ["base"]
    assert (await api("PUT", f"{members}/{mine}", json={"status": "accepted"})).json()["status"] == "accepted"
    assert await listed() == ["base", "tiny"]
    assert (await api("PUT", f"{members}/{mine}", json={"status": "rejected"})).status_code == 200
    assert await listed() == ["tiny"]
    assert (await api("PUT", f"{members}/{mine}", json={"status": "maybe"})).status_code == 400
    assert (await api("POST", members, json={"member": "other"})).status_code == 403
    assert (await api("DELETE", f"{members}/{mine}")).status_code == 403
    assert (await api("GET", f"{members}/none")).status_code == 404
    assert (await api("DELETE", f"{members}/{mine}", cloud=ADMIN)).status_code == 204
    assert (await api("GET", image)).status_code == 404
    private = await announce(api, visibility="private")
    refused = await api("POST", f"/image/v2/images/{private}/members", json={"member": "other"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Only shared images have members.")


async def test_an_image_can_be_taken_out_of_use(api: Api) -> None:
    image_id = await stored(api)
    actions = f"/image/v2/images/{image_id}/actions"
    assert (await api("POST", f"{actions}/deactivate")).status_code == 403
    assert (await api("POST", f"{actions}/deactivate", cloud=ADMIN)).status_code == 204
    assert (await api.get(f"/image/v2/images/{image_id}"))["status"] == "deactivated"
    assert (await api("GET", f"/image/v2/images/{image_id}/file")).status_code == 403
    assert (await api("GET", f"/image/v2/images/{image_id}/file", cloud=ADMIN)).status_code == 200
    refused = await api("POST", "/v2.1/servers", json=await api.server_body(imageRef=image_id))
    assert (refused.status_code, "is not active" in refused.text) == (400, True)
    assert (await api("POST", f"{actions}/reactivate", cloud=ADMIN)).status_code == 204
    assert (await api.get(f"/image/v2/images/{image_id}"))["status"] == "active"
    queued = await announce(api)
    assert (await api("POST", f"/image/v2/images/{queued}/actions/deactivate", cloud=ADMIN)).status_code == 409


async def test_hidden_and_community_images_are_listed_where_they_are_asked_for(api: Api) -> None:
    await announce(api, name="hidden", os_hidden=True)
    await announce(api, name="community", visibility="community")

    async def names(query: str) -> list[str]:
        return [image["name"] for image in (await api.get(f"/image/v2/images?{query}"))["images"]]

    assert await names("") == ["community", "tiny"]
    assert await names("os_hidden=true") == ["hidden"]
    assert await names("visibility=community") == ["community"]
    assert await names("created_at=gte:2020-01-01T00:00:00Z&name=tiny") == ["tiny"]
    assert await names("created_at=lt:2020-01-01T00:00:00Z") == []
    for strange in ('a"b=c', "a'b=c", "$.=c", "=c", "a.b=c", "a[0]=c", "%5c=c"):
        assert await names(strange) == [], strange
    for wrong in ("created_at=x", "updated_at=gte:9999-12-31T23:59:59-14:00", "member_status=x"):
        assert (await api("GET", f"/image/v2/images?{wrong}")).status_code == 400


async def test_a_range_of_bytes_can_be_fetched(api: Api) -> None:
    image_id = await stored(api)
    for asked, first, last in (("bytes=5-9", 5, 9), ("bytes=2999990-", 2_999_990, 2_999_999), ("bytes=-4", -4, -1)):
        answer = await api("GET", f"/image/v2/images/{image_id}/file", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, RAW[first:][: last - first + 1]), asked
        assert answer.headers["Content-Range"].endswith("/3000000")
    for wrong in ("bytes=3000000-", "bytes=9-5", "bytes=-", "bytes=1-2,4-5", "lines=1-2"):
        answer = await api("GET", f"/image/v2/images/{image_id}/file", headers={"Range": wrong})
        assert answer.status_code == 416, wrong


async def test_an_upload_may_not_be_larger_than_what_is_allowed_or_than_the_disk(api: Api) -> None:
    small = replace(api.dependencies, image_size_limit=1_000_000)
    headers = {"X-Auth-Token": api.tokens[DEMO], **BYTES}

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(RAW), 100_000):
            yield RAW[start : start + 100_000]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(small)), base_url=BASE) as http:
        for content in (RAW, pieces()):  # with its length said before, and without
            image_id = await announce(api)
            answer = await http.put(f"/image/v2/images/{image_id}/file", content=content, headers=headers)
            assert (answer.status_code, "larger than 1000000" in answer.json()["message"]) == (413, True)
            assert left(api, image_id) == []
            assert (await api.get(f"/image/v2/images/{image_id}"))["status"] == "queued"
    free = shutil.disk_usage(api.settings.images).free
    declared = {**BYTES, "Content-Length": str(free + (1 << 30))}
    answer = await api("PUT", f"/image/v2/images/{image_id}/file", content=pieces(), headers=declared)
    assert (answer.status_code, "no room left" in answer.json()["message"]) == (413, True)


async def test_what_no_image_has_is_swept_from_the_store(api: Api) -> None:
    store, repository = api.settings.images, api.running.plane.repository
    kept, queued, unknown = await stored(api), await announce(api), str(uuid4())
    for name in (unknown, f"{unknown}.part", queued, f"{queued}.part", f"{kept}.part", f"{kept}.lock", "note.txt"):
        (store / name).write_bytes(b"left behind")
    async with exclusive(store, busy := str(uuid4())):
        (store / f"{busy}.part").write_bytes(b"being uploaded")
        removed = await sweep(store, repository)
        assert (store / f"{busy}.part").exists()
    assert sorted(removed) == sorted([unknown, f"{unknown}.part", queued, f"{queued}.part", f"{kept}.part"])
    names = {path.name for path in store.iterdir()}
    assert names == {kept, await api.image_id(), f"{busy}.part", "note.txt"}
    assert (await api("GET", f"/image/v2/images/{kept}/file")).content == RAW


async def test_what_clients_ask_before_they_begin(api: Api) -> None:
    assert (await api.get("/image/v2/info/import"))["import-methods"]["value"] == []
    for name in ("image", "images", "member", "members"):
        assert (await api.get(f"/image/v2/schemas/{name}"))["name"] == name


async def test_version_documents_need_no_token(api: Api) -> None:
    assert (await api.http.get("/image")).status_code == 300
    assert (await api.http.get("/image/")).json()["versions"][0]["status"] == "CURRENT"
