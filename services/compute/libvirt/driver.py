"""The libvirt adapter: real guests on QEMU, with the processor's help (KVM) or by emulation."""

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from domain.instance.desired import GuestSpec
from domain.instance.state import PowerState, StopReason
from services.compute.diagnostics import Diagnostics
from services.compute.hypervisor import Actual, HypervisorError, Inventory, Progress
from services.compute.libvirt import config_drive, console, disks, domains
from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.connection import Connection
from services.compute.libvirt.errors import ConnectionLost
from services.compute.libvirt.events import Change
from services.compute.libvirt.figures import diagnostics_of
from services.compute.libvirt.host import host_inventory
from services.compute.libvirt.layout import Layout
from services.compute.libvirt.networks import Networks, network_name
from services.compute.libvirt.qemu_user import qemu_user
from services.compute.libvirt.record import GuestRecord, note_start, note_stop
from services.compute.libvirt.work import Work, happens
from services.compute.libvirt.xml import NAME, DomainNic, DomainSpec, domain_xml, interface_xml

log = logging.getLogger(__name__)

T = TypeVar("T")

OPEN_PATIENCE = 15.0  # seconds that a daemon which is just starting is waited for
RECONNECT_PATIENCE = 30.0  # seconds that a daemon which is being started again is waited for, in the midst of work
ATTEMPTS = 3  # at work that is interrupted by the daemon's end
PRESS_EVERY = 5.0  # seconds: a guest that is still booting does not hear the first press of its power button
UNPLUG_PATIENCE = 20.0  # seconds
EVENT_PATIENCE = 2.0  # seconds that the event after our own pulling of the plug may take
CANNOT_MOVE = (
    "This host cannot hand a guest's disk over to another one: make an image of the server, and another server of it."
)
CANNOT_RESCUE = "This host cannot boot guests from a rescue image: attach the disk's image to another server instead."


