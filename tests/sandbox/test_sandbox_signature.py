# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests of API v3: headers, Authorization, clock; who signs the answers (wechat-pay.md A1)."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from .merchant import ORDER_PATH, decrypt, send


def refused(reply, status, code):
    """An error answer: JSON, never signed."""
    assert (reply.status, reply.json()['code']) == (status, code), reply.body
    assert reply.json()['message']
    assert not [name for name, _value in reply.headers if name.lower().startswith('wechatpay')]
    return reply.json()


def test_an_answer_is_signed_over_its_raw_body_by_the_key_asked_for(sandbox, merchant, openid):
    reply = merchant.order(openid)
    assert reply.status == 200 and reply.one('Request-ID')
    assert merchant.signed_by(reply) == merchant.data['public_key_id']
    assert reply.one('Wechatpay-Signature-Type') == 'WECHATPAY2-SHA256-RSA2048'
    assert abs(int(reply.one('Wechatpay-Timestamp')) - time.time()) < 5
    serial = merchant.data['platform_certificates'][0]['serial_no']
    reply = merchant.query(headers={'Wechatpay-Serial': serial})
    assert merchant.signed_by(reply) == serial


def test_without_wechatpay_serial_a_platform_certificate_signs(sandbox, merchant, openid):
    reply = merchant.order(openid)
    reply = merchant.query(drop=['Wechatpay-Serial'])
    serial = merchant.data['platform_certificates'][0]['serial_no']
    assert merchant.signed_by(reply) == serial
    assert 'Wechatpay-Serial' in sandbox.problems()[0]


def test_an_unknown_wechatpay_serial_is_a_parameter_error(merchant):
    reply = merchant.query(headers={'Wechatpay-Serial': 'PUB_KEY_ID_00'})
    assert refused(reply, 400, 'PARAM_ERROR')['detail']['field'] == 'Wechatpay-Serial'


def test_an_empty_204_is_signed(merchant, openid):
    merchant.order(openid)
    reply = merchant.close()
    assert (reply.status, reply.body) == (204, b'')
    assert merchant.signed_by(reply) == merchant.data['public_key_id']


def test_the_five_pairs_may_come_in_any_order(merchant, openid):
    merchant.order(openid)
    target = f"/v3/pay/transactions/out-trade-no/S00042_1?mchid={merchant.data['mchid']}"
    value = merchant.authorization('GET', target, b'')
    scheme, _space, pairs = value.partition(' ')
    turned = ','.join(reversed(pairs.split(',')))
    reply = merchant.call('GET', target, headers={'Authorization': f'{scheme} {turned}'})
    assert reply.status == 200


@pytest.mark.parametrize('change', [
    lambda text: '',
    lambda text: 'Bearer x',
    lambda text: text.replace('WECHATPAY2-SHA256-RSA2048', 'WECHATPAY2-SM2-WITH-SM3'),
    lambda text: text.replace('RSA2048 ', 'RSA2048'),
    lambda text: text.replace('RSA2048 ', 'RSA2048  '),
    lambda text: text.replace('",', '", '),
    lambda text: text.replace('"', "'"),
    lambda text: text.replace('"', ''),
    lambda text: text + ',extra="1"',
    lambda text: text.replace('nonce_str=', 'nonce='),
    lambda text: text + ',mchid="1900000001"',
    lambda text: text.partition(',')[2],
])
def test_a_malformed_authorization_is_a_signature_error(merchant, change):
    target = f"/v3/pay/transactions/out-trade-no/S00042_1?mchid={merchant.data['mchid']}"
    value = change(merchant.authorization('GET', target, b''))
    refused(merchant.call('GET', target, headers={'Authorization': value}), 401, 'SIGN_ERROR')


