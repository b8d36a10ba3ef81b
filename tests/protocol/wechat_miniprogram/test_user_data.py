# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wechat_miniprogram/protocol against the worked vectors of encrypted and signed user data."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.protocol.loader import load, load_vectors

load('wechat_miniprogram')

from wechat_miniprogram_protocol import phone_numbers, profile, user_data  # noqa: E402

VECTORS = {
    vector['name']: vector for vector in load_vectors('wechat-platform')['vectors']
    if vector['name'].startswith(('user_data_', 'raw_data_', 'check_session_'))
}
KEY, IV, APPID = 'AAECAwQFBgcICQoLDA0ODw==', 'EBESExQVFhcYGRobHB0eHw==', 'wx0000000000000001'


def _decrypt(name):
    inputs = VECTORS[name]['inputs']
    return user_data.decrypt(
        inputs['session_key'], inputs['encrypted_data'], inputs['iv'], inputs['appid'],
    )


def _encrypt(data):
    """Encrypt bytes whose padding is there already, by another library."""
    encryptor = Cipher(
        algorithms.AES(base64.b64decode(KEY)), modes.CBC(base64.b64decode(IV)),
    ).encryptor()
    return base64.b64encode(encryptor.update(data) + encryptor.finalize()).decode()


def _padded(text):
    data = text.encode()
    count = 16 - len(data) % 16
    return data + bytes([count]) * count


def test_every_vector_of_user_data_is_used_here():
    with open(__file__, encoding='utf-8') as source:
        text = source.read()
    assert len(VECTORS) == 9
    assert [name for name in VECTORS if name not in text] == []


@pytest.mark.parametrize('name', [
    'user_data_decrypt_documented', 'user_data_decrypt_dummy_utf8', 'user_data_decrypt_dummy_phone',
])
def test_decryption(name):
    assert _decrypt(name) == VECTORS[name]['expected']['decrypted']


def test_data_of_another_app_are_refused():
    with pytest.raises(user_data.WatermarkMismatch):
        _decrypt('user_data_watermark_mismatch')


def test_stale_session_key_is_noticed():
    with pytest.raises(user_data.UserDataError) as caught:
        _decrypt('user_data_wrong_session_key')
    assert not isinstance(caught.value, user_data.WatermarkMismatch)


@pytest.mark.parametrize('name', ['raw_data_signature_documented', 'raw_data_signature_dummy_utf8'])
def test_raw_data_signature(name):
    inputs, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    key, text = inputs['session_key'], inputs['raw_data']
    assert user_data.sign_raw_data(key, text) == expected['signature']
    assert user_data.read_raw_data(key, text, expected['signature']) == json.loads(text)


def test_raw_data_that_was_written_anew_is_refused():
    inputs = VECTORS['raw_data_signature_reserialised_fails']['inputs']
    with pytest.raises(user_data.UserDataError):
        user_data.read_raw_data(inputs['session_key'], inputs['raw_data'], inputs['signature'])


def test_signature_of_half_a_character_is_refused():
    inputs = VECTORS['raw_data_signature_documented']['inputs']
    with pytest.raises(user_data.UserDataError):
        user_data.read_raw_data(inputs['session_key'], inputs['raw_data'], '\ud800')


def test_watermark_of_half_a_character_is_refused():
    with pytest.raises(user_data.WatermarkMismatch):
        user_data.check_watermark({'watermark': {'appid': '\ud800'}}, 'wx0000000000000001')


def test_session_key_signature():
    vector = VECTORS['check_session_key_signature_dummy']
    assert user_data.sign_session_key(vector['inputs']['session_key']) == (
        vector['expected']['signature']
    )


