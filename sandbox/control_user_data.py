# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for what phones get of their users: phone codes, encrypted and signed data."""

import re

from . import user_data
from .control_accounts import _read
from .world import Refusal

KINDS = ('user_info', 'phone')


def _miniprogram(world, appid):
    app = world.apps.get(appid)
    if not app or app.app_type != 'miniprogram':
        raise Refusal(f"there is no mini-program {appid!r}")


def set_phone_number(sandbox, data):
    """POST phone_number: the number of a person."""
    values = _read(data, user_=str, number=str, country_code=str)
    number, code = values.get('number'), values.get('country_code', '86')
    if number is not None and not re.fullmatch(r'[0-9]{4,14}', number, re.ASCII):
        raise Refusal("number must be 4 to 14 digits, without the country code")
    if not re.fullmatch(r'[1-9][0-9]{0,3}', code, re.ASCII):
        raise Refusal("country_code must be digits, as 86")
    world = sandbox.world
    with world.lock:
        user = world.user(values['user'])
        if number is not None:
            world.phone_numbers[user.user] = (number, code)
        number, code = user_data.phone_number(world, user)
        return {'user': user.user, 'number': number, 'country_code': code}


def phone_code(sandbox, data):
    """POST phone_code: what the button getPhoneNumber gives, as a code."""
    values = _read(data, appid_=str, user_=str, expired=bool)
    world = sandbox.world
    with world.lock:
        _miniprogram(world, values['appid'])
        user = world.user(values['user'])
        code = user_data.new_phone_code(world, user, values['appid'])
        if values.get('expired'):
            code.expires = world.clock.now() - 1
        return {
            'code': code.code, 'number': code.number, 'country_code': code.country_code,
            'openid': world.openid(user, values['appid']),
        }


def encrypted_data(sandbox, data):
    """POST encrypted_data: what wx.getUserInfo or getPhoneNumber gives, encrypted and signed."""
    values = _read(
        data, appid_=str, user_=str, kind=str, overrides=dict, watermark_appid=str,
        session_key=str, timestamp_offset=int,
    )
    kind = values.get('kind', 'user_info')
    if kind not in KINDS:
        raise Refusal(f"kind must be one of {', '.join(KINDS)}")
    world, appid = sandbox.world, values['appid']
    with world.lock:
        _miniprogram(world, appid)
        user = world.user(values['user'])
        key = values.get('session_key') or user_data.session_key_of(world, user, appid)
        if kind == 'phone':
            plain = user_data.phone_info(*user_data.phone_number(world, user))
            secret = {}
        else:
            plain = user_data.user_info(world, user, appid)
            secret = {'openId': world.openid(user, appid)}
            unionid = world.unionid(user, appid)
            if unionid:
                secret['unionId'] = unionid
        plain.update(values.get('overrides', {}))
        answer = user_data.encrypt(
            key, {**secret, **plain}, values.get('watermark_appid', appid),
            world.clock.now() + values.get('timestamp_offset', 0),
        )
        if kind == 'user_info':
            answer.update(userInfo=plain, **user_data.sign(key, plain))
        return answer


ROUTES = [
    ('POST', '/_sandbox/phone_number', set_phone_number),
    ('POST', '/_sandbox/phone_code', phone_code),
    ('POST', '/_sandbox/encrypted_data', encrypted_data),
]
