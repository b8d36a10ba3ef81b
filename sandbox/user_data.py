# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a phone gets of its user: encrypted data, phone numbers (wechat-platform.md 2)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .platform import MESSAGES, PlatformError, check_token, require_post_json
from .world import Refusal

CODE_LIFETIME = 300
BLOCK = 16


@dataclass
class PhoneCode:
    """What getPhoneNumber gave."""

    code: str
    appid: str
    user: str
    number: str
    country_code: str
    expires: float
    used: bool = False


def phone_number(world, user):
    """:return: the number of a person and its country code, made when first asked for."""
    with world.lock:
        if user.user not in world.phone_numbers:
            number = f'138{len(world.phone_numbers):08d}'
            world.phone_numbers[user.user] = (number, '86')
        return world.phone_numbers[user.user]


def new_phone_code(world, user, appid):
    """:return: a new `PhoneCode` of a person, good for five minutes."""
    with world.lock:
        number, country_code = phone_number(world, user)
        code = PhoneCode(
            secrets.token_hex(32), appid, user.user, number, country_code,
            world.clock.now() + CODE_LIFETIME,
        )
        world.phone_codes[code.code] = code
        return code


def phone_info(number, country_code):
    """:return: the fields that tell a phone number (2.4), without the watermark."""
    return {
        'phoneNumber': number if country_code == '86' else f'{country_code}{number}',
        'purePhoneNumber': number,
        'countryCode': country_code,
    }


def user_info(world, user, appid):
    """:return: the fields of wx.getUserInfo that are not secret (2.1), as a phone shows them."""
    return {
        'nickName': user.nickname,
        'gender': 0,
        'language': 'zh_CN',
        'city': '',
        'province': '',
        'country': '',
        'avatarUrl': 'https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox/132',
    }


def encrypt(session_key, values, appid, timestamp):
    """Encrypt what the phone hands over (2.1).

    :param str session_key: Base64 of 16 bytes
    :return: `encryptedData` and `iv`, Base64
    """
    text = json.dumps(
        {**values, 'watermark': {'timestamp': int(timestamp), 'appid': appid}},
        ensure_ascii=False, separators=(',', ':'),
    ).encode()
    count = BLOCK - len(text) % BLOCK
    vector = secrets.token_bytes(BLOCK)
    encryptor = Cipher(algorithms.AES(base64.b64decode(session_key)), modes.CBC(vector)).encryptor()
    data = encryptor.update(text + bytes([count]) * count) + encryptor.finalize()
    return {
        'encryptedData': base64.b64encode(data).decode(), 'iv': base64.b64encode(vector).decode(),
    }


def sign(session_key, values):
    """Sign what wx.getUserInfo hands over in the clear (2.2).

    :return: `rawData` and `signature`
    """
    text = json.dumps(values, ensure_ascii=False, separators=(',', ':'))
    return {
        'rawData': text,
        'signature': hashlib.sha1((text + session_key).encode()).hexdigest(),
    }


def session_key_of(world, user, appid):
    """:return: the key that the phone's data are encrypted with.
    :raise Refusal: the person has not opened the mini-program yet
    """
    key = world.session_key(user, appid)
    if not key:
        raise Refusal(f"{user.user} has no session_key in {appid}: call login_code first")
    return key


def get_user_phone_number(world, request):
    """POST /wxa/business/getuserphonenumber (2.4)."""
    body = require_post_json(request)
    with world.lock:
        app = check_token(world, request)
        code = body.get('code')
        if not isinstance(code, str) or not code:
            raise PlatformError(40029, "code is missing")
        if 'openid' in body and not isinstance(body['openid'], str):
            raise PlatformError(47001, "openid is not text")
        found = world.phone_codes.get(code)
        if not found:
            raise PlatformError(40029, "this phone code was never issued")
        if found.appid != app.appid:
            raise PlatformError(40013, f"this phone code was issued to the app {found.appid}")
        if found.used:
            raise PlatformError(40029, "this phone code was used before")
        if world.clock.now() > found.expires:
            raise PlatformError(40029, "this phone code is older than five minutes")
        user = world.users[found.user]
        if 'openid' not in body:
            request.problems.append("warning: without openid anybody's phone code is taken")
        elif body['openid'] != world.openid(user, app.appid):
            raise PlatformError(
                40003, "this phone code is another person's", MESSAGES[40003],
            )
        found.used = True
        return {
            'errcode': 0,
            'errmsg': 'ok',
            'phone_info': {
                **phone_info(found.number, found.country_code),
                'watermark': {'timestamp': int(world.clock.now()), 'appid': app.appid},
            },
        }


PATHS = {'/wxa/business/getuserphonenumber': get_user_phone_number}