@pytest.mark.parametrize('data', [
    b'{}' + bytes(14),  # a padding of 0
    b'{}' + b'\x0e' * 13 + b'\x0d',
    b'{}' + b'\x05' * 13 + b'\x0e',  # its last byte is right, the others are not
    b'{}' + b'\x11' * 30,  # longer than a block
    _padded('{}')[:-1] + b'\xff',
    _padded('[]'), _padded('"x"'), _padded('x'), _padded(''), _padded('{"a": Infinity}'),
    b'\xff' * 15 + b'\x01',
    _padded('[' * 3000),
])
def test_what_is_no_padded_object_is_refused(data):
    with pytest.raises(user_data.UserDataError) as caught:
        user_data.decrypt(KEY, _encrypt(data), IV, APPID)
    assert not isinstance(caught.value, user_data.WatermarkMismatch)


@pytest.mark.parametrize('watermark', [
    '', ', "watermark": null', ', "watermark": "wx0000000000000001"', ', "watermark": {}',
    ', "watermark": {"appid": null}', ', "watermark": {"appid": ["wx0000000000000001"]}',
    ', "watermark": {"appid": "wx0000000000000001 "}',
])
def test_missing_or_odd_watermark_is_a_mismatch(watermark):
    text = '{"a": 1' + watermark + '}'
    with pytest.raises(user_data.WatermarkMismatch):
        user_data.decrypt(KEY, _encrypt(_padded(text)), IV, APPID)


@pytest.mark.parametrize(('key', 'data', 'iv'), [
    ('', 'AAAAAAAAAAAAAAAAAAAAAA==', IV),
    ('AAECAwQFBgcICQoLDA0O', 'AAAAAAAAAAAAAAAAAAAAAA==', IV),
    (KEY, '', IV), (KEY, 'AAAA', IV), (KEY, 'AAAAAAAAAAAAAAAAAAAAAA', IV),
    (KEY, 'AAAAAAAAAAAAAAAAAAAAAA==\n', IV), (KEY, 'AAAA*AAAAAAAAAAAAAAAAAA==', IV),
    (KEY, 'é' * 24, IV), (KEY, None, IV), (KEY, b'AAAAAAAAAAAAAAAAAAAAAA==', IV),
    (KEY, 'AAAAAAAAAAAAAAAAAAAAAA==', ''), (KEY, 'AAAAAAAAAAAAAAAAAAAAAA==', 'AAAA'),
    (KEY, 'A' * 65536, IV),
])
def test_sizes_and_alphabets_are_strict(key, data, iv):
    with pytest.raises(user_data.UserDataError):
        user_data.decrypt(key, data, iv, APPID)


@pytest.mark.parametrize(('code', 'number', 'expected'), [
    ('86', '13800138000', '+8613800138000'), (86, '138-0013 8000', '+8613800138000'),
    ('+86', '13800138000', '+8613800138000'), ('0086', '13800138000', '+8613800138000'),
    ('1', '(202) 555.0123', '+12025550123'), ('852', '51234567', '+85251234567'),
    ('', '13800138000', ''), ('0', '13800138000', ''), ('86', '', ''), ('86', '1' * 20, ''),
    ('86', '123', ''), ('86', '+8613800138000', ''), ('86', '１３８００１３８０００', ''),
    (None, None, ''), (True, '13800138000', ''), ('CN', '13800138000', ''),
    ('12345', '1234567', ''),
])
def test_international_form(code, number, expected):
    assert phone_numbers.to_e164(code, number) == expected


def test_written_forms():
    forms = phone_numbers.written_forms('+8613800138000', '86', True)
    assert forms == {'8613800138000', '008613800138000', '13800138000'}
    assert '13800138000' not in phone_numbers.written_forms('+8613800138000', '86', False)


@pytest.mark.parametrize(('value', 'expected'), [
    (1, 1), (2, 2), ('1', 1), ('2', 2), (0, None), (3, None), (True, None), ('x', None),
    (None, None), ([1], None), (1.0, None), (2.0, None),
])
def test_gender(value, expected):
    assert profile.gender({'gender': value}) == expected


def test_places_are_clean_and_short():
    assert profile.place({'city': ' Guang\u202e\x00zhou \n X'}, 'city') == 'Guangzhou X'
    assert len(profile.place({'city': 'x' * 10000}, 'city')) == 64
    for value in (None, 7, ['x'], {}):
        assert profile.place({'city': value}, 'city') == ''
