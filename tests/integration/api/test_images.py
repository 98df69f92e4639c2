"""Images: announced, uploaded, seen, fetched by hosts, deleted."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from projections.signed_url import LIFETIME, signed
from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

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


async def test_what_is_not_built_is_said(api: Api) -> None:
    image_id = await announce(api)
    answer = await api("PATCH", f"/image/v2/images/{image_id}", json=[])
    assert (answer.status_code, answer.json()["title"]) == (501, "Not Implemented")


async def test_version_documents_need_no_token(api: Api) -> None:
    assert (await api.http.get("/image")).status_code == 300
    assert (await api.http.get("/image/")).json()["versions"][0]["status"] == "CURRENT"
