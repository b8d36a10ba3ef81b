# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Notifications: signed, encrypted, and with every defect on demand (wechat-pay.md A7, D)."""

import json
import time

import pytest
from cryptography.exceptions import InvalidTag

from .merchant import MCHID, decrypt, verified_by


def notify(sandbox, **options):
    return sandbox.post('notify', mchid=MCHID, out_trade_no='S00042_1', **options)['answers']


def signer(merchant, message):
    """:return: the serial of the key that really signed a received notification."""
    return verified_by(
        merchant.data, message.one('Wechatpay-Timestamp'), message.one('Wechatpay-Nonce'),
        message.body, message.one('Wechatpay-Signature'),
    )


def test_the_first_notification_is_complete(sandbox, merchant, openid, shop):
    merchant.order(openid, notify_url=shop.url)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    message = shop.received[0]
    body = json.loads(message.body)
    assert set(body) == {
        'id', 'create_time', 'resource_type', 'event_type', 'summary', 'resource',
    }
    assert len(body['id']) == 36
    assert body['resource_type'] == 'encrypt-resource'
    assert body['event_type'] == 'TRANSACTION.SUCCESS'
    assert body['resource']['algorithm'] == 'AEAD_AES_256_GCM'
    assert body['resource']['original_type'] == 'transaction'
    assert body['resource']['associated_data'] == 'transaction'
    assert len(body['resource']['nonce']) == 12
    assert message.one('Content-Type') == 'application/json'
    assert message.one('Wechatpay-Signature-Type') == 'WECHATPAY2-SHA256-RSA2048'
    assert message.one('Request-ID')
    assert signer(merchant, message) == message.one('Wechatpay-Serial')
    assert abs(int(message.one('Wechatpay-Timestamp')) - time.time()) < 5
    assert shop.order_object(merchant)['amount']['total'] == 990


def test_the_trust_mode_or_the_call_decides_who_signs(sandbox, paid, shop):
    certificate = paid.data['platform_certificates'][0]['serial_no']
    notify(sandbox)
    notify(sandbox, signer='certificate')
    sandbox.call('PATCH', f'merchants/{MCHID}', {'trust_mode': 'certificate'})
    notify(sandbox)
    notify(sandbox, signer='public_key')
    serials = [message.one('Wechatpay-Serial') for message in shop.received]
    public = paid.data['public_key_id']
    assert serials == [public, certificate, certificate, public]
    assert [signer(paid, message) for message in shop.received] == serials


def test_after_a_rotation_the_new_certificate_signs(sandbox, paid, shop):
    sandbox.clock(10)
    data = sandbox.post(f'merchants/{MCHID}/certificates')
    notify(sandbox, signer='certificate')
    newest = data['platform_certificates'][-1]['serial_no']
    assert shop.received[0].one('Wechatpay-Serial') == newest
    assert signer(sandbox.merchant(), shop.received[0]) == newest


def test_repeats_have_one_id_and_fresh_signatures(sandbox, paid, shop):
    answers = notify(sandbox, repeat=3)
    assert [item['status'] for item in answers] == [204] * 3
    assert len({json.loads(message.body)['id'] for message in shop.received}) == 1
    assert len({message.one('Wechatpay-Nonce') for message in shop.received}) == 3
    assert len({message.one('Wechatpay-Signature') for message in shop.received}) == 3


def test_an_identical_repeat_is_a_replay(sandbox, paid, shop):
    notify(sandbox, repeat=2, identical=True)
    first, second = shop.received
    assert (first.body, first.headers) == (second.body, second.headers)


def test_parallel_repeats_arrive_at_the_same_time(sandbox, paid, shop):
    shop.delay = 0.3
    began = time.monotonic()
    assert len(notify(sandbox, repeat=4, parallel=True)) == 4
    assert time.monotonic() - began < 1


def test_overrides_change_what_is_encrypted(sandbox, paid, shop):
    notify(sandbox, overrides={
        'amount.total': 1, 'mchid': '1900000002', 'payer': None, 'a.b': 'new',
    })
    order = shop.order_object(paid)
    assert order['amount']['total'] == 1
    assert order['mchid'] == '1900000002'
    assert 'payer' not in order and order['a'] == {'b': 'new'}
    assert signer(paid, shop.received[0])
    assert paid.query().json()['amount']['total'] == 990


def test_event_type_and_envelope_can_be_changed(sandbox, paid, shop):
    notify(sandbox, event_type='REFUND.SUCCESS', envelope={'resource.nonce': None, 'summary': 'x'})
    body = json.loads(shop.received[0].body)
    assert body['event_type'] == 'REFUND.SUCCESS'
    assert body['resource']['original_type'] == 'refund'
    assert 'nonce' not in body['resource'] and body['summary'] == 'x'


def test_an_early_notification_says_paid_while_a_query_says_not(
    sandbox, merchant, openid, shop,
):
    merchant.order(openid, notify_url=shop.url)
    notify(sandbox)
    order = shop.order_object(merchant)
    assert order['trade_state'] == 'SUCCESS'
    assert len(order['transaction_id']) == 28
    assert order['success_time'] > '2026'
    assert merchant.query().json()['trade_state'] == 'NOTPAY'


def send_defect(sandbox, paid, shop, defect):
    notify(sandbox, defect=defect)
    return shop.received[-1]


