"""Microversions: which one a request is answered in, and what there is in which. One table for endpoints and for fields.

Source: compute API guide, "Microversions"; Nova's REST API version history.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers

from services.api.errors import Refusal

Version = tuple[int, int]

MINIMUM: Version = (2, 1)
MAXIMUM: Version = (2, 96)

FORMAT = re.compile(r"([1-9]\d{0,8})\.([1-9]\d{0,8}|0)")


class Span(NamedTuple):
    """From one microversion to another, both included."""

    since: Version = MINIMUM
    until: Version = MAXIMUM

    def has(self, version: Version) -> bool:
        """Whether it exists in this microversion."""
        return self.since <= version <= self.until


ALWAYS = Span()

SPANS: Mapping[str, Span] = {
    # endpoints
    "GET /v2.1/os-hypervisors/statistics": Span(until=(2, 87)),
    "GET /v2.1/os-hypervisors/{id}/uptime": Span(until=(2, 87)),
    "GET /v2.1/os-hypervisors/{id}/search": Span(until=(2, 52)),
    "GET /v2.1/os-hypervisors/{id}/servers": Span(until=(2, 52)),
    "GET /v2.1/images": Span(until=(2, 35)),
    "GET /v2.1/images/detail": Span(until=(2, 35)),
    "GET /v2.1/images/{id}": Span(until=(2, 35)),
    "DELETE /v2.1/images/{id}": Span(until=(2, 35)),
    "GET /v2.1/images/{id}/metadata": Span(until=(2, 38)),
    "GET /v2.1/images/{id}/metadata/{key}": Span(until=(2, 38)),
    "GET /v2.1/os-hosts": Span(until=(2, 42)),
    "GET /v2.1/os-hosts/{name}": Span(until=(2, 42)),
    "PUT /v2.1/flavors/{id}": Span(since=(2, 55)),
    **{
        f"{method} /v2.1/servers/{{id}}/tags{one}": Span(since=(2, 26))
        for method in ("GET", "PUT", "DELETE")
        for one in ("", "/{tag}")
    },
    "POST /v2.1/servers/{id}/remote-consoles": Span(since=(2, 6)),
    "GET /v2.1/servers/{id}/topology": Span(since=(2, 78)),
    "GET /v2.1/servers/{id}/migrations": Span(since=(2, 23)),
    "GET /v2.1/servers/{id}/migrations/{migration}": Span(since=(2, 23)),
    # what a server shows
    "server.flavor as a link": Span(until=(2, 46)),
    "server.flavor embedded": Span(since=(2, 47)),
    "server.OS-EXT-SRV-ATTR:hostname for admins": Span((2, 3), (2, 89)),
    "server.OS-EXT-SRV-ATTR:hostname": Span(since=(2, 90)),
    "server.OS-EXT-SRV-ATTR:kernel_id": Span(since=(2, 3)),
    "server.OS-EXT-SRV-ATTR:launch_index": Span(since=(2, 3)),
    "server.OS-EXT-SRV-ATTR:ramdisk_id": Span(since=(2, 3)),
    "server.OS-EXT-SRV-ATTR:reservation_id": Span(since=(2, 3)),
    "server.OS-EXT-SRV-ATTR:root_device_name": Span(since=(2, 3)),
    "server.OS-EXT-SRV-ATTR:user_data": Span(since=(2, 3)),
    "server.locked": Span(since=(2, 9)),
    "server.host_status": Span(since=(2, 16)),
    "server.description": Span(since=(2, 19)),
    "server.tags": Span(since=(2, 26)),
    "server.trusted_image_certificates": Span(since=(2, 63)),
    "server.server_groups": Span(since=(2, 71)),
    "server.locked_reason": Span(since=(2, 73)),
    "server.pinned_availability_zone": Span(since=(2, 96)),
    # what may be asked of a new server
    "create.description": Span(since=(2, 19)),
    "create.networks must be named": Span(since=(2, 37)),
    "create.tags": Span(since=(2, 52)),
    "create.personality": Span(until=(2, 56)),
    "create.trusted_image_certificates": Span(since=(2, 63)),
    "create.host": Span(since=(2, 74)),
    "create.hypervisor_hostname": Span(since=(2, 74)),
    "create.hostname": Span(since=(2, 90)),
    # what may be asked of a server
    "action trigger_crash_dump": Span(since=(2, 17)),
    "action lock.locked_reason": Span(since=(2, 73)),
    "action createImage.image_id": Span(since=(2, 45)),
    "action migrate.host": Span(since=(2, 56)),
    "action os-migrateLive.block_migration auto": Span(since=(2, 25)),
    "action os-migrateLive.force": Span((2, 30), (2, 67)),
    "action evacuate.onSharedStorage": Span(until=(2, 13)),
    "action evacuate.adminPass": Span(until=(2, 13)),
    "action evacuate.force": Span((2, 29), (2, 67)),
    "action evacuate ends stopped": Span(since=(2, 95)),
    "action unshelve.availability_zone": Span(since=(2, 77)),
    "action unshelve.host": Span(since=(2, 91)),
    "rebuild.description": Span(since=(2, 19)),
    "rebuild.key_name": Span(since=(2, 54)),
    "rebuild.user_data": Span(since=(2, 57)),
    "rebuild.trusted_image_certificates": Span(since=(2, 63)),
    "rebuild.shows all": Span(since=(2, 75)),
    "rebuild.hostname": Span(since=(2, 90)),
    "hostname may have dots": Span(since=(2, 94)),
    # what may be said of a server later
    "update.description": Span(since=(2, 19)),
    "update.hostname": Span(since=(2, 90)),
    "update.answers in full": Span(since=(2, 75)),
    # how lists of servers are asked for
    "servers.invalid status is refused": Span(since=(2, 38)),
    "servers.unknown parameters are refused": Span(since=(2, 75)),
    "servers?ip6 for users": Span(since=(2, 5)),
    **{f"servers?{name}": Span(since=(2, 26)) for name in ("tags", "tags-any", "not-tags", "not-tags-any")},
    "servers?changes-before": Span(since=(2, 66)),
    "servers?locked": Span(since=(2, 73)),
    **{
        f"servers?{name} for users": Span(since=(2, 83))
        for name in (
            "availability_zone",
            "config_drive",
            "created_at",
            "key_name",
            "launched_at",
            "power_state",
            "progress",
            "task_state",
            "terminated_at",
            "user_id",
            "vm_state",
        )
    },
    "servers?hostname for users": Span(since=(2, 90)),
    "servers sorted by locked": Span(since=(2, 73)),
    "servers sorted by what they are not": Span(until=(2, 74)),
    "diagnostics.standard form": Span(since=(2, 48)),
    "interface.tag may be asked for": Span(since=(2, 49)),
    "interface.tag": Span(since=(2, 70)),
    "console.mks": Span(since=(2, 8)),
    # instance actions
    "action.visible for deleted servers": Span(since=(2, 21)),
    "action.events for the owner": Span(since=(2, 51)),
    "action.updated_at": Span(since=(2, 58)),
    "action.paging": Span(since=(2, 58)),
    "action.changes-before": Span(since=(2, 66)),
    "action.host": Span(since=(2, 62)),
    "action.details": Span(since=(2, 84)),
    # flavors
    "flavor.description": Span(since=(2, 55)),
    "flavor.extra_specs": Span(since=(2, 61)),
    "flavor.swap is a number": Span(since=(2, 75)),
    "flavor.access to public ones is refused": Span(since=(2, 7)),
    "flavor.extra_specs are checked": Span(since=(2, 86)),
    "flavors.unknown parameters are refused": Span(since=(2, 75)),
    # key pairs
    "keypair.type": Span(since=(2, 2)),
    "keypair.created is 201": Span(since=(2, 2)),
    "keypair.user_id": Span(since=(2, 10)),
    "keypair.paging": Span(since=(2, 35)),
    "keypair.can be generated": Span(until=(2, 91)),
    "keypair.name may be an address": Span(since=(2, 92)),
    # hosts
    "hypervisor.cpu_info is an object": Span(since=(2, 28)),
    "hypervisor.paging": Span(since=(2, 33)),
    "hypervisor.id is a uuid": Span(since=(2, 53)),
    "hypervisor.servers are always there": Span(since=(2, 75)),
    "hypervisor.capacity": Span(until=(2, 87)),
    "hypervisor.uptime": Span(since=(2, 88)),
    "service.forced_down": Span(since=(2, 11)),
    "service.id is a uuid": Span(since=(2, 53)),
    "aggregate.uuid": Span(since=(2, 41)),
    # server groups
    "server_group.project_id": Span(since=(2, 13)),
    "server_group.soft policies": Span(since=(2, 15)),
    "server_group.policy": Span(since=(2, 64)),
    "server_groups.unknown parameters are refused": Span(since=(2, 75)),
    # usage
    "usage.paging": Span(since=(2, 40)),
    "usage.unknown parameters are refused": Span(since=(2, 75)),
    # limits and quotas
    "limit.network": Span(until=(2, 35)),
    "limit.maxImageMeta": Span(until=(2, 38)),
    "limit.personality": Span(until=(2, 56)),
    "quota class.network": Span(until=(2, 49)),
    "quota class.server_groups": Span(since=(2, 50)),
}
"""What does not exist in every microversion. Whatever is not named here does."""


def exists(name: str, version: Version) -> bool:
    """Whether an endpoint or a field exists in a microversion."""
    return SPANS.get(name, ALWAYS).has(version)


def text(version: Version) -> str:
    """As headers carry it."""
    return f"{version[0]}.{version[1]}"


def negotiate(headers: Headers) -> Version:
    """The microversion that a request asks for; 2.1 when it names none.

    Raises Refusal 400 for what is not a version, 406 for one that there is not.
    """
    asked = _asked(headers)
    if asked is None:
        return MINIMUM
    if asked == "latest":
        return MAXIMUM
    match = FORMAT.fullmatch(asked)
    if match is None:
        raise Refusal(400, f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.")
    version = (int(match[1]), int(match[2]))
    if not ALWAYS.has(version):
        raise Refusal(
            406,
            f"Version {asked} is not supported by the API. Minimum is {text(MINIMUM)} and maximum is {text(MAXIMUM)}.",
            headers=version_headers(asked),
        )
    return version


def _asked(headers: Headers) -> str | None:
    """The newer header counts, where it speaks of compute; else the older one."""
    for part in headers.get("openstack-api-version", "").split(","):
        service, _, version = part.strip().partition(" ")
        if service.lower() == "compute" and version:
            return version.strip()
    return headers.get("x-openstack-nova-api-version")


def version_headers(version: str) -> dict[str, str]:
    """The headers that say in which microversion a request was answered."""
    return {
        "OpenStack-API-Version": f"compute {version}",
        "X-OpenStack-Nova-API-Version": version,
        "Vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
    }
