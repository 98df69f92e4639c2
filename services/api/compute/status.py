"""Server status: what the API calls the state an instance is in, and which states a status stands for.

Source: compute API guide, "Server status"; Nova's `_STATE_MAP`.
"""

from collections.abc import Mapping

RESIZING = ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish")
REBUILDING = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning")


def _all(tasks: tuple[str, ...], status: str) -> dict[str, str]:
    return dict.fromkeys(tasks, status)


STATUS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "building": ("BUILD", {}),
    "active": (
        "ACTIVE",
        {
            **_all(("rebooting", "reboot_pending", "reboot_started"), "REBOOT"),
            **_all(("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"), "HARD_REBOOT"),
            "updating_password": "PASSWORD",
            **_all(REBUILDING, "REBUILD"),
            "migrating": "MIGRATING",
            **_all(RESIZING, "RESIZE"),
        },
    ),
    "stopped": ("SHUTOFF", {**_all(RESIZING, "RESIZE"), **_all(REBUILDING, "REBUILD")}),
    "resized": ("VERIFY_RESIZE", {"resize_reverting": "REVERT_RESIZE"}),
    "paused": ("PAUSED", {"migrating": "MIGRATING"}),
    "suspended": ("SUSPENDED", {}),
    "rescued": ("RESCUE", {}),
    "error": ("ERROR", _all(REBUILDING, "REBUILD")),
    "soft-delete": ("SOFT_DELETED", {}),
    "deleted": ("DELETED", {}),
    "shelved": ("SHELVED", {}),
    "shelved_offloaded": ("SHELVED_OFFLOADED", {}),
}
"""vm_state → (status, {task_state → another status})."""


def status_of(vm_state: str, task_state: str | None) -> str:
    """The status of a server; UNKNOWN for a state that is none."""
    usual, others = STATUS.get(vm_state, ("UNKNOWN", {}))
    return others.get(task_state or "", usual)


def states_of(status: str) -> tuple[tuple[str, str | None, tuple[str, ...]], ...]:
    """Which states have a status: (vm_state, its task_state or None for any but these, the tasks that mean another).

    Empty for what is no status.
    """
    wanted = status.upper()
    found: list[tuple[str, str | None, tuple[str, ...]]] = []
    for vm_state, (usual, others) in STATUS.items():
        if usual == wanted:
            found.append((vm_state, None, tuple(others)))
        found += [(vm_state, task, ()) for task, named in others.items() if named == wanted]
    return tuple(found)
