# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What codes of a mini-program and links into it may hold (wechat-platform.md, section 8)."""

import re
import secrets

SCENE_LENGTH = 32
QUERY_LENGTH = 1024
TITLE_LENGTH = 20
WIDTHS = (280, 1280)  # pixels
EXPIRY_DAYS = 30

# Scenes that begin so are keys of what is kept in Odoo.
KEY_MARK = '~'

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)
_QUERY = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]*", re.ASCII)
_PAGE = re.compile(r'[0-9A-Za-z_\-.][0-9A-Za-z_\-./]*', re.ASCII)
_KEY = re.compile(rf'{KEY_MARK}[0-9A-Za-z_\-]{{22}}', re.ASCII)


def is_scene(text):
    """Return whether a text may be the scene of a code: 1 to 32 of certain characters, no `%`."""
    return bool(_SCENE.fullmatch(text or ''))


def make_key():
    """Return a scene that nobody can guess: the mark and 128 random bits.

    :rtype: str
    """
    return KEY_MARK + secrets.token_urlsafe(16)


def is_key(scene):
    """Return whether a scene is one that :func:`make_key` made."""
    return bool(_KEY.fullmatch(scene or ''))


def is_page(path):
    """Return whether a text may be the path of a page: no leading slash, no query."""
    return len(path or '') <= QUERY_LENGTH and bool(_PAGE.fullmatch(path or ''))


def is_query(text):
    """Return whether a text may be the query of a page; it may be empty."""
    return len(text or '') <= QUERY_LENGTH and bool(_QUERY.fullmatch(text or ''))


def image_type(content):
    """Return the media type of a picture as WeChat makes them.

    :param bytes content: The answer.
    :return: `image/png` or `image/jpeg`; `None` if it is something else.
    :rtype: str | None
    """
    if content.startswith(b'\x89PNG\r\n\x1a\n'):
        return 'image/png'
    return 'image/jpeg' if content.startswith(b'\xff\xd8\xff') else None
