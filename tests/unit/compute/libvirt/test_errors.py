"""libvirt's errors, as users and operators read them. The texts are libvirt's own, as they were seen."""

import pytest

from services.compute.libvirt.errors import ConnectionLost, meaning, translated
from tests.unit.compute.libvirt.guests import libvirt_error


@pytest.mark.parametrize(
    ("code", "text", "sentence"),
    [
        (
            1,
            (
                "internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: cannot set up guest memory "
                "'pc.ram': Cannot allocate memory"
            ),
            "too little free memory",
        ),
        (38, "Unable to write to monitor: No space left on device", "disk is full"),
        (
            1,
            (
                "internal error: process exited while connecting to monitor: Could not open '/x': Image is not in qcow2 "
                "format"
            ),
            "is damaged",
        ),
        (1, "internal error: Network is already in use by interface virbr0", "already, by virbr0"),
        (43, "Network not found: no network with matching name 'x'", "network is not there"),
        (42, "Domain not found: no domain with matching uuid 'x'", "no such guest"),
        (9, "operation failed: domain 'x' already exists with uuid y", "that name or id already"),
        (
            67,
            "unsupported configuration: CPU mode 'host-passthrough' is only supported with kvm",
            "cannot run this kind",
        ),
        (68, "Timed out during operation: cannot acquire state change lock", "busy"),
        (55, "Requested operation is not valid: domain is not running", "in a state"),
        (38, "Failed to terminate process 42 with SIGKILL: Device or resource busy", "does not end"),
        (38, "can't connect to virtlogd: Unable to open file: No such file", "log daemon"),
        (38, "Cannot access storage file '/x': Permission denied", "may not open"),
        (1, "process exited: Could not open backing file: Could not open '/x': Permission denied", "may not open"),
        (38, "Cannot access storage file '/x': No such file or directory", "missing on this host"),
        (None, "qemu-img: /x: Could not open '/x': No space left on device", "disk is full"),
    ],
)
def test_a_known_error_says_what_happened(code: int | None, text: str, sentence: str) -> None:
    assert sentence in str(meaning(code, text))
    assert str(meaning(code, text)).endswith((".", "?"))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (38, "Failed to connect socket to '/run/x/libvirt-sock': Connection refused"),
        (38, "Cannot recv data: Connection reset by peer"),
        (1, "internal error: client socket is closed"),
        (38, "Cannot write data: Broken pipe"),
    ],
)
def test_a_lost_connection_can_be_told_from_other_errors(code: int, text: str) -> None:
    assert isinstance(meaning(code, text), ConnectionLost)


def test_an_unknown_error_is_passed_on_in_full() -> None:
    assert str(translated(libvirt_error(77, "something new"))) == "libvirt could not do it: something new (code 77)."
    assert meaning(None, "something new") is None
