"""Rigs: an adapter each, and what a test must be able to do behind its back."""

import asyncio
import os
import random
import re
import subprocess
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import libvirt

from domain.instance.desired import GuestSpec, ImageSource, Nic
from domain.instance.state import StopReason
from services.compute.hypervisor import Hypervisor, Inventory
from services.compute.libvirt.driver import LibvirtHypervisor
from services.compute.simulated import SimulatedHypervisor
from tests.integration.hypervisor.keepers import KeeperProcess
from tests.integration.hypervisor.waiting import BOOT, eventually

IMAGE_ID = "3f1c4b6e-9a53-4d55-8b0a-6d2d0f1b7a11"


def free_subnet() -> IPv4Network:
    shown = subprocess.run(["ip", "-4", "-o", "route"], check=True, stdout=subprocess.PIPE, text=True).stdout
    used = set(re.findall(r"10\.213\.(\d+)\.", shown))
    free = [third for third in range(1, 255) if str(third) not in used]
    return IPv4Network(f"10.213.{random.choice(free)}.0/24")


def nic_on(subnet: IPv4Network, network_id: str, host: int) -> Nic:
    """A card with the nth address of a network."""
    port = uuid4()
    digits = port.hex[-6:]
    return Nic(
        port_id=str(port),
        network_id=network_id,
        mac=f"52:54:00:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}",
        address=str(subnet[host]),
        cidr=str(subnet),
        gateway=str(subnet[1]),
    )


def guest_spec(*nics: Nic, disk_gib: int = 1, disk_format: str = "qcow2") -> GuestSpec:
    """A small guest."""
    return GuestSpec(
        id=str(uuid4()),
        name="a guest",
        hostname="a-guest",
        project_id="demo",
        vcpus=1,
        memory_mib=128,
        disk_gib=disk_gib,
        image=ImageSource(id=IMAGE_ID, disk_format=disk_format, size=0, checksum="", url=""),
        nics=nics,
    )


class Rig(Protocol):
    """An adapter, and what a test must be able to do behind its back."""

    hypervisor: Hypervisor
    changes: list[tuple[str, StopReason | None]]
    image: Path | None

    def spec(self) -> GuestSpec: ...

    def another_nic(self) -> Nic: ...

    async def open(self) -> None: ...

    async def reopen(self) -> None: ...

    async def booted(self, instance_id: str, times: int = 1) -> None: ...

    async def power_off_inside(self, instance_id: str) -> None: ...

    async def crash(self, instance_id: str) -> None: ...

    async def next_build_fails(self) -> Path | None: ...

    def traces(self, instance_id: str) -> list[str]: ...

    async def close(self) -> None: ...


@dataclass
class Common:
    """What both rigs do alike."""

    changes: list[tuple[str, StopReason | None]] = field(default_factory=list)
    specs: list[GuestSpec] = field(default_factory=list)

    def noticed(self, instance_id: str, reason: StopReason | None) -> None:
        self.changes.append((instance_id, reason))


@dataclass
class SimulatedRig(Common):
    """Guests that exist in name only."""

    directory: Path = Path()
    image: Path | None = None

    def __post_init__(self) -> None:
        self.hypervisor = self._make()

    def _make(self) -> SimulatedHypervisor:
        return SimulatedHypervisor(self.directory, Inventory(64, 1024, 100, "simulated", 1, "x86_64", "none"))

    def spec(self) -> GuestSpec:
        return guest_spec()

    def another_nic(self) -> Nic:
        return nic_on(IPv4Network("10.0.0.0/24"), str(uuid4()), 5)

    async def open(self) -> None:
        await self.hypervisor.open(self.noticed)

    async def reopen(self) -> None:
        await self.hypervisor.close()
        self.hypervisor = self._make()
        await self.open()

    async def booted(self, instance_id: str, times: int = 1) -> None:
        assert times
        assert "login:" in await self.hypervisor.console_output(instance_id, None)

    async def power_off_inside(self, instance_id: str) -> None:
        await self.hypervisor.power_off_by_itself(instance_id)

    async def crash(self, instance_id: str) -> None:
        await self.hypervisor.crash(instance_id)

    async def next_build_fails(self) -> Path | None:
        self.hypervisor.fail_next("It was told to fail.")
        return None

    def traces(self, instance_id: str) -> list[str]:
        return [path.name for path in self.directory.iterdir() if instance_id in path.name]

    async def close(self) -> None:
        await self.hypervisor.close()


