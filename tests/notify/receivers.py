"""Receivers on loopback with certificates of the test's own authority, and a resolver that says what it is told."""

import asyncio
import ipaddress
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "hooks.example.com"
LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def trust(self) -> ssl.SSLContext:
        """What a sender trusts that knows this authority and no other."""
        return ssl.create_default_context(cafile=self.file)

    def issue(self, *names: str) -> tuple[Path, Path]:
        """Return the files of a certificate for names or addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _builder(names[0], key.public_key(), self.certificate.subject)
            .add_extension(x509.SubjectAlternativeName([_subject(name) for name in names]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        paths = self.folder / f"{names[0]}.pem", self.folder / f"{names[0]}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(_key_bytes(key))
        return paths

    def serving(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(*names))
        return context


def new_authority(folder: Path) -> Authority:
    """Make an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    made = (
        _builder("Test authority", key.public_key(), name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority = Authority(folder, key, made)
    authority.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return authority


def _subject(name):
    if name.replace(".", "").isdecimal():
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _builder(name, public_key, issuer):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _signs_certificates():
    no = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"),
        False,
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **no)


def _key_bytes(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Receiver:
    """What came, and what is answered: the raw bytes of an answer each, the last one for ever; `None` hangs."""

    port: int = 0
    answers: list[bytes | None] = field(default_factory=lambda: [answer(204)])
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/in"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.came]

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.came.append((head[0], headers, body))
            reply = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
            if reply is None:
                await reader.read()
            else:
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *headers, f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None, *, host="127.0.0.1", port=0, receiver=None):
    """Serve a receiver; with `None` it speaks no TLS."""
    receiver = receiver or Receiver()

    def see(_socket, name, _context):
        receiver.names.append(name)

    async def serve(reader, writer):
        receiver.connections += 1
        await receiver.serve(reader, writer)

    if context is not None:
        context.sni_callback = see
    server = await asyncio.start_server(serve, host, port, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


class Scripted:
    """A resolver whose answer changes: each list once, the last for ever; it counts how often it was asked."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host, port):
        self.asked.append((host, port))
        found = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return found
