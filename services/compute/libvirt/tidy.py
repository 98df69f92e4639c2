"""The end of a host's libvirt: guests are powered off, networks taken down, and nothing of it stays on the machine."""

import logging
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libvirt

from services.compute.libvirt.errors import translated
from services.compute.libvirt.firewall import remove_empty_chains
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.processes import end, own_processes

log = logging.getLogger(__name__)

THREADS = 4
BRIDGES = Path("/sys/class/net")


def power_off(layout: Layout) -> None:
    """End all guests, and take down all networks, by way of the daemon.

    What fails is logged only: `remove_traces` comes after it, and needs no daemon.
    """
    try:
        _power_off(layout)
    except libvirt.libvirtError as error:
        log.warning("what still runs is ended without libvirt: %s", translated(error))


def _power_off(layout: Layout) -> None:
    connection = libvirt.open(layout.uri)
    with ThreadPoolExecutor(THREADS) as pool:
        for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            pool.submit(_try, f"guest {domain.name()} cannot be powered off", domain.destroy)
    for network in connection.listAllNetworks():
        _try(f"network {network.name()} cannot be taken down", lambda network=network: _take_down(network))  # type: ignore[misc]
    connection.close()


def _take_down(network: Any) -> None:
    lasting = network.isPersistent()
    if network.isActive():
        network.destroy()
    if lasting:
        network.undefine()


def remove_traces(layout: Layout) -> None:
    """End every process that is left, and remove bridges, firewall chains and sockets. No reaping happens meanwhile."""
    end(own_processes(layout), layout)
    for bridge in own_bridges(layout):
        subprocess.run(["ip", "link", "delete", bridge], check=False, timeout=15)  # noqa: S603, S607 -- our own arguments
    remove_empty_chains(layout)
    shutil.rmtree(layout.run, ignore_errors=True)


def own_bridges(layout: Layout) -> list[str]:
    """The bridges of our networks that are there."""
    if not layout.networks.is_dir():
        return []
    return [made.name for made in layout.networks.iterdir() if (BRIDGES / made.name / "bridge").is_dir()]


def has_traces(layout: Layout) -> bool:
    """Whether there is anything on the machine that `remove_traces` would remove."""
    return layout.run.exists() or bool(own_processes(layout)) or bool(own_bridges(layout))


def _try(complaint: str, action: Callable[[], object]) -> None:
    try:
        action()
    except libvirt.libvirtError as error:
        log.warning("%s: %s", complaint, translated(error))