def test_a_missing_or_doubled_authorization_is_a_signature_error(sandbox, merchant):
    refused(merchant.query(drop=['Authorization']), 401, 'SIGN_ERROR')
    target = f"/v3/pay/transactions/out-trade-no/S00042_1?mchid={merchant.data['mchid']}"
    pair = ('Authorization', merchant.authorization('GET', target, b''))
    headers = [pair, pair, ('Accept', '*/*'), ('User-Agent', 'x')]
    refused(send(sandbox.base, 'GET', target, b'', headers), 401, 'SIGN_ERROR')


@pytest.mark.parametrize('changes', [
    {'mchid': '1900009999'},
    {'serial_no': '0' * 40},
    {'signature': 'AAAA'},
    {'signature': '***'},
    {'nonce_str': 'another'},
    {'timestamp': '1767322445000'},
    {'timestamp': 'yesterday!'},
])
def test_a_wrong_value_in_authorization_is_a_signature_error(merchant, changes):
    refused(merchant.query(**changes), 401, 'SIGN_ERROR')


def test_the_platform_serial_is_not_the_merchant_serial(merchant):
    refused(merchant.query(serial_no=merchant.data['public_key_id']), 401, 'SIGN_ERROR')


def test_a_signature_by_another_key_is_refused(sandbox, merchant):
    other = sandbox.post('merchants', mchid='1900000777', appids=[])
    merchant.data['merchant_private_key'] = other['merchant_private_key']
    refused(merchant.query(), 401, 'SIGN_ERROR')


def test_the_signature_covers_query_and_body(sandbox, merchant, openid):
    target = '/v3/pay/transactions/out-trade-no/S00042_1'
    value = merchant.authorization('GET', target, b'')
    reply = merchant.call(
        'GET', f"{target}?mchid={merchant.data['mchid']}", headers={'Authorization': value},
    )
    refused(reply, 401, 'SIGN_ERROR')
    body = json.dumps(merchant.body(openid)).encode()
    value = merchant.authorization('POST', ORDER_PATH, body)
    reply = merchant.call('POST', ORDER_PATH, body=body + b' ', headers={'Authorization': value})
    refused(reply, 401, 'SIGN_ERROR')


def test_any_serialisation_is_fine_as_long_as_its_bytes_are_signed(merchant, openid):
    body = json.dumps(merchant.body(openid), indent=2).encode()
    assert merchant.call('POST', ORDER_PATH, body=body).status == 200


@pytest.mark.parametrize(('offset', 'status'), [
    (-298, 404), (298, 404), (-302, 401), (302, 401), (-86400, 401),
])
def test_the_clock_may_be_five_minutes_off(merchant, offset, status):
    reply = merchant.query(timestamp=str(int(time.time()) + offset))
    assert reply.status == status


def test_the_sandbox_clock_is_what_counts(sandbox, merchant):
    sandbox.clock(400)
    refused(merchant.query(), 401, 'SIGN_ERROR')
    merchant.offset = 400
    assert merchant.query().status == 404


def test_the_clock_is_looked_at_before_the_signature(merchant):
    data = refused(merchant.query(
        timestamp=str(int(time.time()) - 1000), signature='AAAA',
        headers={'Accept-Language': 'en'},
    ), 401, 'SIGN_ERROR')
    assert '5 minutes' in data['message']


def test_messages_are_chinese_or_english_as_asked(merchant):
    assert merchant.query().json()['message'] == '订单不存在'
    english = merchant.query(headers={'Accept-Language': 'en'}).json()
    assert english['message'] == "the order does not exist"


def test_401_of_the_order_paths_has_no_request_id_and_others_do(merchant):
    assert not merchant.query(drop=['Authorization']).one('Request-ID')
    assert merchant.query().one('Request-ID').endswith('-268512771')
    assert merchant.call('GET', '/v3/certificates', drop=['Authorization']).one('Request-ID')


@pytest.mark.parametrize('accept', ['text/html', 'application/xml', ''])
def test_accept_must_allow_json(merchant, accept):
    refused(merchant.query(headers={'Accept': accept}), 400, 'INVALID_REQUEST')