@dataclass
class LibvirtRig(Common):
    """Real guests."""

    keeper: KeeperProcess = field(default_factory=lambda: KeeperProcess(Path()))
    subnet: IPv4Network = field(default_factory=free_subnet)
    image: Path = Path()
    network_id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self.hypervisor = LibvirtHypervisor(self.keeper.root, "qemu")

    def spec(self, host: int | None = None, **options: int | str) -> GuestSpec:
        nic = nic_on(self.subnet, self.network_id, host or 10 + len(self.specs))
        spec = guest_spec(nic, **options)  # type: ignore[arg-type]
        self.specs.append(spec)
        return spec

    def another_nic(self) -> Nic:
        return nic_on(self.subnet, self.network_id, 200)

    async def open(self) -> None:
        await self.hypervisor.open(self.noticed)

    async def reopen(self) -> None:
        await self.hypervisor.close()
        self.hypervisor = LibvirtHypervisor(self.keeper.root, "qemu")
        await self.open()

    async def booted(self, instance_id: str, times: int = 1) -> None:
        async def asked() -> bool:
            return (await self.hypervisor.console_output(instance_id, None)).count("login:") >= times

        await eventually(asked, within=BOOT)

    async def power_off_inside(self, instance_id: str) -> None:
        await self.type_on_console(instance_id, "root", "tiny", "poweroff")

    async def type_on_console(self, instance_id: str, user: str, password: str, command: str) -> None:
        """Log in on the serial line as a person would, and type a command."""
        prompts = {"login:": user, "assword:": password, "# ": command}
        terminal = await asyncio.to_thread(self.terminal, instance_id)
        line = os.open(terminal, os.O_WRONLY | os.O_NOCTTY)
        try:
            seen = len(await self.hypervisor.console_output(instance_id, None)) - len("login: ")
            for prompt, answer in prompts.items():
                seen = len(await eventually(partial(self.said, instance_id, prompt, seen)))
                os.write(line, f"{answer}\n".encode())
        finally:
            os.close(line)

    async def said(self, instance_id: str, what: str, since: int) -> str:
        """All that the guest has said, once it has said this too; until then nothing."""
        output = await self.hypervisor.console_output(instance_id, None)
        return output if what in output[since:] else ""

    async def crash(self, instance_id: str) -> None:
        os.kill(self.qemu(instance_id), 9)

    async def next_build_fails(self) -> Path | None:
        broken = self.hypervisor.images / f"broken-{uuid4()}.qcow2"
        broken.write_bytes(b"this is no disk\n" * 4096)
        return broken

    def traces(self, instance_id: str) -> list[str]:
        layout = self.keeper.layout
        connection = libvirt.open(layout.uri)
        domains = [domain.name() for domain in connection.listAllDomains() if domain.UUIDString() == instance_id]
        leases = [
            lease["mac"]
            for network in connection.listAllNetworks()
            for lease in network.DHCPLeases()
            if lease["mac"] in self.macs(instance_id)
        ]
        connection.close()
        files = [
            str(path)
            for path in self.keeper.root.rglob("*")
            if instance_id in path.name or path.name.replace("-", ":") in self.macs(instance_id)
        ]
        return [*domains, *leases, *files]

    def macs(self, instance_id: str) -> set[str]:
        return {nic.mac for spec in self.specs if spec.id == instance_id for nic in spec.nics}

    def qemu(self, instance_id: str) -> int:
        """The pid of the guest's process."""
        return int((self.keeper.layout.run / "libvirt" / "qemu" / f"chronova-{instance_id}.pid").read_text())

    def terminal(self, instance_id: str) -> Path:
        """The host's end of the guest's serial line."""
        connection = libvirt.open(self.keeper.layout.uri)
        try:
            described = connection.lookupByUUIDString(instance_id).XMLDesc()
        finally:
            connection.close()
        found = re.search(r"<source path='(/dev/pts/\d+)'/>", described)
        assert found is not None
        return Path(found.group(1))

    async def close(self) -> None:
        for spec in self.specs:
            await self.hypervisor.destroy(spec.id)
        await self.hypervisor.close()
