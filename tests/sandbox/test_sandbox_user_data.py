# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Phone numbers by code, encrypted and signed user data (wechat-platform.md 2)."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .merchant import APPID, OTHER_APPID
from .test_sandbox_login import errcode, exchange, token


def login(sandbox, user, appid=APPID):
    """:return: the session_key that the server gets."""
    code = sandbox.post('login_code', appid=appid, user=user['user'])['code']
    return exchange(sandbox, code).json()['session_key']


def phone_number(sandbox, appid=APPID, **body):
    path = f'/wxa/business/getuserphonenumber?access_token={token(sandbox, appid)}'
    return sandbox.platform('POST', path, body)


def decrypt(key, answer):
    decryptor = Cipher(
        algorithms.AES(base64.b64decode(key)), modes.CBC(base64.b64decode(answer['iv'])),
    ).decryptor()
    data = decryptor.update(base64.b64decode(answer['encryptedData'])) + decryptor.finalize()
    assert data[-data[-1]:] == bytes([data[-1]]) * data[-1]
    return json.loads(data[:-data[-1]])


def test_a_code_with_its_openid_gives_the_number(sandbox, user, openid):
    issued = sandbox.post('phone_code', appid=APPID, user=user['user'])
    data = phone_number(sandbox, code=issued['code'], openid=openid).json()
    info = data['phone_info']
    assert info['purePhoneNumber'] == info['phoneNumber'] == issued['number']
    assert info['countryCode'] == '86' and info['watermark']['appid'] == APPID
    assert sandbox.problems() == []


def test_a_number_of_another_country_has_its_code_in_front(sandbox, user, openid):
    sandbox.post('phone_number', user=user['user'], number='2025550123', country_code='1')
    issued = sandbox.post('phone_code', appid=APPID, user=user['user'])
    info = phone_number(sandbox, code=issued['code'], openid=openid).json()['phone_info']
    assert info['phoneNumber'] == '12025550123'
    assert (info['purePhoneNumber'], info['countryCode']) == ('2025550123', '1')


def test_a_code_works_once_and_for_five_minutes(sandbox, user, openid):
    issued = sandbox.post('phone_code', appid=APPID, user=user['user'])['code']
    assert errcode(phone_number(sandbox, code=issued, openid=openid)) == 0
    assert errcode(phone_number(sandbox, code=issued, openid=openid)) == 40029
    late = sandbox.post('phone_code', appid=APPID, user=user['user'])['code']
    sandbox.clock(301)
    assert errcode(phone_number(sandbox, code=late, openid=openid)) == 40029
    expired = sandbox.post('phone_code', appid=APPID, user=user['user'], expired=True)['code']
    assert errcode(phone_number(sandbox, code=expired, openid=openid)) == 40029


def test_a_code_of_another_person_is_refused_and_stays_unused(sandbox, user, openid):
    other = sandbox.post('users')
    issued = sandbox.post('phone_code', appid=APPID, user=other['user'])
    assert errcode(phone_number(sandbox, code=issued['code'], openid=openid)) == 40003
    assert errcode(phone_number(sandbox, code=issued['code'], openid=issued['openid'])) == 0


def test_a_code_without_openid_is_taken_with_a_warning(sandbox, user):
    issued = sandbox.post('phone_code', appid=APPID, user=user['user'])['code']
    assert errcode(phone_number(sandbox, code=issued)) == 0
    assert any(problem.startswith('warning:') for problem in sandbox.problems())


def test_a_code_of_another_app_is_refused(sandbox, user):
    issued = sandbox.post('phone_code', appid=OTHER_APPID, user=user['user'])
    assert errcode(phone_number(sandbox, code=issued['code'], openid=issued['openid'])) == 40013


@pytest.mark.parametrize(('body', 'expected'), [
    ({}, 40029), ({'code': ''}, 40029), ({'code': 7}, 40029), ({'code': 'never-issued'}, 40029),
])
def test_codes_that_are_none_are_refused(sandbox, body, expected):
    assert errcode(phone_number(sandbox, **body)) == expected


def test_a_login_code_is_no_phone_code(sandbox, user, openid):
    code = sandbox.post('login_code', appid=APPID, user=user['user'])['code']
    assert errcode(phone_number(sandbox, code=code, openid=openid)) == 40029


def test_user_data_are_encrypted_with_the_key_that_the_server_gets(sandbox, user, openid):
    key = login(sandbox, user)
    answer = sandbox.post('encrypted_data', appid=APPID, user=user['user'])
    fields = decrypt(key, answer)
    assert fields['openId'] == openid and fields['unionId'] == user['unionid']
    assert fields['nickName'] == "小明" and fields['watermark']['appid'] == APPID
    signed = hashlib.sha1((answer['rawData'] + key).encode()).hexdigest()
    assert answer['signature'] == signed
    assert json.loads(answer['rawData']) == answer['userInfo']
    assert 'openId' not in answer['userInfo']


def test_phone_data_are_encrypted_without_an_openid(sandbox, user):
    key = login(sandbox, user)
    answer = sandbox.post('encrypted_data', appid=APPID, user=user['user'], kind='phone')
    fields = decrypt(key, answer)
    assert set(fields) == {'phoneNumber', 'purePhoneNumber', 'countryCode', 'watermark'}
    assert set(answer) == {'encryptedData', 'iv'}


def test_data_can_be_made_wrong(sandbox, user):
    key = login(sandbox, user)
    answer = sandbox.post(
        'encrypted_data', appid=APPID, user=user['user'], watermark_appid=OTHER_APPID,
        overrides={'nickName': 'Other'}, timestamp_offset=-3600,
    )
    fields = decrypt(key, answer)
    assert fields['watermark']['appid'] == OTHER_APPID and fields['nickName'] == 'Other'


def test_who_never_logged_in_has_no_data(sandbox, user):
    reply = sandbox.call('POST', 'encrypted_data', {'appid': APPID, 'user': user['user']})
    assert reply.status == 400 and 'login_code' in reply.json()['error']


@pytest.mark.parametrize(('path', 'body'), [
    ('encrypted_data', {'kind': 'invoice'}), ('encrypted_data', {'appid': 'wx00000000000000ff'}),
    ('phone_code', {'appid': 'wx00000000000000ff'}), ('phone_code', {'user': 'nobody'}),
    ('phone_number', {'number': '+86138'}), ('phone_number', {'country_code': 'CN'}),
])
def test_what_control_cannot_mean_is_refused(sandbox, user, path, body):
    login(sandbox, user)
    values = {'user': user['user']} | ({'appid': APPID} if path != 'phone_number' else {}) | body
    assert sandbox.call('POST', path, values).status == 400