class LibvirtHypervisor:
    """One host's guests. Its daemon is run by `services.compute.libvirt.environment` on the same root."""

    needs_image = True

    def __init__(self, root: Path, accelerator: Accelerator | str) -> None:
        self._layout = Layout(root.absolute())
        self._accelerator = Accelerator(accelerator)
        self._user = qemu_user()
        self._work = Work()
        self._connection = Connection(self._layout.uri, self._changed, self._reconnected)
        self._networks = Networks(self._layout, self._connection)
        self._on_change: Callable[[str, StopReason | None], None] = lambda _instance_id, _reason: None

    @property
    def images(self) -> Path:
        """Where image files must lie, so that QEMU can read them."""
        return self._layout.images

    async def open(self, on_change: Callable[[str, StopReason | None], None]) -> None:
        """Connect. Raises HypervisorError when the daemon does not answer in time."""
        self._on_change = on_change
        await self._connection.open(OPEN_PATIENCE)

    async def close(self) -> None:
        """Disconnect. Guests go on."""
        await self._connection.close()

    async def inventory(self) -> Inventory:
        """What the host has."""
        return await self._connection.call(lambda c: host_inventory(c, self._layout.root, self._accelerator))

    async def actual(self) -> Sequence[Actual]:
        """All guests; those whose build was left half-way have no state."""
        return await self._steadily(
            lambda: self._connection.call(lambda c: [self._seen(domain) for domain in c.listAllDomains()])
        )

    async def inspect(self, instance_id: str) -> Actual | None:
        """One guest; None when there is none, or a half-made one."""

        def look(connection: Any) -> Actual | None:
            domain = domains.find(connection, instance_id)
            return None if domain is None else self._seen(domain)

        seen = await self._steadily(lambda: self._connection.call(look))
        return None if seen is None or (seen.ours and seen.power is PowerState.NOSTATE) else seen

    async def build(self, spec: GuestSpec, image: Path | None, progress: Progress) -> None:
        """Make the guest from an image file below `images`, and start it. Raises HypervisorError; then nothing of it is left."""
        if image is None:
            raise HypervisorError("A real guest needs an image.")
        async with self._work.on(spec.id):
            try:
                await self._steadily(lambda: self._build(spec, image, progress))
            except HypervisorError:
                await self._clear_quietly(spec.id)
                raise

    async def start(self, instance_id: str) -> None:
        """Power on. Raises HypervisorError."""
        async with self._work.on(instance_id):
            await self._steadily(lambda: self._start(instance_id))

    async def shut_down(self, instance_id: str, grace: float) -> None:
        """Press the power button, again while the guest does not heed it, and pull the plug in the end."""
        async with self._work.on(instance_id) as stopped:
            await self._require_ours(instance_id)
            await self._steadily(lambda: self._shut_down(instance_id, grace, stopped))
            await self._on_domain(domains.forget_saved, instance_id)

    async def reboot(self, instance_id: str, *, hard: bool, grace: float) -> None:
        """Power off, gently unless hard, and on again."""
        async with self._work.on(instance_id) as stopped:
            await self._require_ours(instance_id)
            await self._steadily(lambda: self._shut_down(instance_id, 0.0 if hard else grace, stopped))
            await self._on_domain(domains.forget_saved, instance_id)
            await self._steadily(lambda: self._start(instance_id))

    async def pause(self, instance_id: str) -> None:
        """Let its processors stand still. Raises HypervisorError."""
        await self._work_on_domain(domains.pause, instance_id)

    async def unpause(self, instance_id: str) -> None:
        """Let it go on. Raises HypervisorError."""
        await self._work_on_domain(domains.power_on, instance_id)

    async def suspend(self, instance_id: str) -> None:
        """Write its memory to disk. Raises HypervisorError."""
        await self._work_on_domain(domains.save, instance_id)

    async def resume(self, instance_id: str) -> None:
        """Read its memory back: libvirt does so when it starts a saved domain. Raises HypervisorError."""
        await self.start(instance_id)

    async def rescue(self, spec: GuestSpec, image: Path | None, grace: float) -> None:  # noqa: ARG002
        """Refused. Raises HypervisorError."""
        raise HypervisorError(CANNOT_RESCUE)

    async def unrescue(self, spec: GuestSpec, grace: float) -> None:  # noqa: ARG002
        """Refused. Raises HypervisorError."""
        raise HypervisorError(CANNOT_RESCUE)

    async def park(self, instance_id: str, grace: float) -> None:  # noqa: ARG002
        """Refused. Raises HypervisorError."""
        raise HypervisorError(CANNOT_MOVE)

    async def receive(self, spec: GuestSpec) -> None:  # noqa: ARG002
        """Refused. Raises HypervisorError."""
        raise HypervisorError(CANNOT_MOVE)

    async def set_password(self, instance_id: str, password: str) -> None:  # noqa: ARG002
        """Refused. Raises HypervisorError."""
        raise HypervisorError(
            "This host has no way to set a password inside a running guest: log in with a key pair, and set it there."
        )

    async def trigger_crash_dump(self, instance_id: str) -> None:
        """Interrupt it (NMI). Raises HypervisorError."""
        await self._work_on_domain(domains.interrupt, instance_id)

    async def export_disk(self, instance_id: str, disk_format: str) -> Path:
        """A flat copy of the disk of a guest that is off. Raises HypervisorError."""
        async with self._work.on(instance_id):
            await self._require_ours(instance_id)
            if not await self._steadily(lambda: self._connection.call(lambda c: domains.is_off(c, instance_id))):
                raise HypervisorError("This host makes images of guests that are off only: stop the server first.")
            return await self._steadily(lambda: disks.flat_copy(self._layout, instance_id, disk_format))

    async def destroy(self, instance_id: str) -> None:
        """Remove the guest with all that it has on the host. Raises HypervisorError."""
        async with self._work.on(instance_id):
            await self._steadily(lambda: self._clear(instance_id))

    async def console_output(self, instance_id: str, lines: int | None) -> str:
        """The last lines of the guest's serial console."""
        try:
            return await asyncio.to_thread(console.read_console, self._layout.instance(instance_id), lines)
        except OSError as error:
            raise HypervisorError(f"The guest's console log cannot be read: {error.strerror}.") from error

    async def plug(self, spec: GuestSpec) -> None:
        """Plug and unplug cards until they are those of the spec. Raises HypervisorError."""
        async with self._work.on(spec.id):
            await self._require_ours(spec.id)
            await self._steadily(lambda: self._plug(spec))

    async def diagnostics(self, spec: GuestSpec) -> Diagnostics:
        """The guest's figures. Raises HypervisorError."""
        return await self._steadily(lambda: self._connection.call(lambda c: diagnostics_of(c, spec, self._accelerator)))

    async def _work_on_domain(self, change: Callable[[Any, str], None], instance_id: str) -> None:
        async with self._work.on(instance_id):
            await self._require_ours(instance_id)
            await self._on_domain(change, instance_id)

    async def _on_domain(self, change: Callable[[Any, str], None], instance_id: str) -> None:
        await self._steadily(lambda: self._connection.call(lambda c: change(c, instance_id)))

    async def _build(self, spec: GuestSpec, image: Path, progress: Progress) -> None:
        await self._clear(spec.id)
        directory = self._layout.instance(spec.id)
        directory.mkdir(mode=0o750)
        os.chown(directory, 0, self._user.gid)
        record = GuestRecord(nics=spec.nics)
        await asyncio.to_thread(record.write, directory)
        progress("disk")
        disk = await disks.make_disk(
            self._layout, spec.id, image, spec.image.disk_format, gib=spec.disk_gib, user=self._user
        )
        progress("config-drive")
        drive = directory / config_drive.FILE
        await asyncio.to_thread(self._write_drive, drive, spec)
        progress("network")
        await self._networks.attach(spec.nics)
        progress("define")
        xml = domain_xml(
            DomainSpec(
                id=spec.id,
                accelerator=self._accelerator,
                vcpus=spec.vcpus,
                memory_mib=spec.memory_mib,
                disk=self._layout.inside(disk),
                config_drive=self._layout.inside(drive),
                console=self._layout.inside(directory / console.FILE),
                nics=[DomainNic(nic.mac, network_name(nic.network_id)) for nic in spec.nics],
            )
        )
        await self._connection.call(lambda c: c.defineXML(xml))
        progress("start")
        await self._connection.call(lambda c: domains.power_on(c, spec.id))
        await asyncio.to_thread(GuestRecord(nics=spec.nics, built=True).write, directory)

    async def _plug(self, spec: GuestSpec) -> None:
        directory, call = self._layout.instance(spec.id), self._connection.call
        record = GuestRecord.read(directory) or GuestRecord()
        had, wanted = {nic.mac: nic for nic in record.nics}, {nic.mac: nic for nic in spec.nics}
        for mac in had.keys() - wanted.keys():
            card = interface_xml(DomainNic(mac, network_name(had[mac].network_id)))
            if await call(lambda c, mac=mac: domains.has_card(c, spec.id, mac)):  # type: ignore[misc]
                await call(lambda c, card=card: domains.unplug(c, spec.id, card))  # type: ignore[misc]
            await self._until_unplugged(spec.id, mac)
            await self._networks.detach([had.pop(mac)])
            await asyncio.to_thread(replace(record, nics=tuple(had.values())).write, directory)
        for mac in wanted.keys() - had.keys():
            had[mac] = wanted[mac]
            # Noted first: whatever comes of it, its network and its address are released with the guest.
            await asyncio.to_thread(replace(record, nics=tuple(had.values())).write, directory)
            await self._networks.attach([wanted[mac]])
            card = interface_xml(DomainNic(mac, network_name(wanted[mac].network_id)))
            if not await call(lambda c, mac=mac: domains.has_card(c, spec.id, mac)):  # type: ignore[misc]
                await call(lambda c, card=card: domains.plug(c, spec.id, card))  # type: ignore[misc]

    async def _until_unplugged(self, instance_id: str, mac: str) -> None:
        """A running guest lets go of a card when it has heard of it. Raises HypervisorError."""
        deadline = asyncio.get_running_loop().time() + UNPLUG_PATIENCE
        while await self._connection.call(lambda c: domains.has_card(c, instance_id, mac)):
            if asyncio.get_running_loop().time() > deadline:
                raise HypervisorError(f"The guest did not let go of the card {mac} within {UNPLUG_PATIENCE:.0f} s.")
            await asyncio.sleep(0.2)

    def _write_drive(self, path: Path, spec: GuestSpec) -> None:
        path.touch(mode=0o400)  # it may hold a password
        path.write_bytes(config_drive.config_drive(spec))
        os.chown(path, self._user.uid, self._user.gid)

    async def _start(self, instance_id: str) -> None:
        await self._require_ours(instance_id)
        directory = self._layout.instance(instance_id)
        record = GuestRecord.read(directory)
        if record is not None:
            await self._networks.attach(record.nics)
        await self._connection.call(lambda c: domains.power_on(c, instance_id))
        await asyncio.to_thread(note_start, directory)

    async def _shut_down(self, instance_id: str, grace: float, stopped: asyncio.Event) -> None:
        call, loop = self._connection.call, asyncio.get_running_loop()
        deadline = loop.time() + grace
        if not await call(lambda c: domains.is_off(c, instance_id)):
            self._note(instance_id, StopReason.REQUESTED)
        while not await call(lambda c: domains.is_off(c, instance_id)):
            left = deadline - loop.time()
            if left <= 0:
                await call(lambda c: domains.power_off(c, instance_id))
                await happens(stopped, EVENT_PATIENCE)  # else it would be taken for a change of the guest's own later
                return
            await call(lambda c: domains.press_power_button(c, instance_id))
            await happens(stopped, min(left, PRESS_EVERY))

    async def _clear(self, instance_id: str) -> None:
        """Remove whatever there is of the guest."""
        await self._require_ours(instance_id, missing_ok=True)
        directory = self._layout.instance(instance_id)
        await self._connection.call(lambda c: domains.power_off(c, instance_id))
        await self._connection.call(lambda c: domains.undefine(c, instance_id))
        if record := GuestRecord.read(directory):
            await self._networks.detach(record.nics)
        await asyncio.to_thread(self._remove_files, instance_id)

    def _remove_files(self, instance_id: str) -> None:
        for log_file in self._layout.qemu_logs.glob(f"{NAME.format(instance_id)}.log*"):
            log_file.unlink(missing_ok=True)
        directory = self._layout.instance(instance_id)
        if directory.exists():
            shutil.rmtree(directory)

    async def _clear_quietly(self, instance_id: str) -> None:
        try:
            await self._steadily(lambda: self._clear(instance_id))
        except HypervisorError as error:
            log.warning("guest %s: what is left of a failed build cannot be removed yet: %s", instance_id, error)

    async def _require_ours(self, instance_id: str, *, missing_ok: bool = False) -> None:
        """Raises HypervisorError when the guest is somebody else's, or not there."""

        def look(connection: Any) -> bool | None:
            domain = domains.find(connection, instance_id)
            return None if domain is None else domains.is_ours(domain)

        ours = await self._steadily(lambda: self._connection.call(look))
        if ours is False:
            raise HypervisorError(f"The domain {instance_id} was not made by Chronova: it is left alone.")
        if ours is None and not missing_ok:
            raise HypervisorError(f"There is no guest {instance_id} on this host.")

    def _seen(self, domain: Any) -> Actual:
        """A domain as the port has it. In a libvirt thread."""
        instance_id = domain.UUIDString()
        if not domains.is_ours(domain):
            return Actual(instance_id, domains.POWER.get(domain.state()[0], PowerState.NOSTATE), ours=False)
        record = GuestRecord.read(self._layout.instance(instance_id))
        if record is None or not record.built:
            return Actual(instance_id, PowerState.NOSTATE)
        state, why = domain.state()
        power, reason = domains.POWER.get(state, PowerState.NOSTATE), None
        if power is PowerState.SHUTDOWN and domains.is_saved(domain):
            power = PowerState.SUSPENDED
        elif power is PowerState.SHUTDOWN:
            reason = domains.CERTAIN.get(why) or record.stop_reason or domains.LIKELY.get(why)
        return Actual(instance_id, power, reason, cards=domains.cards(domain))

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do idempotent work, again when the daemon was restarted in the middle of it. Raises HypervisorError."""
        try:
            for _ in range(ATTEMPTS - 1):
                try:
                    return await work()
                except ConnectionLost:
                    await self._connection.restored(RECONNECT_PATIENCE)
            return await work()
        except OSError as error:
            raise HypervisorError(f"The guest's files on the host cannot be changed: {error.strerror}.") from error

    def _changed(self, change: Change) -> None:
        if self._work.is_on(change.instance_id):
            if change.stopped:
                self._work.note_stop(change.instance_id)
            return
        if change.reason is not None:
            self._note(change.instance_id, change.reason)
        self._on_change(change.instance_id, change.reason)

    def _note(self, instance_id: str, reason: StopReason) -> None:
        try:
            note_stop(self._layout.instance(instance_id), reason)
        except OSError as error:
            log.warning("guest %s: why it stopped cannot be noted: %s", instance_id, error)

    def _reconnected(self) -> None:
        self._on_change("", None)
