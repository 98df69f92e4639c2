"""Can this machine's processor run guests? Only a guest that has run shows it.

A KVM device that opens is no proof: some machines have one that refuses, or hangs, every real guest. So a tiny guest is
booted: it enters 64-bit mode, as every kernel does, and tells QEMU to end with a code of its own. That it ended is no proof
either: a KVM that is itself made by software may take seconds for it, and never boot a kernel. So the same guest is booted by
emulation beside it, at the same moment on the same machine: KVM that is slower than that is none.
"""

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.accelerator import Accelerator

PATIENCE = 4.0  # seconds: with KVM it takes a tenth of one
TIMES_SLOWER = (
    3.0  # than emulation: then KVM is not used. Not 1: starting QEMU is most of both, and the machine may be busy
)
REACHED = 0x10  # what the guest writes to the exit device
REACHED_CODE = REACHED << 1 | 1  # what QEMU makes of it (isa-debug-exit)
KVM = Path("/dev/kvm")

BOOT_CODE = bytes.fromhex(
    "fa 31c0 8ed8 8ec0 8ed0 bc007c fc"  # no interrupts, all segments 0, stack below the boot sector
    "bf0010 b90018 f3ab"  # clear three pages at 0x1000 for page tables
    "c70600100320 c70600200330 c70600308300"  # the first 2 MiB map to themselves
    "66b800100000 0f22d8"  # CR3: the tables
    "0f20e0 6683c820 0f22e0"  # CR4: physical address extension
    "66b9800000c0 0f32 660d00010000 0f30"  # EFER: long mode
    "0f0116807c"  # LGDT 0x7c80
    "0f20c0 660d01000080 0f22c0"  # CR0: paging and protection
    "ea607c0800"  # jump to 64-bit code at 0x7c60
    "b010 66ba0105 ee f4 ebfd"  # OUT 0x501, 0x10; halt
).ljust(0x70, b"\0") + bytes.fromhex(
    "0000000000000000 00000000009a2000"  # descriptors: none, and 64-bit code
    "0f00 707c0000"  # their length and place
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of booting the tiny guest."""

    works: bool
    why: str  # a clause: "a probe guest ran in 0.05 s", "there is no /dev/kvm"
    seconds: float = 0.0  # that the guest took, where it works


def choose_accelerator(wanted: str) -> tuple[Accelerator, str]:
    """What guests run on, and why, in words that follow "Guests run by". `wanted` is auto, kvm or qemu.

    Takes two `PATIENCE` at most. Raises HypervisorError when KVM is wanted and does not work.
    """
    if wanted == "qemu":
        return Accelerator.QEMU, "QEMU's emulation, as asked for."
    probe = probe_kvm()
    if probe.works:
        return Accelerator.KVM, f"KVM: {probe.why}."
    if wanted == "kvm":
        raise HypervisorError(f"KVM does not work on this machine: {probe.why}. Choose qemu, or auto.")
    return Accelerator.QEMU, f"QEMU's emulation, many times slower than KVM that works: {probe.why}."


def probe_kvm() -> Probe:
    """Whether KVM runs guests, and faster than they run without it."""
    probe = probe_accelerator(Accelerator.KVM)
    if not probe.works:
        return probe
    emulated = probe_accelerator(Accelerator.QEMU)
    if emulated.works and probe.seconds > TIMES_SLOWER * emulated.seconds:
        why = f"a probe guest took {probe.seconds:.1f} s with KVM and {emulated.seconds:.1f} s without"
        return Probe(works=False, why=why)
    return probe


def probe_accelerator(accelerator: Accelerator) -> Probe:
    """Boot the tiny guest."""
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        return Probe(works=False, why="qemu-system-x86_64 is not installed")
    if accelerator is Accelerator.KVM and not KVM.exists():
        return Probe(works=False, why=f"there is no {KVM}")
    with tempfile.NamedTemporaryFile(prefix="chronova-probe-") as disk:
        disk.write(boot_sector())
        disk.flush()
        return _boot(_command(qemu, accelerator, disk.name))


def boot_sector() -> bytes:
    """The tiny guest's disk."""
    return BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa"


def _boot(command: list[str]) -> Probe:
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 -- our own arguments
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Probe(works=False, why=f"a probe guest hung for {PATIENCE:.0f} s")
    except OSError as error:
        return Probe(works=False, why=f"a probe guest could not be started: {error.strerror}")
    if done.returncode == REACHED_CODE:
        seconds = time.monotonic() - began
        return Probe(works=True, why=f"a probe guest ran in {seconds:.2f} s", seconds=seconds)
    return Probe(works=False, why=f"a probe guest failed: {_complaint(done)}")


def _complaint(done: "subprocess.CompletedProcess[str]") -> str:
    """The first thing that QEMU said, without its name."""
    for line in done.stderr.splitlines():
        if line.strip():
            return line.strip().removeprefix("qemu-system-x86_64: ").removeprefix("error: ").rstrip(".")
    return f"QEMU ended with code {done.returncode}"


def _command(qemu: str, accelerator: Accelerator, disk: str) -> list[str]:
    engine, processor = ("kvm", "host") if accelerator is Accelerator.KVM else ("tcg", "max")
    machine = ["-accel", engine, "-cpu", processor, "-machine", "pc", "-m", "16", "-no-reboot"]
    nothing_else = ["-nodefaults", "-no-user-config", "-display", "none"]
    way_out = ["-device", "isa-debug-exit,iobase=0x501,iosize=1"]
    boot = ["-drive", f"file={disk},format=raw,if=floppy,readonly=on"]
    return ["prlimit", "--core=0", "--", qemu, *machine, *nothing_else, *way_out, *boot]