def test_accept_may_be_anything_or_a_list(merchant):
    assert merchant.query(headers={'Accept': '*/*'}).status == 404
    assert merchant.query(headers={'Accept': 'text/html, application/json;q=0.9'}).status == 404
    refused(merchant.query(drop=['Accept']), 400, 'INVALID_REQUEST')


def test_user_agent_is_demanded_before_the_signature_where_the_service_does(sandbox, merchant):
    reply = merchant.call('GET', '/v3/certificates', drop=['User-Agent', 'Authorization'])
    refused(reply, 400, 'INVALID_REQUEST')
    assert merchant.query(drop=['User-Agent']).status == 404
    assert any('User-Agent' in text for text in sandbox.problems())


def test_a_body_must_be_announced_as_json(merchant, openid):
    body = merchant.body(openid)
    for kind in ('text/plain', 'application/x-www-form-urlencoded'):
        reply = merchant.call('POST', ORDER_PATH, body, headers={'Content-Type': kind})
        refused(reply, 400, 'INVALID_REQUEST')
    reply = merchant.call('POST', ORDER_PATH, body, drop=['Content-Type'])
    refused(reply, 400, 'INVALID_REQUEST')
    kind = 'application/json; charset=utf-8'
    reply = merchant.call('POST', ORDER_PATH, body, headers={'Content-Type': kind})
    assert reply.status == 200


def test_a_wrong_path_or_method_has_an_empty_answer(merchant):
    for method, target, status in (
        ('GET', '/v3/pay/nonsense', 404),
        ('GET', ORDER_PATH, 405),
        ('POST', '/v3/certificates', 405),
    ):
        reply = merchant.call(method, target)
        assert (reply.status, reply.body) == (status, b'')


def test_certificates_come_encrypted_and_verify_themselves(sandbox, merchant):
    sandbox.call('PATCH', 'merchants/1900000001', {'trust_mode': 'certificate'})
    second = sandbox.post('merchants/1900000001/certificates')
    merchant = sandbox.merchant()
    assert len(second['platform_certificates']) == 2
    reply = merchant.call('GET', '/v3/certificates', drop=['Wechatpay-Serial'])
    items = reply.json()['data']
    texts = {item['serial_no']: decrypt(
        merchant.data['api_v3_key'], item['encrypt_certificate'],
    ).decode() for item in items}
    assert texts == {
        item['serial_no']: item['certificate'] for item in merchant.data['platform_certificates']
    }
    assert items[0]['encrypt_certificate']['associated_data'] == 'certificate'
    newest = max(items, key=lambda item: item['effective_time'])
    assert merchant.signed_by(reply) == newest['serial_no']


def test_a_public_key_merchant_has_no_certificates_to_fetch(merchant):
    refused(merchant.call('GET', '/v3/certificates'), 404, 'RESOURCE_NOT_EXISTS')


def test_a_percent_encoded_path_is_signed_as_sent(merchant, openid):
    number = 'S|42*x_1'
    assert merchant.order(openid, out_trade_no=number).status == 200
    target = f"/v3/pay/transactions/out-trade-no/S%7C42*x_1?mchid={merchant.data['mchid']}"
    assert merchant.call('GET', target).json()['out_trade_no'] == number
    plain = target.replace('%7C', '|')
    value = merchant.authorization('GET', plain, b'')
    reply = merchant.call('GET', target, headers={'Authorization': value})
    refused(reply, 401, 'SIGN_ERROR')


def test_two_requests_use_one_connection(sandbox, merchant):
    connection = http.client.HTTPConnection(urlsplit(sandbox.base).netloc, timeout=5)
    for _index in range(2):
        connection.request('GET', '/sns/jscode2session')
        assert connection.getresponse().read()
        local = connection.sock.getsockname()
    assert connection.sock.getsockname() == local
    connection.close()
