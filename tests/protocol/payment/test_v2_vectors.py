# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wechat_payment/protocol against the worked vectors of WeChat Pay's API v2."""

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat_payment')

from wechat_payment_protocol import v2_client_values, v2_refund_info, v2_signing, v2_xml  # noqa: E402

VECTORS = load_vectors('wechat-pay')['vectors']


def _family(name):
    vectors = [vector for vector in VECTORS if vector['family'] == name]
    assert vectors, f"no vectors of family {name}"
    return pytest.mark.parametrize('vector', vectors, ids=lambda vector: vector['name'])


def _vector(name):
    return next(vector for vector in VECTORS if vector['name'] == name)


@_family('v2_sign')
def test_signature(vector):
    inputs, expected = vector['inputs'], vector['expected']
    text = v2_signing.build_string_to_sign(inputs['params'], inputs['api_key'])
    assert text == expected['string_to_sign']
    signature = v2_signing.sign(inputs['params'], inputs['api_key'], vector['algorithm'])
    assert signature == expected['sign']


@_family('v2_notify')
def test_notification(vector):
    inputs, expected = vector['inputs'], vector['expected']
    body = inputs['xml'].encode()
    if not expected['valid']:
        refusal = (
            v2_xml.V2XmlError if expected.get('parser_must_refuse_dtd')
            else v2_signing.V2SignatureError
        )
        with pytest.raises(refusal):
            v2_signing.verify(v2_xml.parse(body), inputs['api_key'], vector['algorithm'])
        return
    fields = v2_xml.parse(body)
    v2_signing.verify(fields, inputs['api_key'], vector['algorithm'])
    assert fields.pop('sign') == expected['sign']
    assert fields == expected['params']


def test_the_reply_to_a_notification_is_as_documented():
    reply = _vector('v2_notify_md5_valid')['expected']['reply']
    built = v2_xml.build({'return_code': 'SUCCESS', 'return_msg': 'OK'})
    assert built.decode() == reply


@_family('v2_req_info')
def test_refund_information(vector):
    inputs, expected = vector['inputs'], vector['expected']
    if expected.get('error'):
        with pytest.raises(v2_refund_info.RefundInfoError):
            v2_refund_info.decrypt(inputs['req_info'], inputs['api_key'])
        return
    envelope = v2_xml.parse(inputs['xml'].encode())
    assert envelope['req_info'] == inputs['req_info']
    assert v2_refund_info.decrypt(envelope['req_info'], inputs['api_key']) == expected['fields']


@pytest.mark.parametrize('name', ['v2_paysign_jsapi_md5', 'v2_paysign_jsapi_hmac_sha256'])
def test_pay_sign_of_a_mini_program(name):
    vector = _vector(name)
    params = vector['inputs']['params']
    assert params['signType'] == vector['algorithm']
    assert v2_client_values.build_jsapi_payment(
        params['appId'], params['package'].removeprefix('prepay_id='),
        vector['inputs']['api_key'], vector['algorithm'], timestamp=params['timeStamp'],
        nonce=params['nonceStr'],
    ) == {**params, 'paySign': vector['expected']['sign']}


def test_pay_sign_of_an_app():
    vector = _vector('v2_paysign_app_md5')
    params = vector['inputs']['params']
    assert v2_client_values.build_app_payment(
        params['appid'], params['partnerid'], params['prepayid'], vector['inputs']['api_key'],
        vector['algorithm'], timestamp=params['timestamp'], nonce=params['noncestr'],
    ) == {
        'appId': params['appid'], 'partnerId': params['partnerid'],
        'prepayId': params['prepayid'], 'packageValue': params['package'],
        'nonceStr': params['noncestr'], 'timeStamp': params['timestamp'],
        'sign': vector['expected']['sign'],
    }