def test_bad_signature(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'bad_signature')
    assert len(message.one('Wechatpay-Signature')) == 344
    assert signer(paid, message) is None


def test_signtest(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'signtest')
    assert message.one('Wechatpay-Signature').startswith('WECHATPAY/SIGNTEST/')
    assert len(message.one('Wechatpay-Signature')) == 344
    assert signer(paid, message) is None


def test_not_base64(sandbox, paid, shop):
    assert '*' in send_defect(sandbox, paid, shop, 'not_base64').one('Wechatpay-Signature')


def test_unknown_serial(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'unknown_serial')
    assert signer(paid, message) == paid.data['public_key_id']
    assert message.one('Wechatpay-Serial') != paid.data['public_key_id']


@pytest.mark.parametrize('name', ['Timestamp', 'Nonce', 'Signature', 'Serial'])
def test_missing_and_doubled_headers(sandbox, paid, shop, name):
    header = f'Wechatpay-{name}'
    assert send_defect(sandbox, paid, shop, f'missing_header:{header}').all(header) == []
    assert len(send_defect(sandbox, paid, shop, f'doubled_header:{header}').all(header)) == 2


def test_old_and_future_timestamps_are_signed_properly(sandbox, paid, shop):
    for defect, sign in (('old_timestamp', -1), ('future_timestamp', 1)):
        message = send_defect(sandbox, paid, shop, defect)
        off = int(message.one('Wechatpay-Timestamp')) - time.time()
        assert off * sign == pytest.approx(600, abs=5)
        assert signer(paid, message)
    notify(sandbox, timestamp_offset=-290)
    off = int(shop.received[-1].one('Wechatpay-Timestamp')) - time.time()
    assert off == pytest.approx(-290, abs=5)


def test_wrong_key(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'wrong_key')
    assert signer(paid, message)
    with pytest.raises(InvalidTag):
        decrypt(paid.data['api_v3_key'], json.loads(message.body)['resource'])


def test_tampered_body(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'tampered_body')
    assert json.loads(message.body)
    assert signer(paid, message) is None


def test_wrong_algorithm(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'wrong_algorithm')
    assert json.loads(message.body)['resource']['algorithm'] != 'AEAD_AES_256_GCM'
    assert signer(paid, message)


def test_garbage_empty_and_huge_bodies_are_signed(sandbox, paid, shop):
    for defect in ('garbage_body', 'empty_body', 'huge_body'):
        assert signer(paid, send_defect(sandbox, paid, shop, defect))
    garbage, empty, huge = (message.body for message in shop.received)
    with pytest.raises(ValueError, match='.'):
        json.loads(garbage)
    assert empty == b''
    assert len(huge) > 2 * 1024 * 1024


def test_wrong_signature_type(sandbox, paid, shop):
    message = send_defect(sandbox, paid, shop, 'wrong_signature_type')
    assert message.one('Wechatpay-Signature-Type') == 'WECHATPAY2-SM2-WITH-SM3'


def test_the_answer_of_the_merchant_is_handed_back_and_kept(sandbox, paid, shop):
    shop.status, shop.body = 500, b'{"code":"FAIL","message":"no"}'
    answer = notify(sandbox)[0]
    assert (answer['status'], json.loads(answer['body'])['code']) == (500, 'FAIL')
    kept = sandbox.get('orders')['orders'][0]['notifications']
    assert [item['status'] for item in kept] == [500]


def test_a_merchant_who_is_away_or_slow_gave_no_answer(sandbox, paid, shop):
    answer = notify(sandbox, url='http://127.0.0.1:9/nobody')[0]
    assert answer['status'] is None and 'no answer' in answer['body']
    shop.delay = 5.3
    answer = notify(sandbox)[0]
    assert answer['status'] is None
    assert answer['seconds'] == pytest.approx(5, abs=0.5)


def test_an_address_given_for_one_notification_is_used_as_it_is(sandbox, paid, shop):
    notify(sandbox, url=f'{shop.url}/elsewhere?db=1')
    assert shop.received[0].target == '/payment/notify/elsewhere?db=1'


def test_an_https_address_is_called_with_tls(sandbox, paid, shop):
    # The shop speaks no TLS: that the handshake fails shows that there was one.
    answer = notify(sandbox, url=shop.url.replace('http:', 'https:'))[0]
    assert answer['status'] is None and 'SSL' in answer['body']
    assert not shop.received


def test_a_redirect_is_not_followed(sandbox, paid, shop):
    shop.status = 302
    assert notify(sandbox)[0]['status'] == 302
    assert len(shop.received) == 1


@pytest.mark.parametrize(('options', 'word'), [
    ({'defect': 'nonsense'}, 'defect'),
    ({'defect': 'missing_header'}, 'defect'),
    ({'signer': 'me'}, 'signer'),
    ({'repeat': 0}, 'repeat'),
    ({'out_trade_no': 'UNKNOWN_1'}, 'UNKNOWN_1'),
    ({'url': 'gopher://x'}, 'url'),
    ({'overrides': []}, 'overrides'),
    ({'nonsense': 1}, 'nonsense'),
])
def test_a_call_that_makes_no_sense_is_explained(sandbox, paid, options, word):
    data = {'mchid': MCHID, 'out_trade_no': 'S00042_1'} | options
    reply = sandbox.call('POST', 'notify', data)
    assert reply.status == 400
    assert word in reply.json()['error']
