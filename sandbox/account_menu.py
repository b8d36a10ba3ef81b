# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The custom menu of an official account.

Numbers and sizes are WeChat's documented ones; which number answers what is partly unverified.
"""

import re

from .accounts import check_account, refusal
from .platform import require_get, require_post_json

WITH_KEY = (
    'click', 'scancode_push', 'scancode_waitmsg', 'pic_sysphoto', 'pic_photo_or_album',
    'pic_weixin', 'location_select',
)
# What is wrong -> the number at the first and at the second level.
_NUMBERS = {
    'count': (40016, 40023), 'type': (40017, 40024), 'name': (40018, 40025), 'key': (40019, 40026),
    'url': (40020, 40027), 'domain': (40055, 40054),
}
_NAME_BYTES = (16, 60)


def create(world, request):
    """POST /cgi-bin/menu/create."""
    body = require_post_json(request)
    with world.lock:
        account = check_account(world, request)
        if set(body) != {'button'}:
            raise refusal(47001, "the body is {button: [...]}")
        account.menu = {'button': _buttons(world, account, body['button'], 0)}
        return {'errcode': 0, 'errmsg': 'ok'}


def get(world, request):
    """GET /cgi-bin/menu/get."""
    require_get(request)
    with world.lock:
        account = check_account(world, request)
        if not account.menu:
            raise refusal(46003, "the account has no menu")
        return {'menu': account.menu}


def delete(world, request):
    """GET /cgi-bin/menu/delete."""
    require_get(request)
    with world.lock:
        check_account(world, request).menu = None
        return {'errcode': 0, 'errmsg': 'ok'}


def _buttons(world, account, buttons, level):
    if not isinstance(buttons, list):
        raise refusal(47001, "buttons are not a list")
    if not 1 <= len(buttons) <= (3, 5)[level]:
        raise refusal(_NUMBERS['count'][level], f"{len(buttons)} buttons at one level")
    return [_button(world, account, button, level) for button in buttons]


def _sized(button, name, most, what, level):
    value = button.get(name)
    if not isinstance(value, str) or not value or len(value.encode()) > most:
        raise refusal(_NUMBERS[what][level], f"{name} must be text of 1 to {most} bytes")
    return value


def _button(world, account, button, level):
    if not isinstance(button, dict):
        raise refusal(47001, "a button is no object")
    kept = {'name': _sized(button, 'name', _NAME_BYTES[level], 'name', level)}
    if button.get('sub_button'):
        if level:
            raise refusal(40022, "a menu has two levels")
        if 'type' in button:
            raise refusal(40017, "a button with sub-buttons has no type")
        kept['sub_button'] = _buttons(world, account, button['sub_button'], 1)
        return kept
    kind = kept['type'] = button.get('type')
    if kind in WITH_KEY:
        kept['key'] = _sized(button, 'key', 128, 'key', level)
    elif kind in ('view', 'miniprogram'):
        kept['url'] = _sized(button, 'url', 1024, 'url', level)
        if not re.match('https?://[^/]', kept['url']):
            raise refusal(_NUMBERS['domain'][level], "url is no http address")
        if kind == 'miniprogram':
            app = world.apps.get(button.get('appid'))
            if not app or app.app_type != 'miniprogram':
                raise refusal(40166, "appid names no mini-program")
            kept['appid'] = app.appid
            kept['pagepath'] = button.get('pagepath')
            if not isinstance(kept['pagepath'], str) or not kept['pagepath']:
                raise refusal(40165, "pagepath is missing")
    elif kind == 'media_id':
        kept['media_id'] = button.get('media_id')
        if kept['media_id'] not in account.materials:
            raise refusal(40007, "media_id is none of the account's materials")
    else:
        raise refusal(_NUMBERS['type'][level], f"there is no type {kind!r}")
    return {**kept, 'sub_button': []}


PATHS = {
    '/cgi-bin/menu/create': create,
    '/cgi-bin/menu/get': get,
    '/cgi-bin/menu/delete': delete,
}
