# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Encrypted fields, platform certificates and uploaded files, without Odoo."""

import base64

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat_payment')

from wechat_payment_protocol import aead, key_files, keys, oaep  # noqa: E402

VECTORS = load_vectors('wechat-pay')
KEYS = VECTORS['keys']


def _private_key(path):
    der = VECTORS
    for step in path.split('.'):
        der = der[step]
    body = base64.encodebytes(base64.b64decode(der)).decode()
    return f'-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n'


OAEP = [vector for vector in VECTORS['vectors'] if vector['family'] == 'v3_oaep']


@pytest.mark.parametrize('vector', OAEP, ids=lambda vector: vector['name'])
def test_an_encrypted_field_is_decrypted(vector):
    inputs = vector['inputs']
    private_key = _private_key(inputs['private_key'])
    assert oaep.decrypt(inputs['ciphertext'], private_key) == vector['expected']['plaintext']


def test_what_is_encrypted_can_be_decrypted_and_differs_each_time():
    mode = KEYS['wechatpay_public_key_mode']
    private_key = _private_key('keys.wechatpay_public_key_mode.private_key_pkcs8_der_base64')
    first, second = (oaep.encrypt("张三", mode['public_key_pem']) for _i in range(2))
    assert first != second
    assert oaep.decrypt(first, private_key) == oaep.decrypt(second, private_key) == "张三"
    assert oaep.encrypt('x' * oaep.MAX_PLAINTEXT_BYTES, mode['public_key_pem'])
    with pytest.raises(ValueError):
        oaep.encrypt('x' * (oaep.MAX_PLAINTEXT_BYTES + 1), mode['public_key_pem'])


@pytest.mark.parametrize('text', ['', 'x', '####', 'AAAA', 'é', None])
def test_a_malformed_field_is_refused_without_being_quoted(text):
    with pytest.raises(oaep.FieldDecryptionError) as caught:
        oaep.decrypt(text, _private_key('keys.merchant.private_key_pkcs8_der_base64'))
    assert str(text) not in str(caught.value) or len(str(text)) < 5


def test_a_field_for_another_key_is_refused():
    with pytest.raises(oaep.FieldDecryptionError):
        oaep.decrypt(
            OAEP[0]['inputs']['ciphertext'],
            _private_key('keys.merchant.private_key_pkcs8_der_base64'),
        )


def test_a_platform_certificate_comes_out_of_its_encryption():
    vector = next(v for v in VECTORS['vectors'] if v['name'] == 'v3_aead_certificate')
    inputs = vector['inputs']
    pem = aead.decrypt({'algorithm': 'AEAD_AES_256_GCM', **inputs}, inputs['apiv3_key']).decode()
    assert keys.read_certificate(pem)['serial_no'] == (
        KEYS['platform_certificate_mode']['serial_no']
    )
    assert key_files.recognise(pem.encode()) == 'certificate'


@pytest.mark.parametrize(('content', 'kind'), [
    (KEYS['platform_certificate_mode']['certificate_pem'], 'certificate'),
    (KEYS['wechatpay_public_key_mode']['public_key_pem'], 'public_key'),
    (_private_key('keys.merchant.private_key_pkcs8_der_base64'), 'private_key'),
    ('\ufeffAttributes\r\n' + KEYS['wechatpay_public_key_mode']['public_key_pem'], 'public_key'),
])
def test_a_pem_file_is_recognised_by_its_content(content, kind):
    assert key_files.recognise(content.encode()) == kind
    found, pem = key_files.read_pem(content.encode())
    assert found == kind
    assert pem.startswith('-----BEGIN') and pem.endswith('-----\n')


@pytest.mark.parametrize('data', [b'', b'hello', b'\xff\xfe', b'-----BEGIN', b'x' * 70000])
def test_other_files_are_not_recognised(data):
    assert key_files.recognise(data) is None


@pytest.mark.parametrize('data', [
    b'', b'hello', b'-----BEGIN PUBLIC KEY-----', b'-----BEGIN PUBLIC KEY-----\nAAAA',
    b'-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    b'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
])
def test_a_damaged_pem_file_is_refused(data):
    with pytest.raises(keys.KeyFormatError):
        key_files.read_pem(data)


@pytest.mark.parametrize('data', [b'', b'0', b'\x30\x82', b'hello'])
def test_what_is_no_p12_file_is_refused(data):
    with pytest.raises(keys.KeyFormatError):
        key_files.read_pkcs12(data, '1900000001')
