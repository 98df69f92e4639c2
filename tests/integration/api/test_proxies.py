"""What the compute API answered before there were other APIs for it: images and hosts."""

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

FIRST = {"OpenStack-API-Version": "compute 2.1"}
NOWHERE = "8e5bb1c0-0000-4000-8000-000000000000"


async def test_images_are_listed_filtered_and_shown_until_2_35(api: Api) -> None:
    image_id = await api.image_id()
    (brief,) = (await api.get("/v2.1/images", headers=FIRST))["images"]
    assert (brief["id"], brief["name"]) == (image_id, "tiny")
    assert [link["rel"] for link in brief["links"]] == ["self", "bookmark", "alternate"]
    (full,) = (await api.get("/v2.1/images/detail", headers=FIRST))["images"]
    assert (full["status"], full["progress"], full["minRam"], full["minDisk"]) == ("ACTIVE", 100, 96, 0)
    assert full["OS-EXT-IMG-SIZE:size"] == 1 << 20
    shown = (await api.get(f"/v2.1/images/{image_id}", headers=FIRST))["image"]
    assert shown == full
    for query, count in (
        ("name=tiny&status=active&limit=5", 1), ("name=other", 0), ("status=SAVING", 0), ("type=snapshot", 0),
        ("minRam=97", 0), ("minRam=96", 1), (f"server={NOWHERE}", 0), ("changes-since=2020-01-01T00:00:00Z", 1),
    ):  # fmt: skip
        assert len((await api.get(f"/v2.1/images?{query}", headers=FIRST))["images"]) == count, query
    metadata = (await api.get(f"/v2.1/images/{image_id}/metadata", headers=FIRST))["metadata"]
    assert metadata == shown["metadata"] != {}
    key = next(iter(metadata))
    assert await api.get(f"/v2.1/images/{image_id}/metadata/{key}", headers=FIRST) == {"meta": {key: metadata[key]}}
    assert (await api("GET", f"/v2.1/images/{image_id}/metadata/none", headers=FIRST)).status_code == 404
    assert (await api("GET", "/v2.1/images")).status_code == 404
    missing = await api("GET", f"/v2.1/images/{NOWHERE}", headers=FIRST)
    assert missing.json()["itemNotFound"]["message"] == "Image not found."


async def test_an_image_is_deleted_by_those_who_may_change_it(api: Api) -> None:
    path = f"/v2.1/images/{await api.image_id()}"
    assert (await api("DELETE", path, headers=FIRST)).status_code == 403
    assert (await api("DELETE", path, headers=FIRST, cloud=ADMIN)).status_code == 204
    assert (await api("GET", path, headers=FIRST)).status_code == 404


async def test_hosts_are_listed_by_zone_and_shown_with_what_projects_have_of_them(api: Api) -> None:
    await api.add_host()
    server_id = await api.active(flavorRef="3")
    project_id = (await api.get(f"/v2.1/servers/{server_id}"))["server"]["tenant_id"]
    listed = (await api.get("/v2.1/os-hosts?zone=nova", cloud=ADMIN, headers=FIRST))["hosts"]
    assert listed == [{"host_name": "host-1", "service": "compute", "zone": "nova"}]
    assert (await api.get("/v2.1/os-hosts?zone=mars", cloud=ADMIN, headers=FIRST))["hosts"] == []
    shown = (await api.get("/v2.1/os-hosts/host-1", cloud=ADMIN, headers=FIRST))["host"]
    rows = {each["resource"]["project"]: each["resource"] for each in shown}
    assert rows["(total)"]["cpu"] == 8
    assert (rows["(used_max)"]["memory_mb"], rows[project_id]["memory_mb"]) == (2048, 2048)
    assert (await api("GET", "/v2.1/os-hosts/none", cloud=ADMIN, headers=FIRST)).status_code == 404
    assert (await api("GET", "/v2.1/os-hosts", headers=FIRST)).status_code == 403
    assert (await api("GET", "/v2.1/os-hosts", cloud=ADMIN)).status_code == 404
