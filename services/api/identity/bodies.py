"""What the identity API says of tokens, users, projects, roles and domains."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.api.caller import Caller
from services.api.dependencies import Dependencies
from services.api.identity.grants import DOMAIN

_IDS = UUID("0d6a6a34-77a8-4b2d-9c0c-4f7f1f1f3f55")

SERVICES: Mapping[str, tuple[str, str]] = {
    "compute": ("nova", "/v2.1"),
    "identity": ("keystone", "/identity"),
    "image": ("glance", "/image"),
    "network": ("neutron", "/network"),
}
"""Service type → (name, path): some clients look services up by name."""

INTERFACES = ("public", "internal", "admin")


def fixed_id(name: str) -> str:
    """An id that a thing without one of its own keeps for ever: roles, services, endpoints."""
    return uuid5(_IDS, name).hex


def moment(time: datetime) -> str:
    """As tokens write times."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def catalog(dependencies: Dependencies) -> list[dict[str, Any]]:
    """Where each service is."""
    return [
        {
            "id": fixed_id(f"service {kind}"),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": fixed_id(f"endpoint {kind} {interface}"),
                    "interface": interface,
                    "region": dependencies.region,
                    "region_id": dependencies.region,
                    "url": f"{dependencies.public_url}{path}",
                }
                for interface in INTERFACES
            ],
        }
        for kind, (name, path) in SERVICES.items()
    ]


def role_body(name: str, base: str) -> dict[str, Any]:
    """A role."""
    role_id = fixed_id(f"role {name}")
    links = {"self": f"{base}/identity/v3/roles/{role_id}"}
    return {"id": role_id, "name": name, "domain_id": None, "description": None, "options": {}, "links": links}


def domain_body(base: str) -> dict[str, Any]:
    """The domain."""
    return {
        **DOMAIN,
        "enabled": True,
        "description": "The default domain",
        "tags": [],
        "options": {},
        "links": {"self": f"{base}/identity/v3/domains/{DOMAIN['id']}"},
    }


def project_body(row: Mapping[Any, Any], base: str) -> dict[str, Any]:
    """A project."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "domain_id": DOMAIN["id"],
        "parent_id": DOMAIN["id"],
        "is_domain": False,
        "enabled": row["enabled"],
        "tags": [],
        "options": {},
        "links": {"self": f"{base}/identity/v3/projects/{row['id']}"},
    }


def user_body(row: Mapping[Any, Any], base: str) -> dict[str, Any]:
    """A user. What nobody has said of it is left out."""
    said = {name: row[name] for name in ("description", "email", "default_project_id") if row[name] is not None}
    return {
        "id": row["id"],
        "name": row["name"],
        **said,
        "domain_id": DOMAIN["id"],
        "enabled": row["enabled"],
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{base}/identity/v3/users/{row['id']}"},
    }


def token_body(caller: Caller, dependencies: Dependencies, *, with_catalog: bool = True) -> dict[str, Any]:
    """What a token says of its holder."""
    token: dict[str, Any] = {
        "methods": list(caller.methods),
        "user": {
            "id": caller.user_id,
            "name": caller.user_name,
            "domain": dict(DOMAIN),
            "password_expires_at": None,
        },
        "audit_ids": [audit_id for audit_id in (caller.audit_id, caller.parent_audit_id) if audit_id is not None],
        "issued_at": moment(caller.issued_at),
        "expires_at": moment(caller.expires_at),
    }
    if caller.project_id is not None:
        token["project"] = {"id": caller.project_id, "name": caller.project_name, "domain": dict(DOMAIN)}
        token["is_domain"] = False
        token["roles"] = [{"id": fixed_id(f"role {role}"), "name": role} for role in caller.roles]
        if with_catalog:
            token["catalog"] = catalog(dependencies)
    if caller.credential_id is not None:
        token["application_credential"] = {
            "id": caller.credential_id,
            "name": caller.credential_name,
            "restricted": not caller.unrestricted,
        }
    return {"token": token}


def credential_body(row: Mapping[Any, Any], base: str) -> dict[str, Any]:
    """An application credential, without its secret."""
    expires_at = row["expires_at"]
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "project_id": row["project_id"],
        "user_id": row["user_id"],
        "roles": [{"id": fixed_id(f"role {role}"), "name": role, "domain_id": None} for role in row["roles"]],
        "expires_at": None if expires_at is None else moment(expires_at),
        "unrestricted": row["unrestricted"],
        "system": None,
        "access_rules": [],
        "links": {"self": f"{base}/identity/v3/users/{row['user_id']}/application_credentials/{row['id']}"},
    }
