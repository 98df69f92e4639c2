"""The routes of the compute API. When one exists only in some microversions, `microversions.SPANS` says so by its name."""

from services.api.compute import (
    aggregate_actions,
    aggregates,
    compute_services,
    create_server,
    extensions,
    extra_specs,
    flavor_access,
    flavors,
    host_proxy,
    hypervisors,
    image_proxy,
    instance_actions,
    keypairs,
    limits,
    quota_class_sets,
    quota_sets,
    remote_consoles,
    server_actions,
    server_diagnostics,
    server_groups,
    server_interfaces,
    server_list,
    server_metadata,
    server_security_groups,
    server_tags,
    server_update,
    server_views,
    usage_audits,
    usage_reports,
    versions,
    zones,
)
from services.api.routing import Route, Routes

_P = "os_compute_api"

ALL = [
    Route("GET", "/", versions.list_versions, None),
    Route("GET", "/v2.1", versions.show_version, None),
    # servers
    Route("POST", "/v2.1/servers", create_server.create_servers, f"{_P}:servers:create"),
    Route("GET", "/v2.1/servers", server_list.list_servers, f"{_P}:servers:index"),
    Route("GET", "/v2.1/servers/detail", server_list.list_servers_detailed, f"{_P}:servers:detail"),
    Route("GET", "/v2.1/servers/{id}", server_list.show_server, f"{_P}:servers:show"),
    Route("DELETE", "/v2.1/servers/{id}", server_actions.delete_server, f"{_P}:servers:delete"),
    Route("POST", "/v2.1/servers/{id}/action", server_actions.act, f"{_P}:servers:action"),
    Route("GET", "/v2.1/servers/{id}/ips", server_list.show_addresses, f"{_P}:ips:index"),
    Route("GET", "/v2.1/servers/{id}/ips/{network}", server_list.show_network_addresses, f"{_P}:ips:show"),
    Route("PUT", "/v2.1/servers/{id}", server_update.update_server, f"{_P}:servers:update"),
    # what an owner keeps with a server
    Route("GET", "/v2.1/servers/{id}/metadata", server_metadata.list_metadata, f"{_P}:server-metadata:index"),
    Route("POST", "/v2.1/servers/{id}/metadata", server_metadata.add_metadata, f"{_P}:server-metadata:create"),
    Route("PUT", "/v2.1/servers/{id}/metadata", server_metadata.replace_metadata, f"{_P}:server-metadata:update_all"),
    Route("GET", "/v2.1/servers/{id}/metadata/{key}", server_metadata.show_metadata, f"{_P}:server-metadata:show"),
    Route("PUT", "/v2.1/servers/{id}/metadata/{key}", server_metadata.set_metadata, f"{_P}:server-metadata:update"),
    Route(
        "DELETE", "/v2.1/servers/{id}/metadata/{key}", server_metadata.remove_metadata, f"{_P}:server-metadata:delete"
    ),
    Route("GET", "/v2.1/servers/{id}/tags", server_tags.list_tags, f"{_P}:os-server-tags:index"),
    Route("PUT", "/v2.1/servers/{id}/tags", server_tags.put_tags, f"{_P}:os-server-tags:update_all"),
    Route("DELETE", "/v2.1/servers/{id}/tags", server_tags.delete_tags, f"{_P}:os-server-tags:delete_all"),
    Route("GET", "/v2.1/servers/{id}/tags/{tag}", server_tags.check_tag, f"{_P}:os-server-tags:show"),
    Route("PUT", "/v2.1/servers/{id}/tags/{tag}", server_tags.put_tag, f"{_P}:os-server-tags:update"),
    Route("DELETE", "/v2.1/servers/{id}/tags/{tag}", server_tags.delete_tag, f"{_P}:os-server-tags:delete"),
    # its network cards
    Route(
        "GET", "/v2.1/servers/{id}/os-interface", server_interfaces.list_interfaces, f"{_P}:os-attach-interfaces:list"
    ),
    Route(
        "POST",
        "/v2.1/servers/{id}/os-interface",
        server_interfaces.create_interface,
        f"{_P}:os-attach-interfaces:create",
    ),
    Route(
        "GET",
        "/v2.1/servers/{id}/os-interface/{port}",
        server_interfaces.show_interface,
        f"{_P}:os-attach-interfaces:show",
    ),
    Route(
        "DELETE",
        "/v2.1/servers/{id}/os-interface/{port}",
        server_interfaces.delete_interface,
        f"{_P}:os-attach-interfaces:delete",
    ),
    # what else there is of a server
    Route("GET", "/v2.1/servers/{id}/diagnostics", server_diagnostics.show_diagnostics, f"{_P}:os-server-diagnostics"),
    Route("POST", "/v2.1/servers/{id}/remote-consoles", remote_consoles.create_console, f"{_P}:os-remote-consoles"),
    Route(
        "GET",
        "/v2.1/servers/{id}/os-security-groups",
        server_security_groups.show_security_groups,
        f"{_P}:os-security-groups:list",
    ),
    Route("GET", "/v2.1/servers/{id}/os-server-password", server_views.show_password, f"{_P}:os-server-password:show"),
    Route(
        "DELETE",
        "/v2.1/servers/{id}/os-server-password",
        server_views.clear_password,
        f"{_P}:os-server-password:clear",
    ),
    Route("GET", "/v2.1/servers/{id}/topology", server_views.show_topology, "compute:server:topology:index"),
    Route("GET", "/v2.1/servers/{id}/migrations", server_views.list_migrations, f"{_P}:servers:migrations:index"),
    Route(
        "GET",
        "/v2.1/servers/{id}/migrations/{migration}",
        server_views.show_migration,
        f"{_P}:servers:migrations:show",
    ),
    # what was done to a server
    Route(
        "GET",
        "/v2.1/servers/{id}/os-instance-actions",
        instance_actions.list_actions,
        f"{_P}:os-instance-actions:list",
    ),
    Route(
        "GET",
        "/v2.1/servers/{id}/os-instance-actions/{request_id}",
        instance_actions.show_action,
        f"{_P}:os-instance-actions:show",
    ),
    # flavors
    Route("GET", "/v2.1/flavors", flavors.list_flavors, f"{_P}:flavors"),
    Route("GET", "/v2.1/flavors/detail", flavors.list_flavors_detailed, f"{_P}:flavors"),
    Route("GET", "/v2.1/flavors/{id}", flavors.show_flavor, f"{_P}:flavors"),
    Route("PUT", "/v2.1/flavors/{id}", flavors.update, f"{_P}:os-flavor-manage:update"),
    Route("POST", "/v2.1/flavors/{id}/action", flavor_access.act, f"{_P}:os-flavor-access:act"),
    Route("GET", "/v2.1/flavors/{id}/os-flavor-access", flavor_access.list_access, f"{_P}:os-flavor-access"),
    Route(
        "GET", "/v2.1/flavors/{id}/os-extra_specs", extra_specs.list_extra_specs, f"{_P}:os-flavor-extra-specs:index"
    ),
    Route(
        "POST", "/v2.1/flavors/{id}/os-extra_specs", extra_specs.add_extra_specs, f"{_P}:os-flavor-extra-specs:create"
    ),
    Route(
        "GET",
        "/v2.1/flavors/{id}/os-extra_specs/{key}",
        extra_specs.show_extra_spec,
        f"{_P}:os-flavor-extra-specs:show",
    ),
    Route(
        "PUT",
        "/v2.1/flavors/{id}/os-extra_specs/{key}",
        extra_specs.update_extra_spec,
        f"{_P}:os-flavor-extra-specs:update",
    ),
    Route(
        "DELETE",
        "/v2.1/flavors/{id}/os-extra_specs/{key}",
        extra_specs.delete_extra_spec,
        f"{_P}:os-flavor-extra-specs:delete",
    ),
    Route("POST", "/v2.1/flavors", flavors.create, f"{_P}:os-flavor-manage:create"),
    Route("DELETE", "/v2.1/flavors/{id}", flavors.delete, f"{_P}:os-flavor-manage:delete"),
    # key pairs
    Route("GET", "/v2.1/os-keypairs", keypairs.list_keypairs, f"{_P}:os-keypairs:index"),
    Route("POST", "/v2.1/os-keypairs", keypairs.create_keypair, f"{_P}:os-keypairs:create"),
    Route("GET", "/v2.1/os-keypairs/{name}", keypairs.show_keypair, f"{_P}:os-keypairs:show"),
    Route("DELETE", "/v2.1/os-keypairs/{name}", keypairs.delete_keypair, f"{_P}:os-keypairs:delete"),
    # hosts
    Route("GET", "/v2.1/os-hypervisors", hypervisors.list_hypervisors, f"{_P}:os-hypervisors:list"),
    Route(
        "GET",
        "/v2.1/os-hypervisors/detail",
        hypervisors.list_hypervisors_detailed,
        f"{_P}:os-hypervisors:list-detail",
    ),
    Route("GET", "/v2.1/os-hypervisors/statistics", hypervisors.show_statistics, f"{_P}:os-hypervisors:statistics"),
    Route("GET", "/v2.1/os-hypervisors/{id}", hypervisors.show_hypervisor, f"{_P}:os-hypervisors:show"),
    Route("GET", "/v2.1/os-hypervisors/{id}/uptime", hypervisors.show_uptime, f"{_P}:os-hypervisors:uptime"),
    Route("GET", "/v2.1/os-hypervisors/{id}/search", hypervisors.search_hypervisors, f"{_P}:os-hypervisors:search"),
    Route(
        "GET",
        "/v2.1/os-hypervisors/{id}/servers",
        hypervisors.list_servers_of_hypervisors,
        f"{_P}:os-hypervisors:servers",
    ),
    Route("GET", "/v2.1/os-services", compute_services.list_services, f"{_P}:os-services:list"),
    Route("PUT", "/v2.1/os-services/{id}", compute_services.update_service, f"{_P}:os-services:update"),
    Route("DELETE", "/v2.1/os-services/{id}", compute_services.delete_service, f"{_P}:os-services:delete"),
    Route("GET", "/v2.1/os-aggregates", aggregates.list_aggregates, f"{_P}:os-aggregates:index"),
    Route("POST", "/v2.1/os-aggregates", aggregates.create_aggregate, f"{_P}:os-aggregates:create"),
    Route("GET", "/v2.1/os-aggregates/{id}", aggregates.show_aggregate, f"{_P}:os-aggregates:show"),
    Route("PUT", "/v2.1/os-aggregates/{id}", aggregates.update_aggregate, f"{_P}:os-aggregates:update"),
    Route("DELETE", "/v2.1/os-aggregates/{id}", aggregates.delete_aggregate, f"{_P}:os-aggregates:delete"),
    Route("POST", "/v2.1/os-aggregates/{id}/action", aggregate_actions.act, f"{_P}:os-aggregates:act"),
    # from before there were other APIs
    Route("GET", "/v2.1/images", image_proxy.list_images, f"{_P}:images"),
    Route("GET", "/v2.1/images/detail", image_proxy.list_images_detailed, f"{_P}:images"),
    Route("GET", "/v2.1/images/{id}", image_proxy.show_image, f"{_P}:images"),
    Route("DELETE", "/v2.1/images/{id}", image_proxy.delete, f"{_P}:images:delete"),
    Route("GET", "/v2.1/images/{id}/metadata", image_proxy.list_metadata, f"{_P}:images"),
    Route("GET", "/v2.1/images/{id}/metadata/{key}", image_proxy.show_metadata, f"{_P}:images"),
    Route("GET", "/v2.1/os-hosts", host_proxy.list_hosts, f"{_P}:os-hosts:list"),
    Route("GET", "/v2.1/os-hosts/{name}", host_proxy.show_host, f"{_P}:os-hosts:show"),
    # usage
    Route("GET", "/v2.1/os-simple-tenant-usage", usage_reports.list_usage, f"{_P}:os-simple-tenant-usage:list"),
    Route(
        "GET", "/v2.1/os-simple-tenant-usage/{project}", usage_reports.show_usage, f"{_P}:os-simple-tenant-usage:show"
    ),
    Route(
        "GET",
        "/v2.1/os-instance_usage_audit_log",
        usage_audits.list_audits,
        f"{_P}:os-instance-usage-audit-log:list",
    ),
    Route(
        "GET",
        "/v2.1/os-instance_usage_audit_log/{before}",
        usage_audits.show_audits,
        f"{_P}:os-instance-usage-audit-log:show",
    ),
    # server groups
    Route("GET", "/v2.1/os-server-groups", server_groups.list_groups, f"{_P}:os-server-groups:index"),
    Route("POST", "/v2.1/os-server-groups", server_groups.create, f"{_P}:os-server-groups:create"),
    Route("GET", "/v2.1/os-server-groups/{id}", server_groups.show_group, f"{_P}:os-server-groups:show"),
    Route("DELETE", "/v2.1/os-server-groups/{id}", server_groups.delete, f"{_P}:os-server-groups:delete"),
    # the rest
    Route("GET", "/v2.1/limits", limits.show_limits, f"{_P}:limits"),
    Route("GET", "/v2.1/os-quota-sets/{project}", quota_sets.show_quotas, f"{_P}:os-quota-sets:show"),
    Route(
        "GET", "/v2.1/os-quota-sets/{project}/defaults", quota_sets.show_default_quotas, f"{_P}:os-quota-sets:defaults"
    ),
    Route("GET", "/v2.1/os-quota-sets/{project}/detail", quota_sets.show_quotas_detailed, f"{_P}:os-quota-sets:detail"),
    Route("PUT", "/v2.1/os-quota-sets/{project}", quota_sets.update_quotas, f"{_P}:os-quota-sets:update"),
    Route("DELETE", "/v2.1/os-quota-sets/{project}", quota_sets.delete_quotas, f"{_P}:os-quota-sets:delete"),
    Route(
        "GET", "/v2.1/os-quota-class-sets/{name}", quota_class_sets.show_quota_class, f"{_P}:os-quota-class-sets:show"
    ),
    Route(
        "PUT",
        "/v2.1/os-quota-class-sets/{name}",
        quota_class_sets.update_quota_class,
        f"{_P}:os-quota-class-sets:update",
    ),
    Route("GET", "/v2.1/os-availability-zone", zones.list_zones, f"{_P}:os-availability-zone:list"),
    Route("GET", "/v2.1/os-availability-zone/detail", zones.list_zones_detailed, f"{_P}:os-availability-zone:detail"),
    Route("GET", "/v2.1/extensions", extensions.list_extensions, f"{_P}:extensions"),
    Route("GET", "/v2.1/extensions/{alias}", extensions.show_extension, f"{_P}:extensions"),
]
"""As data."""

ROUTES = Routes(ALL)
