"""TLS as a filter of bytes, and the switch's name in its certificate.

An encrypted socket must not be read and written by two threads at once, and a half-written record blocks
what comes after it. So there is no encrypted socket here: `TlsFilter` turns ciphertext into plaintext and
back in memory, and the one thread that owns the connection moves ciphertext to and from a plain socket, as
it moves everything else.

    socket bytes --> received() --> plaintext        plaintext --> protect() --> wire() --> socket bytes

A switch must present a certificate of our authority, TLS 1.2 or newer. Its name is bound to it: the
subject's common name is the switch's identifier in 16 hexadecimal digits, `00000000000000a1` or
`dpid:00000000000000a1`. A DPID is otherwise only what a switch claims (CVE-2018-1000155).
"""

from __future__ import annotations

import re
import ssl
from typing import Any

from controller.model.errors import OperatorError
from controller.model.identity import Dpid
from controller.southbound.settings import TlsSettings

_NAME = re.compile(r"(?:dpid:)?([0-9a-fA-F]{16})")
_CHUNK_BYTES = 256 * 1024


class TlsFailed(Exception):
    """The far end broke off, or is not who it must be; nothing more can be exchanged."""


def context(settings: TlsSettings) -> ssl.SSLContext:
    """A server's context that demands a client certificate. Raises `OperatorError` for files that do not
    serve.
    """
    return _equipped(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """A client's context, for a server with a certificate of our authority, whatever its name: it is reached
    by its address. Raises `OperatorError` for files that do not serve.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    return _equipped(made, settings)


def _equipped(made: ssl.SSLContext, settings: TlsSettings) -> ssl.SSLContext:
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_cert_chain(settings.certificate, settings.key)
        made.load_verify_locations(settings.authority)
    except (OSError, ssl.SSLError) as error:
        files = f"{settings.certificate}, {settings.key}, {settings.authority}"
        raise OperatorError(f"the TLS files cannot be used: {error}", mend=f"look at {files}") from None
    return made


class TlsFilter:
    """One side of a TLS connection, in memory: the server's, unless told otherwise."""

    def __init__(self, made: ssl.SSLContext, *, server_side: bool = True) -> None:
        self._inward, self._outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = made.wrap_bio(self._inward, self._outward, server_side=server_side)
        self._waiting = bytearray()
        self.established = False

    def received(self, ciphertext: bytes) -> bytes:
        """Plaintext that has become readable. Raises `TlsFailed`; `wire` may then hold a last alert to
        send.
        """
        self._inward.write(ciphertext)
        try:
            if not self._established():
                return b""
            return self._read()
        except ssl.SSLError as error:
            raise TlsFailed(error.reason or str(error)) from None

    def protect(self, plaintext: bytes) -> None:
        """Take plaintext to be sent; before the handshake is over it waits."""
        self._waiting += plaintext
        if self.established and self._waiting:
            self._tls.write(bytes(self._waiting))
            self._waiting.clear()

    def wire(self) -> bytes:
        """Ciphertext that is to go out now."""
        return self._outward.read()

    @property
    def has_wire(self) -> bool:
        """Whether ciphertext is to go out now."""
        return self._outward.pending > 0

    @property
    def name(self) -> Dpid | None:
        """The switch that the certificate was made for; None when its common name is not a DPID."""
        certificate: dict[str, Any] = self._tls.getpeercert() or {}
        subject = certificate.get("subject", ())
        names = [value for part in subject for key, value in part if key == "commonName"]
        found = _NAME.fullmatch(str(names[0])) if len(names) == 1 else None
        return Dpid(int(found[1], 16)) if found else None

    def _established(self) -> bool:
        if not self.established:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return False
            self.established = True
            self.protect(b"")
        return True

    def _read(self) -> bytes:
        plaintext = bytearray()
        try:
            while chunk := self._tls.read(_CHUNK_BYTES):
                plaintext += chunk
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass  # nothing more for now, or ever: the end of the stream itself follows
        return bytes(plaintext)
