# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pictures that clients upload: only their pixels are kept."""

import io
import warnings

from PIL import (
    Image,
    ImageOps,
    WebPImagePlugin,  # noqa: F401 - Odoo has Pillow load no more than the oldest formats
)

FORMATS = ('JPEG', 'PNG', 'WEBP', 'GIF')
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
MIN_SIDE, MAX_SIDE = 2, 1024


class PictureError(ValueError):
    """The bytes are no picture that is taken; `reason` is `type`, `size` or `pixels`."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def clean(data):
    """Draw a picture anew.

    What the bytes begin with decides what they are, not their name. Whatever else a file may hold
    (another file, a script, the place where a photo was taken) does not come along.

    :param bytes data: A JPEG, PNG, WebP or GIF file; of a moving picture the first frame is taken.
    :return: A JPEG, or a PNG if the picture is transparent somewhere; at most 1024 pixels a side.
    :rtype: bytes
    :raise PictureError: If it is none of these, damaged or too large.
    """
    if len(data) > MAX_BYTES:
        raise PictureError('size')
    try:
        with warnings.catch_warnings():
            # Pillow's own limit is a warning; ours is below.
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise PictureError('pixels')
        if min(width, height) < MIN_SIDE:
            raise PictureError('type')
        picture.draft('RGB', (2 * MAX_SIDE, 2 * MAX_SIDE))  # a large JPEG is read smaller
        picture.load()
        picture = ImageOps.exif_transpose(picture)
    except PictureError:
        raise
    except Exception:  # noqa: BLE001 - each of Pillow's readers has its own for a damaged file
        raise PictureError('type') from None
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    return _write(picture)


def _write(picture):
    """Return the pixels as a file, with nothing beside them."""
    has_alpha = picture.mode in ('RGBA', 'LA', 'PA') or 'transparency' in picture.info
    if has_alpha:
        picture = picture.convert('RGBA')
        has_alpha = picture.getextrema()[3][0] < 255
    stream = io.BytesIO()
    pixels = Image.frombytes(
        'RGBA' if has_alpha else 'RGB', picture.size,
        picture.convert('RGBA' if has_alpha else 'RGB').tobytes(),
    )
    if has_alpha:
        pixels.save(stream, 'PNG', optimize=True)
    else:
        pixels.save(stream, 'JPEG', quality=90)
    return stream.getvalue()
