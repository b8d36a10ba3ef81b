# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sandbox's own signing against the worked vectors."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from sandbox import signing, v2_signing, v2_xml

from .merchant import decrypt

VECTORS = Path(__file__).parents[1] / 'protocol' / 'vectors' / 'wechat-pay.json'
DATA = json.loads(VECTORS.read_text())


def vectors(family):
    items = [item for item in DATA['vectors'] if item['family'] == family]
    assert items
    return pytest.mark.parametrize('item', items, ids=[item['name'] for item in items])


def private_key(path):
    value = DATA
    for name in path.split('.'):
        value = value[name]
    return serialization.load_der_private_key(base64.b64decode(value), None)


@vectors('v3_request_sign')
def test_request_signatures(item):
    inputs, expected = item['inputs'], item['expected']
    message = signing.request_message(
        inputs['method'], inputs['canonical_url'], inputs['timestamp'], inputs['nonce_str'],
        inputs['body'].encode(),
    )
    key = private_key(inputs['private_key'])
    assert signing.sign(key, message) == expected['signature']
    assert signing.verify(key.public_key(), message, expected['signature'])
    if 'authorization' in expected:
        pairs = signing.parse_authorization(expected['authorization'])
        assert pairs['signature'] == expected['signature']
        assert pairs['serial_no'] == inputs['serial_no']


@vectors('v3_pay_sign')
def test_client_signatures(item):
    inputs = item['inputs']
    message = signing.pay_message(
        inputs['appid'], inputs['timestamp'], inputs['nonce_str'], inputs['fourth_line'],
    )
    assert message.decode() == item['expected']['message']
    made = signing.sign(private_key(inputs['private_key']), message)
    assert made == item['expected']['signature']


@vectors('v3_verify')
def test_answers_signed_by_known_keys(item):
    inputs = item['inputs']
    headers = inputs['headers']
    keys = {
        DATA['keys']['wechatpay_public_key_mode']['id']:
            'keys.wechatpay_public_key_mode.private_key_pkcs8_der_base64',
        DATA['keys']['platform_certificate_mode']['serial_no']:
            'keys.platform_certificate_mode.private_key_pkcs8_der_base64',
    }
    path = keys.get(headers['Wechatpay-Serial'])
    if not path:
        assert item['expected']['valid'] is False
        return
    message = signing.answer_message(
        headers['Wechatpay-Timestamp'], headers['Wechatpay-Nonce'], inputs['body'].encode(),
    )
    right = signing.verify(
        private_key(path).public_key(), message, headers['Wechatpay-Signature'],
    )
    in_time = abs(inputs['now'] - int(headers['Wechatpay-Timestamp'])) <= signing.TOLERANCE
    assert item['expected']['valid'] in (right and in_time, None)


def test_encryption_is_what_the_vectors_decrypt():
    item = next(item for item in DATA['vectors'] if item['name'] == 'v3_aead_transaction')
    inputs = item['inputs']
    plaintext = decrypt(inputs['apiv3_key'], inputs)
    assert plaintext.decode() == item['expected']['plaintext']
    made = signing.encrypt(inputs['apiv3_key'], plaintext, 'transaction')
    assert decrypt(inputs['apiv3_key'], made) == plaintext
    assert len(made['nonce']) == 12 and made['algorithm'] == 'AEAD_AES_256_GCM'


@vectors('v2_sign')
def test_v2_signatures(item):
    inputs, expected = item['inputs'], item['expected']
    values = {name: value or '' for name, value in inputs['params'].items()}
    assert v2_signing.string_to_sign(values, inputs['api_key']) == expected['string_to_sign']
    made = v2_signing.sign(values, inputs['api_key'], item['algorithm'])
    assert made == expected['sign']


@vectors('v2_notify')
def test_v2_notifications(item):
    inputs, expected = item['inputs'], item['expected']
    if expected.get('parser_must_refuse_dtd'):
        with pytest.raises(v2_xml.NotXml):
            v2_xml.read(inputs['xml'].encode())
        return
    values = v2_xml.read(inputs['xml'].encode())
    right = values.get('sign') == v2_signing.sign(values, inputs['api_key'], item['algorithm'])
    assert right is expected['valid']


def test_v2_refund_information():
    item = next(item for item in DATA['vectors'] if item['name'] == 'v2_req_info_decrypt')
    inputs, expected = item['inputs'], item['expected']
    sealed = v2_signing.seal(inputs['api_key'], expected['plaintext'].encode())
    assert sealed == inputs['req_info']
