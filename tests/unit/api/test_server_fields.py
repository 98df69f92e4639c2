"""What a server shows in which version: the very keys that Nova was seen to answer."""

from services.api.compute.server_fields import fields_of, host_id

AT_2_1 = {
    "accessIPv4",
    "accessIPv6",
    "addresses",
    "created",
    "flavor",
    "hostId",
    "id",
    "image",
    "links",
    "metadata",
    "name",
    "status",
    "tenant_id",
    "user_id",
    "updated",
    "OS-DCF:diskConfig",
    "progress",
    "OS-EXT-AZ:availability_zone",
    "config_drive",
    "key_name",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state",
    "OS-EXT-STS:power_state",
    "os-extended-volumes:volumes_attached",
}
AT_2_96 = AT_2_1 | {
    "locked",
    "description",
    "tags",
    "trusted_image_certificates",
    "server_groups",
    "locked_reason",
    "OS-EXT-SRV-ATTR:hostname",
    "pinned_availability_zone",
}
FOR_ADMINS_AT_2_1 = {"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:instance_name", "OS-EXT-SRV-ATTR:hypervisor_hostname"}
FOR_ADMINS_AT_2_96 = FOR_ADMINS_AT_2_1 | {
    "OS-EXT-SRV-ATTR:kernel_id",
    "OS-EXT-SRV-ATTR:launch_index",
    "OS-EXT-SRV-ATTR:ramdisk_id",
    "OS-EXT-SRV-ATTR:reservation_id",
    "OS-EXT-SRV-ATTR:root_device_name",
    "OS-EXT-SRV-ATTR:user_data",
    "host_status",
}
NOT_ALWAYS = {"fault", "security_groups"}  # only in error, and only on a network


def shown(version: tuple[int, int], *, admin: bool = False, shown: bool = True) -> set[str]:
    names = [name for name, _ in fields_of(version, admin=admin, shown=shown)]
    assert len(names) == len(set(names)), "a field is shown twice"
    return set(names) - NOT_ALWAYS


def test_the_first_version_shows_what_nova_shows() -> None:
    assert shown((2, 1)) == AT_2_1


def test_the_last_version_shows_what_nova_shows() -> None:
    assert shown((2, 96)) == AT_2_96


def test_administrators_see_where_it_runs() -> None:
    assert shown((2, 1), admin=True) == AT_2_1 | FOR_ADMINS_AT_2_1
    assert shown((2, 96), admin=True) == AT_2_96 | FOR_ADMINS_AT_2_96


def test_server_groups_are_not_in_lists() -> None:
    assert shown((2, 96), shown=False) == AT_2_96 - {"server_groups"}


def test_no_version_between_shows_a_field_twice() -> None:
    for minor in range(1, 97):
        for admin in (False, True):
            shown((2, minor), admin=admin)


def test_a_host_id_is_the_same_within_a_project_and_differs_between_projects() -> None:
    assert host_id("p", "host-1") == host_id("p", "host-1")
    assert host_id("p", "host-1") != host_id("q", "host-1")
    assert host_id("p", None) == ""
    assert "host-1" not in host_id("p", "host-1")
