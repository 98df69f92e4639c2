"""The tables of the read model. Rows are written by the projections alone; everybody else only reads."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, with its zone in Python and without it in the database (SQLite has no zones)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("description", Text),
    Column("vm_state", String(32), nullable=False),
    Column("task_state", String(32)),
    Column("power_state", Integer, nullable=False),
    Column("want", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("host", String(64)),
    Column("flavor", JSON, nullable=False),
    Column("flavor_id", String(255), nullable=False),
    Column("image", JSON, nullable=False),
    Column("image_id", String(36)),
    Column("networks", JSON, nullable=False),
    Column("nics", JSON, nullable=False),
    Column("key", JSON),
    Column("metadata", JSON, nullable=False),
    Column("config_drive", Boolean, nullable=False),
    Column("pinned_zone", Text),
    Column("hints", JSON, nullable=False),
    Column("user_data_sha256", String(64)),
    Column("fault", JSON),  # code, message, created (RFC 3339)
    Column("shelved_image_id", String(36)),
    Column("locked", Boolean, nullable=False),
    Column("locked_by", String(8)),  # owner | admin
    Column("locked_reason", Text),
    Column("reservation_id", String(64), nullable=False),
    Column("launch_index", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("launched_at", UtcDateTime),
    Column("terminated_at", UtcDateTime),
    Column("deleted", Boolean, nullable=False),
    Column("access_ipv4", String(15)),
    Column("access_ipv6", String(45)),
    Column("disk_config", String(8), nullable=False),
    Column("tags", JSON, nullable=False),  # also a row each in instance_tags
    Column("version", Integer, nullable=False),
    Column("created_position", BigInteger, nullable=False),  # orders instances by age where times are equal
    Column("position", BigInteger, nullable=False),  # of the newest event in this row
    Index("instances_by_project", "project_id", "deleted", "created_position"),
    Index("instances_by_host", "host", "deleted"),
    Index("instances_by_task", "task_state"),
)

instance_hosts = Table(
    "instance_hosts",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("host", String(64), primary_key=True),  # it has a part in the instance: see Instance.hosts
    Index("instance_hosts_by_host", "host"),
)

instance_tags = Table(
    "instance_tags",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("tag", String(60), primary_key=True),
    Index("instance_tags_by_tag", "tag"),
)

instance_actions = Table(
    "instance_actions",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("request_id", String(64), primary_key=True),
    Column("action", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("project_id", String(64), nullable=False),
    Column("start_time", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("message", Text),  # "Error" when it failed
    Column("event", String(128), nullable=False),  # Nova's name of what the host does for it
    Column("event_start_time", UtcDateTime),
    Column("finish_time", UtcDateTime),
    Column("result", String(16)),  # Success | Error
    Column("details", Text),
    Column("host", String(64)),
    Column("position", BigInteger, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("up", Boolean, nullable=False),
    Column("forced_down", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("inventory", JSON, nullable=False),
    Column("capacity", JSON, nullable=False),  # what may be claimed: vcpus, memory_mib, disk_gib
    Column("used", JSON, nullable=False),  # what is claimed
    Column("claims", Integer, nullable=False),  # how many instances hold a claim
    Column("registered_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("host", String(64), primary_key=True),
    Column("instance_id", String(36), primary_key=True),
    Column("resources", JSON, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Index("claims_by_instance", "instance_id"),
)

flavors = Table(
    "flavors",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("name", Text, nullable=False),
    Column("vcpus", Integer, nullable=False),
    Column("ram", Integer, nullable=False),
    Column("disk", Integer, nullable=False),
    Column("ephemeral", Integer, nullable=False),
    Column("swap", Integer, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("description", Text),
    Column("extra_specs", JSON, nullable=False),
    Column("rxtx_factor", Float, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

flavor_access = Table(
    "flavor_access",
    metadata,
    Column("flavor_id", String(255), primary_key=True),
    Column("project_id", String(64), primary_key=True),
)

images = Table(
    "images",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(64), nullable=False),
    Column("name", Text),
    Column("status", String(16), nullable=False),
    Column("disk_format", String(16), nullable=False),
    Column("container_format", String(16), nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("min_disk", Integer, nullable=False),
    Column("min_ram", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("size", BigInteger),
    Column("virtual_size", BigInteger),
    Column("checksum", String(128)),
    Column("checksum_md5", String(32)),
    Column("hidden", Boolean, nullable=False),
    Column("members", JSON, nullable=False),  # project id → status, created_at, updated_at
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

networks = Table(
    "networks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("subnet_id", String(36)),
    Column("shared", Boolean, nullable=False),
    Column("mtu", Integer, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

subnets = Table(
    "subnets",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("network_id", String(36), nullable=False, index=True),
    Column("project_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("cidr", String(18), nullable=False),
    Column("gateway", String(15), nullable=False),
    Column("pools", JSON, nullable=False),  # start, end
    Column("dns", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

ports = Table(
    "ports",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("network_id", String(36), nullable=False),
    Column("subnet_id", String(36)),
    Column("instance_id", String(36)),
    Column("address", String(15)),
    Column("mac", String(17), nullable=False),
    Column("kept", Boolean, nullable=False),  # a user made it: it outlives its instance
    Column("project_id", String(64)),  # NULL: its instance's
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("device_owner", Text, nullable=False),
    Column("security_groups", JSON),  # NULL: the default group of its project
    Column("tags", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ports_by_instance", "instance_id"),
    Index("ports_by_network", "network_id"),
)

security_groups = Table(
    "security_groups",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(64), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

security_group_rules = Table(
    "security_group_rules",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("group_id", String(36), nullable=False, index=True),
    Column("project_id", String(64), nullable=False, index=True),
    Column("direction", String(8), nullable=False),
    Column("ethertype", String(4), nullable=False),
    Column("protocol", String(16)),
    Column("port_min", Integer),
    Column("port_max", Integer),
    Column("remote_prefix", String(43)),
    Column("remote_group", String(36)),
    Column("description", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
)

keypairs = Table(
    "keypairs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", String(8), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
    Index("keypairs_by_user", "user_id"),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("projects_by_name", "name"),
)

users = Table(
    "users",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("email", Text),
    Column("default_project_id", String(64)),
    Column("enabled", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("users_by_name", "name"),
)

role_grants = Table(
    "role_grants",
    metadata,
    Column("user_id", String(64), primary_key=True),
    Column("project_id", String(64), primary_key=True),
    Column("role", String(64), primary_key=True),
)

quotas = Table(
    "quotas",
    metadata,
    Column("project_id", String(64), primary_key=True),
    Column("limits", JSON, nullable=False),  # of the project's own: resource → limit
    Column("usage", JSON, nullable=False),  # resource → what is taken of it
)

reservations = Table(
    "reservations",
    metadata,
    Column("project_id", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),  # the id of an instance or of a server group
    Column("amounts", JSON, nullable=False),
    Column("reserved_at", UtcDateTime, nullable=False),
    Index("reservations_by_holder", "holder"),
)

quota_classes = Table(
    "quota_classes",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("limits", JSON, nullable=False),
)

server_groups = Table(
    "server_groups",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("policy", String(32), nullable=False),
    Column("rules", JSON, nullable=False),
    Column("members", JSON, nullable=False),  # ids of instances
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),
    Index("server_groups_by_project", "project_id", "deleted"),
)

host_aggregates = Table(
    "host_aggregates",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("created_position", BigInteger, nullable=False),  # the number by which the API knows it
    Index("host_aggregates_by_number", "created_position"),
)

host_zones = Table(
    "host_zones",
    metadata,
    Column("aggregate_id", String(36), primary_key=True),
    Column("host", String(64), primary_key=True),
    Column("zone", Text, nullable=False),
    Index("host_zones_by_host", "host"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("project_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("roles", JSON, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("unrestricted", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("credentials_by_user", "user_id", "deleted"),
)

endings = Table(
    "endings",
    metadata,
    Column("key", String(160), primary_key=True),  # of which tokens: projections/endings.py
    Column("position", BigInteger, nullable=False),  # those that were given before this event have ended
    Column("at", UtcDateTime, nullable=False),
    Index("endings_by_position", "position"),
    Index("endings_by_time", "at"),
)
