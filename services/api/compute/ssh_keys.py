"""SSH keys: checked, fingerprinted, and made."""

import base64
import binascii
import hashlib
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)

from services.api.errors import Refusal

BITS = 2048
COMMENT = "Generated-by-Nova"


def fingerprint(public_key: str) -> str:
    """The MD5 of the key in colons, as clients compare it. Raises Refusal 400 for what is not an OpenSSH public key."""
    if "\n" in public_key.strip() or "\r" in public_key.strip():
        raise Refusal(400, "Keypair data is invalid: a public key is one line")  # a second one would be a second key
    try:
        blob = base64.b64decode(public_key.split()[1], validate=True)
        load_ssh_public_key(public_key.strip().encode())
    except (IndexError, ValueError, binascii.Error, UnsupportedAlgorithm):
        raise Refusal(400, "Keypair data is invalid: failed to generate fingerprint") from None
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


def generate(_user_id: str, _at: datetime) -> tuple[str, str]:
    """A new key: (public, private). Takes a while: call it off the event loop."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{public} {COMMENT}", private
