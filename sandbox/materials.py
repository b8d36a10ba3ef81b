# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pictures that an account uploads: temporary media and permanent materials."""

import secrets
from email.parser import BytesParser
from email.policy import HTTP

from .accounts import check_account, refusal
from .platform import PlatformError

_LARGEST = 10 * 1024 * 1024
_BEGINNINGS = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'GIF87a', b'GIF89a', b'BM')


def _file(request):
    """:return: the content of the part `media` of a multipart body (bytes)."""
    if request.method != 'POST':
        raise PlatformError(43002, f"{request.method} was used, this call is a POST")
    kind = request.one('Content-Type') or ''
    if not kind.startswith('multipart/form-data'):
        raise refusal(41005, "the body is not multipart/form-data")
    head = f'Content-Type: {kind}\r\n\r\n'.encode()
    for part in BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts():
        if part.get_param('name', header='content-disposition') == 'media':
            if not part.get_filename():
                raise refusal(41005, "the part media has no file name")
            return part.get_payload(decode=True)
    raise refusal(41005, "there is no part named media")


def _picture(request):
    if request.params().get('type') != 'image':
        raise refusal(40004, "the sandbox takes type=image only")
    content = _file(request)
    if not content.startswith(_BEGINNINGS):
        raise refusal(40005, "this is no picture")
    if len(content) > _LARGEST:
        raise refusal(40009, "a picture has 10 MB at most")
    return content


def upload_temporary(world, request):
    """POST /cgi-bin/media/upload: good for three days."""
    with world.lock:
        account = check_account(world, request)
        content = _picture(request)
        media_id = secrets.token_urlsafe(48)
        now = world.clock.now()
        account.materials[media_id] = {'size': len(content), 'until': now + 3 * 86400}
        return {'type': 'image', 'media_id': media_id, 'created_at': int(now)}


def add_permanent(world, request):
    """POST /cgi-bin/material/add_material."""
    with world.lock:
        account = check_account(world, request)
        content = _picture(request)
        media_id = secrets.token_urlsafe(32)
        account.materials[media_id] = {'size': len(content), 'until': None}
        url = f'http://mmbiz.qpic.cn/mmbiz_jpg/{secrets.token_urlsafe(32)}/0?wx_fmt=jpeg'
        return {'media_id': media_id, 'url': url, 'item': []}


PATHS = {
    '/cgi-bin/media/upload': upload_temporary,
    '/cgi-bin/material/add_material': add_permanent,
}
