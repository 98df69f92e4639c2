"""SSH keys."""

import hashlib
from base64 import b64decode
from datetime import UTC, datetime

import pytest

from services.api.compute.ssh_keys import fingerprint, generate
from services.api.errors import Refusal

CAPTURED = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO8nDPHw"
    "0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw== Generated-by-Nova"
)


def test_the_fingerprint_is_novas() -> None:
    assert fingerprint(CAPTURED) == "1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c"


def test_a_generated_key_is_an_rsa_key_and_its_private_half() -> None:
    public, private = generate("u", datetime.now(UTC))
    assert public.startswith("ssh-rsa ")
    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----")
    digest = hashlib.md5(b64decode(public.split()[1]), usedforsecurity=False).hexdigest()
    assert fingerprint(public).replace(":", "") == digest


@pytest.mark.parametrize("text", ["", "ssh-rsa", "ssh-rsa x", "ssh-rsa AAAA comment", "no key at all"])
def test_what_is_not_a_public_key_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="failed to generate fingerprint"):
        fingerprint(text)
