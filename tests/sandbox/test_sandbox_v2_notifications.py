# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""v2 notifications of payments and refunds, right and spoilt (wechat-pay.md B3)."""

import time

import pytest

from .merchant import APPID, MCHID
from .merchant_v2 import decrypted, from_xml, open_req_info, sign

REPLY = b'<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>'


@pytest.fixture
def told(shop):
    """A shop that answers notifications as v2 wants it."""
    shop.status, shop.body = 200, REPLY
    return shop


def tell(sandbox, **options):
    return sandbox.post('notify', mchid=MCHID, out_trade_no='S00042_1', **options)


@pytest.mark.parametrize('sign_type', ['MD5', 'HMAC-SHA256'])
def test_a_payment_is_told_in_signed_xml(sandbox, merchant_v2, openid, told, sign_type):
    merchant_v2.use(sign_type)
    merchant_v2.order(openid, notify_url=told.url, attach='a&b=c')
    paid = sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    assert paid['notification']['status'] == 200
    message = told.received[0]
    assert message.one('Content-Type') == 'text/xml' and not message.one('Wechatpay-Signature')
    data = from_xml(message.body)
    assert data['sign'] == sign(data, merchant_v2.data['api_v2_key'], sign_type)
    assert data.get('sign_type') == (None if sign_type == 'MD5' else sign_type)
    assert (data['return_code'], data['result_code']) == ('SUCCESS', 'SUCCESS')
    assert (data['appid'], data['mch_id'], data['openid']) == (APPID, MCHID, openid)
    assert (data['total_fee'], data['attach']) == ('990', 'a&b=c')
    assert data['transaction_id'] == paid['transaction_id']
    assert sandbox.get('orders')['orders'][0]['notifications'][0]['version'] == 2


def test_repetitions_are_signed_afresh_unless_identical(sandbox, merchant_v2, openid, told):
    merchant_v2.order(openid, notify_url=told.url)
    tell(sandbox, repeat=3)
    assert len({item.body for item in told.received}) == 3
    tell(sandbox, repeat=3, identical=True)
    assert len({item.body for item in told.received[3:]}) == 1


def test_overrides_are_signed_and_the_envelope_is_not(sandbox, merchant_v2, openid, told):
    merchant_v2.order(openid, notify_url=told.url)
    key = merchant_v2.data['api_v2_key']
    tell(sandbox, overrides={'total_fee': '1', 'attach': None, 'new': 'x'})
    data = from_xml(told.received[-1].body)
    assert (data['total_fee'], data['new']) == ('1', 'x') and data['sign'] == sign(data, key)
    tell(sandbox, envelope={'total_fee': '1'})
    data = from_xml(told.received[-1].body)
    assert data['total_fee'] == '1' and data['sign'] != sign(data, key)


@pytest.mark.parametrize('defect', ['bad_signature', 'tampered_body', 'extra_element'])
def test_a_sign_can_be_wrong(sandbox, merchant_v2, openid, told, defect):
    merchant_v2.order(openid, notify_url=told.url)
    tell(sandbox, defect=defect)
    data = from_xml(told.received[0].body)
    assert data['sign'] != sign(data, merchant_v2.data['api_v2_key'])


def test_a_sign_can_be_missing_or_of_the_other_type(sandbox, merchant_v2, openid, told):
    merchant_v2.use('HMAC-SHA256')
    merchant_v2.order(openid, notify_url=told.url)
    tell(sandbox, defect='missing_sign')
    assert 'sign' not in from_xml(told.received[-1].body)
    tell(sandbox, defect='other_sign_type')
    data = from_xml(told.received[-1].body)
    assert data['sign'] == sign(data, merchant_v2.data['api_v2_key'], 'MD5')
    assert 'sign_type' not in data


def test_an_empty_element_leaves_the_sign_right(sandbox, merchant_v2, openid, told):
    merchant_v2.order(openid, notify_url=told.url)
    tell(sandbox, defect='empty_element')
    data = from_xml(told.received[0].body)
    assert data['coupon_fee'] == '' and data['sign'] == sign(data, merchant_v2.data['api_v2_key'])


