# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wechat_payment/protocol against the worked vectors of WeChat Pay's API v3."""

import base64
import json

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat_payment')

from wechat_payment_protocol import aead, keys, signing, verification  # noqa: E402

VECTORS = load_vectors('wechat-pay')
KEYS = VECTORS['keys']


class Headers(dict):
    """A mapping that ignores case, as real headers do."""

    def get(self, name, default=None):
        return {key.lower(): value for key, value in self.items()}.get(name.lower(), default)


def _family(name):
    vectors = [vector for vector in VECTORS['vectors'] if vector['family'] == name]
    assert vectors, f"no vectors of family {name}"
    return pytest.mark.parametrize('vector', vectors, ids=lambda vector: vector['name'])


def _private_key(path):
    der = VECTORS
    for step in path.split('.'):
        der = der[step]
    body = base64.encodebytes(base64.b64decode(der)).decode()
    return f'-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n'


def _verifier():
    public_key, certificate = KEYS['wechatpay_public_key_mode'], KEYS['platform_certificate_mode']
    return verification.Verifier({
        public_key['id']: public_key['public_key_pem'],
        certificate['serial_no']: certificate['certificate_pem'],
    })


@_family('v3_request_sign')
def test_request_signature(vector):
    inputs, expected = vector['inputs'], vector['expected']
    message = signing.build_request_message(
        inputs['method'], inputs['canonical_url'], inputs['timestamp'], inputs['nonce_str'],
        inputs['body'],
    )
    private_key = _private_key(inputs['private_key'])
    assert message == expected['message']
    assert signing.sign(message, private_key) == expected['signature']
    authorization = signing.build_authorization(
        inputs['method'], inputs['canonical_url'], inputs['body'], mchid=inputs['mchid'],
        serial_no=inputs['serial_no'], private_key_pem=private_key,
        timestamp=inputs['timestamp'], nonce=inputs['nonce_str'],
    )
    assert authorization.startswith('WECHATPAY2-SHA256-RSA2048 ')
    pairs = set(authorization.split(' ', 1)[1].split(','))
    assert pairs == {
        f'mchid="{inputs["mchid"]}"', f'nonce_str="{inputs["nonce_str"]}"',
        f'signature="{expected["signature"]}"', f'timestamp="{inputs["timestamp"]}"',
        f'serial_no="{inputs["serial_no"]}"',
    }


def test_pay_sign_of_a_mini_program():
    vector = next(v for v in VECTORS['vectors'] if v['name'] == 'v3_paysign_miniprogram')
    inputs = vector['inputs']
    payment = signing.build_jsapi_payment(
        inputs['appid'], inputs['fourth_line'].removeprefix('prepay_id='),
        _private_key(inputs['private_key']), timestamp=inputs['timestamp'],
        nonce=inputs['nonce_str'],
    )
    assert payment == {
        'appId': inputs['appid'], 'timeStamp': inputs['timestamp'],
        'nonceStr': inputs['nonce_str'], 'package': inputs['fourth_line'], 'signType': 'RSA',
        'paySign': vector['expected']['signature'],
    }


@_family('v3_aead')
def test_decryption(vector):
    inputs, expected = vector['inputs'], vector['expected']
    resource = {'algorithm': 'AEAD_AES_256_GCM', **inputs}
    if expected.get('error'):
        with pytest.raises(aead.DecryptionError):
            aead.decrypt(resource, inputs['apiv3_key'])
    else:
        assert aead.decrypt(resource, inputs['apiv3_key']).decode() == expected['plaintext']


@_family('v3_verify')
def test_verification_of_an_answer(vector):
    inputs, expected = vector['inputs'], vector['expected']
    arguments = Headers(inputs['headers']), inputs['body'].encode(), inputs['now']
    # At exactly 300 s the sources differ; ours accepts, and rejects above.
    if expected['valid'] is not False:
        _verifier().verify(*arguments)
    else:
        with pytest.raises(verification.VerificationError):
            _verifier().verify(*arguments)


@_family('v3_webhook')
def test_notification_end_to_end(vector):
    inputs, expected = vector['inputs'], vector['expected']
    body = inputs['body'].encode()
    _verifier().verify(Headers(inputs['headers']), body, inputs['now'])
    notification = json.loads(body)
    assert notification['event_type'] == expected['event_type']
    plaintext = aead.decrypt(notification['resource'], VECTORS['constants']['apiv3_key'])
    assert json.loads(plaintext) == expected['resource_plaintext']


def test_the_serial_is_read_from_the_certificate():
    merchant = KEYS['merchant']
    assert keys.read_certificate(merchant['certificate_pem'])['serial_no'] == merchant['serial_no']
    assert keys.is_pair(
        _private_key('keys.merchant.private_key_pkcs8_der_base64'), merchant['certificate_pem'],
    )
    assert not keys.is_pair(
        _private_key('keys.merchant.private_key_pkcs8_der_base64'),
        KEYS['platform_certificate_mode']['certificate_pem'],
    )
