"""Whether KVM works is found out by a guest that runs."""

import time
from pathlib import Path

import pytest

from services.compute.hypervisor import HypervisorError
from services.compute.libvirt import probe
from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.probe import Probe, choose_accelerator, probe_accelerator


def fake_qemu(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A QEMU that does as it is told."""
    qemu = directory / "qemu-system-x86_64"
    qemu.write_text(f"#!/bin/sh\n{script}\n")
    qemu.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _name: str(qemu))
    monkeypatch.setattr(probe, "KVM", Path("/dev/null"))


@pytest.mark.parametrize(
    ("script", "works", "why"),
    [
        ("exit 33", True, "a probe guest ran in"),
        ("echo 'qemu-system-x86_64: error: no MSR.' >&2; exit 134", False, "a probe guest failed: no MSR"),
        ("exit 1", False, "QEMU ended with code 1"),
        ("exit 0", False, "QEMU ended with code 0"),
        ("exec sleep 60", False, "a probe guest hung"),
    ],
)
def test_what_comes_of_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, works: bool, why: str
) -> None:
    fake_qemu(tmp_path, script, monkeypatch)
    monkeypatch.setattr(probe, "PATIENCE", 0.5)
    began = time.monotonic()
    seen = probe_accelerator(Accelerator.KVM)
    assert seen.works is works
    assert why in seen.why
    assert time.monotonic() - began < 5


def test_a_machine_without_the_device_is_not_probed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_qemu(tmp_path, "exit 33", monkeypatch)
    monkeypatch.setattr(probe, "KVM", tmp_path / "kvm")
    assert probe_accelerator(Accelerator.KVM) == Probe(works=False, why=f"there is no {tmp_path / 'kvm'}")


@pytest.mark.parametrize(
    ("kvm", "emulated", "works"), [(0.1, 0.12, True), (0.2, 0.1, True), (3.1, 0.1, False), (3.9, 1.5, True)]
)
def test_kvm_that_is_much_slower_than_emulation_is_none(
    monkeypatch: pytest.MonkeyPatch, kvm: float, emulated: float, works: bool
) -> None:
    took = {Accelerator.KVM: kvm, Accelerator.QEMU: emulated}
    monkeypatch.setattr(
        probe, "probe_accelerator", lambda accelerator: Probe(works=True, why="it ran", seconds=took[accelerator])
    )
    accelerator, why = choose_accelerator("auto")
    assert accelerator is (Accelerator.KVM if works else Accelerator.QEMU)
    assert works or f"a probe guest took {kvm} s with KVM and {emulated} s without" in why


@pytest.mark.parametrize(
    ("wanted", "works", "chosen"),
    [("auto", True, Accelerator.KVM), ("auto", False, Accelerator.QEMU), ("kvm", True, Accelerator.KVM)],
)
def test_the_choice_follows_the_probe(
    monkeypatch: pytest.MonkeyPatch, wanted: str, works: bool, chosen: Accelerator
) -> None:
    monkeypatch.setattr(probe, "probe_accelerator", lambda _accelerator: Probe(works=works, why="so it is"))
    accelerator, why = choose_accelerator(wanted)
    assert accelerator is chosen
    assert why.endswith("so it is.")


def test_emulation_on_request_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe_accelerator", lambda _accelerator: pytest.fail("it was"))
    assert choose_accelerator("qemu")[0] is Accelerator.QEMU


def test_kvm_that_is_asked_for_and_does_not_work_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe_accelerator", lambda _accelerator: Probe(works=False, why="it hung"))
    with pytest.raises(HypervisorError, match="it hung"):
        choose_accelerator("kvm")


def test_the_probe_guest_is_a_boot_sector() -> None:
    assert len(probe.boot_sector()) == 512
    assert probe.boot_sector().endswith(b"\x55\xaa")
    assert probe.BOOT_CODE[0x60:0x62] == b"\xb0\x10"  # where the jump into 64-bit mode goes
    assert len(probe.BOOT_CODE) == 0x86
