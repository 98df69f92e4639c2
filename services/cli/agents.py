"""The agents that this machine plays, with their real surroundings: one real host, or any number of simulated ones."""

import asyncio
from pathlib import Path

from journal.connection import connect, disconnect
from services.cli.region import Region
from services.compute.agent import Agent, AgentSettings
from services.compute.hypervisor import Hypervisor, Inventory
from services.compute.simulated import SimulatedHypervisor

SIMULATED = Inventory(
    vcpus=64,
    memory_mib=256 * 1024,
    disk_gib=4096,
    hypervisor_type="simulated",
    hypervisor_version=1000000,
    cpu_arch="x86_64",
    cpu_model="simulated",
)


async def run_agents(region: Region) -> None:
    """The agents of all hosts that this machine plays: one real host, or any number of simulated ones."""
    async with asyncio.TaskGroup() as group:
        for host in region.hosts:
            group.create_task(run_agent(region, host), name=f"agent {host}")


async def run_agent(region: Region, host: str) -> None:
    """One host's agent."""
    client = await connect(region.log.urls, region.log.host_seed(host), name=f"agent-{host}", host=host)
    hypervisor, images = make_hypervisor(region, host)
    settings = AgentSettings(
        host=host,
        directory=region.host_directory(host),
        images=images,
        session=host_session(region),
        reserved_memory_mib=0 if region.is_simulated else 512,
        builds_at_once=64 if region.is_simulated else 4,
    )
    try:
        await Agent(client, hypervisor, settings).run()
    finally:
        await disconnect(client)


def make_hypervisor(region: Region, host: str) -> tuple[Hypervisor, Path]:
    """The host's hypervisor, and where it can read images."""
    directory = region.host_directory(host)
    if region.is_simulated:
        return SimulatedHypervisor(directory / "guests", SIMULATED), directory / "images"
    from services.compute.libvirt.driver import LibvirtHypervisor  # noqa: PLC0415 -- needs libvirt, which a simulated region does not

    hypervisor = LibvirtHypervisor(directory / "libvirt", region.accelerator)
    return hypervisor, hypervisor.images


def host_session(region: Region) -> str:
    """What changes when all guests of the host have gone down with it: a start of the machine, or of the region."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{region.session}"
