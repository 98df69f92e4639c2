"""X.509 certificates as key pairs, by which guests of another family let their users in: checked, fingerprinted, and made."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.api.compute.ssh_keys import BITS
from services.api.errors import Refusal

LIFETIME = timedelta(days=3650)


def certificate_fingerprint(certificate: str) -> str:
    """The SHA-1 of a certificate in colons, as clients compare it. Raises Refusal 400 for what is not one, in PEM."""
    try:
        read = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        raise Refusal(400, "Keypair data is invalid: failed to generate X509 fingerprint") from None
    return read.fingerprint(hashes.SHA1()).hex(":")  # noqa: S303 -- it identifies, and proves nothing


def generate_certificate(user_id: str, at: datetime) -> tuple[str, str]:
    """A new certificate of a user, and its private key, in PEM. Takes a while: call it off the event loop."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return made.public_bytes(Encoding.PEM).decode(), private
