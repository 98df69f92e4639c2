"""What runs a guest's instructions: the processor itself, or QEMU's emulation of one."""

from enum import StrEnum


class Accelerator(StrEnum):
    """Values are libvirt's domain types."""

    KVM = "kvm"
    QEMU = "qemu"