@pytest.mark.parametrize(('defect', 'part'), [
    ('doubled_element', b'<return_code>SUCCESS</return_code></xml>'),
    ('nested_element', b'<extra><extra>'), ('entity_bomb', b'<!ENTITY c'),
    ('external_entity', b'SYSTEM'), ('garbage_body', b'<html>'), ('huge_body', b'x' * 2097152),
    ('empty_body', b''),
])
def test_a_body_can_be_hostile(sandbox, merchant_v2, openid, told, defect, part):
    merchant_v2.order(openid, notify_url=told.url)
    tell(sandbox, defect=defect)
    assert part in told.received[0].body
    assert bool(told.received[0].body) == (defect != 'empty_body')


def test_defects_of_v3_and_of_refunds_are_none_of_a_payment(sandbox, merchant_v2, openid, told):
    merchant_v2.order(openid, notify_url=told.url)
    for defect in ('signtest', 'wrong_key', 'bad_padding', 'nonsense'):
        data = {'mchid': MCHID, 'out_trade_no': 'S00042_1', 'defect': defect}
        assert sandbox.call('POST', 'notify', data).status == 400


# === Refunds === #

@pytest.fixture
def refunded(sandbox, merchant_v2, openid, told):
    merchant_v2.order(openid)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    merchant_v2.refund('400', notify_url=told.url)
    return merchant_v2


@pytest.mark.parametrize(('status', 'shown'), [
    ('SUCCESS', 'SUCCESS'), ('ABNORMAL', 'CHANGE'), ('CLOSED', 'REFUNDCLOSE'),
])
def test_a_refund_is_told_encrypted_and_unsigned(sandbox, refunded, told, status, shown):
    sandbox.post('refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status=status)
    data = from_xml(told.received[0].body)
    assert set(data) == {'return_code', 'appid', 'mch_id', 'nonce_str', 'req_info'}
    inner = open_req_info(data['req_info'], refunded.data['api_v2_key'])
    assert (inner['refund_status'], inner['refund_fee']) == (shown, '400')
    assert (inner['out_refund_no'], inner['out_trade_no']) == ('R00042_1', 'S00042_1')
    assert bool(inner['success_time']) == (status == 'SUCCESS')


def test_an_accepted_refund_can_finish_by_itself(sandbox, merchant_v2, openid, told):
    sandbox.post('settings', auto_refund=True)
    merchant_v2.order(openid)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    merchant_v2.refund(notify_url=told.url)
    limit = time.monotonic() + 5
    while not told.received and time.monotonic() < limit:
        time.sleep(0.05)
    assert merchant_v2.query_refund()['refund_status_0'] == 'SUCCESS'
    assert b'req_info' in told.received[0].body


def tell_refund(sandbox, **options):
    return sandbox.post('notify', mchid=MCHID, out_refund_no='R00042_1', **options)


def sealed(sandbox, refunded, told, defect):
    """The plaintext of a spoilt req_info, its padding still there."""
    tell_refund(sandbox, defect=defect)
    req_info = from_xml(told.received[-1].body)['req_info']
    return decrypted(req_info, refunded.data['api_v2_key'])


def test_req_info_can_be_spoilt(sandbox, refunded, told):
    assert b'<root>' not in sealed(sandbox, refunded, told, 'wrong_key')
    assert sealed(sandbox, refunded, told, 'bad_padding')[-1] == 17
    assert sealed(sandbox, refunded, told, 'sealed_entity_bomb').startswith(b'<!DOCTYPE')


def test_what_a_refund_says_can_be_forged(sandbox, refunded, told):
    tell_refund(sandbox, overrides={'refund_fee': '990'})
    inner = open_req_info(
        from_xml(told.received[0].body)['req_info'], refunded.data['api_v2_key'],
    )
    assert inner['refund_fee'] == '990'
    assert refunded.query_refund()['refund_fee_0'] == '400'


def test_a_refund_has_no_sign_to_spoil(sandbox, refunded):
    data = {'mchid': MCHID, 'out_refund_no': 'R00042_1', 'defect': 'missing_sign'}
    assert sandbox.call('POST', 'notify', data).status == 400
