"""The doorbell over TLS: only a server that proves who it is gets to see an id."""

import ipaddress
import selectors
import socket
import socketserver
import ssl
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.queue import JobQueue

JOB = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
REFUSED = "CERTIFICATE_VERIFY_FAILED"


def self_signed(folder: Path, host: str) -> Path:
    """A file with a fresh key and its certificate for an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "redis.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


class Tunnel(socketserver.ThreadingTCPServer):
    """Speaks TLS to its clients and hands what they say to a Redis."""

    daemon_threads = True

    def __init__(self, redis_url: str, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.redis_port = urlsplit(redis_url).port
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.refusals: list[str] = []


class Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        tunnel = self.server
        assert isinstance(tunnel, Tunnel)
        try:
            client = tunnel.tls.wrap_socket(self.request, server_side=True)
        except ssl.SSLError as refusal:
            tunnel.refusals.append(refusal.reason)
            return
        with client, socket.create_connection(("127.0.0.1", tunnel.redis_port)) as redis:
            exchange(client, redis)


def exchange(one: socket.socket, other: socket.socket) -> None:
    """Hands on what either says until one of them has ended."""
    to = {one: other, other: one}
    with selectors.DefaultSelector() as selector:
        for end in to:
            selector.register(end, selectors.EVENT_READ)
        while True:
            for ready, _ in selector.select():
                speaker = one if ready.fileobj is one else other
                said = speaker.recv(65536)
                if not said:
                    return
                to[speaker].sendall(said)


@contextmanager
def serving(redis_url: str, certificate: Path) -> Generator[Tunnel]:
    with Tunnel(redis_url, certificate) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def ringing_at(server: Tunnel, options: str = "") -> Generator[JobQueue]:
    url = f"rediss://127.0.0.1:{server.server_address[1]}{options}"
    with closing(JobQueue(url, names=["jobs:queue"])) as queue:
        yield queue


def test_a_server_with_a_certificate_of_its_own_making_is_refused(
    redis_url: str, tmp_path: Path
) -> None:
    with serving(redis_url, self_signed(tmp_path, "127.0.0.1")) as server:
        with ringing_at(server) as queue, pytest.raises(Unavailable, match=REFUSED):
            queue.ring(JOB)
        assert set(server.refusals) == {"TLSV1_ALERT_UNKNOWN_CA"}


def test_a_server_that_is_trusted_hears_the_ring(redis_url: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    with (
        serving(redis_url, certificate) as server,
        ringing_at(server, f"?ssl_ca_certs={certificate}") as queue,
    ):
        queue.ring(JOB)
        assert queue.drain(1, timedelta(0)).job_ids == (JOB,)


def test_a_trusted_server_of_another_name_is_refused(redis_url: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "192.0.2.1")
    with (
        serving(redis_url, certificate) as server,
        ringing_at(server, f"?ssl_ca_certs={certificate}") as queue,
        pytest.raises(Unavailable, match=REFUSED),
    ):
        queue.ring(JOB)
