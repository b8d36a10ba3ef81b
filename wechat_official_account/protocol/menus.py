# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The custom menu of an official account: its limits and its form towards WeChat.

Source: WeChat's page "createCustomMenu" as stored; the limits in bytes are those of its table of
parameters, which code answers what is unverified.
"""

import re

MAX_BUTTONS = 3
MAX_SUB_BUTTONS = 5
MAX_NAME_BYTES = 16
MAX_SUB_NAME_BYTES = 60
MAX_KEY_BYTES = 128
MAX_URL_BYTES = 1024

# They are answered by an event with the button's key.
KEY_TYPES = (
    'click', 'scancode_push', 'scancode_waitmsg', 'pic_sysphoto', 'pic_photo_or_album',
    'pic_weixin', 'location_select',
)
TYPES = (*KEY_TYPES, 'view', 'miniprogram', 'media_id')
_WEB_ADDRESS = re.compile(r'https?://[^\s/]\S*')


def is_too_long(text, limit):
    """Return whether a text has more bytes than WeChat takes; a Chinese character has three."""
    return len((text or '').encode()) > limit


def is_web_address(text):
    """Return whether a text is a complete web address."""
    return bool(_WEB_ADDRESS.fullmatch(text or ''))


def build(buttons):
    """Return a menu as `/cgi-bin/menu/create` takes it.

    :param list buttons: Dictionaries of `name` and either `children` (a list of the same) or `type`
        and what belongs to it: `key`; `url`; `url`, `appid` and `pagepath`; `media_id`.
    :rtype: dict
    """
    return {'button': [_build_button(button) for button in buttons]}


def _build_button(button):
    if button.get('children'):
        return {
            'name': button['name'],
            'sub_button': [_build_button(child) for child in button['children']],
        }
    kind = button['type']
    built = {'type': kind, 'name': button['name']}
    if kind in KEY_TYPES:
        built['key'] = button['key']
    elif kind == 'media_id':
        built['media_id'] = button['media_id']
    else:
        built['url'] = button['url']
        if kind == 'miniprogram':
            built['appid'] = button['appid']
            built['pagepath'] = button['pagepath']
    return built


def parse(answer):
    """Return the buttons of an answer of `/cgi-bin/menu/get`, in the form that :func:`build` takes.

    :param dict answer: The answer.
    :return: The buttons, and the types that this addon does not know and left out.
    :rtype: tuple[list, list]
    """
    unknown = []

    def read(button):
        values = {'name': button.get('name') or ''}
        children = button.get('sub_button') or []
        if isinstance(children, dict):
            children = children.get('list') or []
        if children:
            values['children'] = [child for child in map(read, children) if child]
            return values
        if button.get('type') not in TYPES:
            unknown.append(button.get('type') or '')
            return None
        values.update({
            name: button[name]
            for name in ('type', 'key', 'url', 'appid', 'pagepath', 'media_id') if button.get(name)
        })
        return values

    buttons = (answer.get('menu') or {}).get('button') or []
    return [button for button in map(read, buttons) if button], unknown
