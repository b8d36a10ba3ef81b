# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a download of a bill brings, piece by piece: unpacked, measured and hashed (A8, B2.8)."""

import hashlib
import hmac
import zlib

GZIP_MAGIC = b'\x1f\x8b'
# Compressed text of this kind shrinks to a tenth; a bill of five million lines stays below.
MAX_PLAIN_BYTES = 2 * 1024 * 1024 * 1024
MAX_PACKED_BYTES = 512 * 1024 * 1024
# A failure of API v2 is a short XML document.
MAX_MESSAGE_BYTES = 64 * 1024
# So much is unpacked at once, whatever it was packed into.
PIECE_BYTES = 256 * 1024


class BillFileError(Exception):
    """The download is no whole bill.

    :ivar str reason: `gzip` (it cannot be unpacked), `truncated`, `too_large`, `hash`, `empty`.
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class BillReceiver:
    """Takes the pieces of a download and writes the unpacked bill to a file.

    If it begins with `<`, it is no bill: it is kept as `message`, for whoever knows what it says.
    """

    def __init__(self, file, max_bytes=MAX_PLAIN_BYTES):
        """
        :param file: A binary file to write to.
        :param int max_bytes: How large the unpacked bill may be.
        """
        self.file = file
        self.max_bytes = max_bytes
        self.plain_bytes = self.packed_bytes = 0
        self.message = b''
        self._plain_sha1 = hashlib.sha1(usedforsecurity=False)
        self._packed_sha1 = hashlib.sha1(usedforsecurity=False)
        self._head = b''
        self._kind = None
        self._unpacker = None

    @property
    def sha1(self):
        """The hash of the unpacked bill."""
        return self._plain_sha1.hexdigest()

    def receive(self, piece):
        """Take a piece of the download.

        :param bytes piece: The piece.
        :return: None
        :raise BillFileError: If it can no longer become a bill.
        """
        self.packed_bytes += len(piece)
        if self.packed_bytes > MAX_PACKED_BYTES:
            raise BillFileError('too_large')
        self._packed_sha1.update(piece)
        if not self._kind:
            self._head += piece
            if len(self._head) < len(GZIP_MAGIC):
                return
            piece, self._head = self._head, b''
            self._begin(piece)
        self._take(piece)

    def finish(self, hash_value=None):
        """Check that the download is whole, and is what was announced.

        Whether the announced hash covers the packed or the plain bytes is not documented: either is
        accepted.

        :param str hash_value: The announced SHA-1 in hexadecimal; none with API v2.
        :return: None
        :raise BillFileError: If it is not.
        """
        if not self._kind and self._head:
            piece, self._head = self._head, b''
            self._begin(piece)
            self._take(piece)
        if self._unpacker and not self._unpacker.eof:
            raise BillFileError('truncated')
        if hash_value is not None:
            expected = hash_value.strip().lower().encode()
            if not any(
                hmac.compare_digest(found.hexdigest().encode(), expected)
                for found in (self._plain_sha1, self._packed_sha1)
            ):
                raise BillFileError('hash')
        if not self.plain_bytes and not self.message:
            raise BillFileError('empty')
        self.file.flush()

    def _begin(self, piece):
        """Tell what the download is, by how it begins."""
        if piece.startswith(GZIP_MAGIC):
            self._kind = 'gzip'
            self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        elif piece.startswith(b'<'):
            self._kind = 'message'
        else:
            self._kind = 'plain'

    def _take(self, piece):
        if self._kind == 'plain':
            self._keep(piece)
        elif self._kind == 'message':
            self.message += piece
            if len(self.message) > MAX_MESSAGE_BYTES:
                raise BillFileError('too_large')
        else:
            self._unpack(piece)

    def _unpack(self, piece):
        """Unpack a piece in portions: a bomb is noticed before it fills the memory or the disk."""
        while piece:
            if self._unpacker.eof:
                raise BillFileError('gzip')  # Something follows the end.
            try:
                self._keep(self._unpacker.decompress(piece, PIECE_BYTES))
            except zlib.error:
                raise BillFileError('gzip') from None
            piece = self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def _keep(self, plain):
        self.plain_bytes += len(plain)
        if self.plain_bytes > self.max_bytes:
            raise BillFileError('too_large')
        self._plain_sha1.update(plain)
        self.file.write(plain)
