# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A picture that stands for a mini-program code: a pattern of dots, as PNG.

It cannot be scanned: what it stands for is in the sandbox's list of codes.
"""

import hashlib
import struct
import zlib

_CELLS = 21


def code_picture(what, width, color=(0, 0, 0), is_hyaline=False):
    """Draw a code.

    :param str what: what it stands for: the same gives the same picture
    :param int width: pixels of each side
    :param tuple color: red, green, blue of the dots
    :param bool is_hyaline: whether the ground is transparent
    :return: the PNG (bytes)
    """
    bits = int.from_bytes(hashlib.shake_256(what.encode()).digest(_CELLS * _CELLS // 8 + 1), 'big')
    dots = [[bits >> (row * _CELLS + column) & 1 for column in range(_CELLS)]
            for row in range(_CELLS)]
    ground = b'\xff\xff\xff\x00' if is_hyaline else b'\xff\xff\xff\xff'
    dot = bytes(color) + b'\xff'
    rows = []
    for y in range(width):
        cells = dots[y * _CELLS // width]
        line = b''.join(
            (dot if cells[column] else ground) * _pixels(column, width) for column in range(_CELLS)
        )
        rows.append(b'\0' + line)
    header = struct.pack('>IIBBBBB', width, width, 8, 6, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + b''.join((
        _chunk(b'IHDR', header), _chunk(b'IDAT', zlib.compress(b''.join(rows))), _chunk(b'IEND'),
    ))


def _pixels(column, width):
    first = -(-column * width // _CELLS)
    return -(-(column + 1) * width // _CELLS) - first


def _chunk(kind, data=b''):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
