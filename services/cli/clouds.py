"""The clients' configuration: `clouds.yaml`, with the passwords of a region's first users."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from journal.accounts import write_private

ADMIN, DEMO = "chronova-admin", "chronova"
USERS: Mapping[str, tuple[str, str]] = {ADMIN: ("admin", "admin"), DEMO: ("demo", "demo")}
"""Cloud → user name, project name."""


def passwords(path: Path) -> dict[str, str]:
    """Cloud → password, from the file; those that are not in it are left out."""
    found: dict[str, str] = {}
    cloud = ""
    if path.exists():
        for line in path.read_text().splitlines():
            word, _, value = line.strip().partition(":")
            if line.startswith("  ") and not line.startswith("   ") and not value:
                cloud = word
            elif word == "password" and cloud in USERS:
                found[cloud] = value.strip().strip('"')
    return found


def new_passwords(known: Mapping[str, str]) -> dict[str, str]:
    """Cloud → a new password, for each cloud that has none yet."""
    return {cloud: secrets.token_urlsafe(24) for cloud in USERS if cloud not in known}


def write_clouds(path: Path, api_url: str, known: Mapping[str, str]) -> None:
    """Write the file, readable by its owner alone (openstacksdk: "Configuring OpenStack SDK applications")."""
    lines = ["clouds:"]
    for cloud, (user, project) in USERS.items():
        lines += [
            f"  {cloud}:",
            "    auth:",
            f"      auth_url: {api_url}/identity/v3",
            f"      username: {user}",
            f'      password: "{known[cloud]}"',
            f"      project_name: {project}",
            "      user_domain_id: default",
            "      project_domain_id: default",
            "    region_name: RegionOne",
            "    identity_api_version: 3",
        ]
    write_private(path, ("\n".join(lines) + "\n").encode())
