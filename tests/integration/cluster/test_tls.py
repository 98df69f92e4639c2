"""A cluster whose connections are all by TLS: clients that trust its authority connect, and no others."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from journal.cluster import Certificates
from journal.connection import connect, disconnect
from journal.errors import LogUnavailable
from journal.streams import prepare
from tests.integration.cluster.servers import REPLICAS, Servers, until_whole


def certificates(directory: Path) -> Certificates:
    """An authority, and a certificate of it for every node: all have the address 127.0.0.1."""
    authority, node = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = {
        "authority": _certificate("authority", authority, authority, x509.BasicConstraints(ca=True, path_length=0)),
        "node": _certificate("node", node, authority, place),
    }
    for name, certificate in signed.items():
        (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "node.key").write_bytes(
        node.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificates(*(str(directory / name) for name in ("node.pem", "node.key", "authority.pem")))


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(extension, critical=False)
        .sign(signer, hashes.SHA256())
    )


async def test_who_trusts_its_authority_connects_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Servers(tmp_path, hosts=(), certificates=certificates(tmp_path))
    servers.start()
    try:
        with pytest.raises(LogUnavailable, match="certificate verify failed"):
            await connect(servers.log.urls, servers.log.control_seed, name="stranger", patience=2, quiet=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        bus = await connect(servers.log.urls, servers.log.control_seed, name="test", quiet=True)
        assert all(url.startswith("tls://") for url in servers.log.urls)
        await prepare(bus, replicas=REPLICAS)
        await until_whole(servers)
        await disconnect(bus)
    finally:
        servers.stop()
