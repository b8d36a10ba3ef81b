# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""API v2: unified order, query, close, what is refused (wechat-pay.md B1, B2.1 to B2.3)."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from .merchant import APPID, MCHID, OTHER_APPID, send
from .merchant_v2 import failed, from_xml, sign, succeeded, to_xml

BEIJING = timezone(timedelta(hours=8))
H5 = json.dumps({'h5_info': {'type': 'Wap', 'wap_url': 'https://a.example.com', 'wap_name': 'A'}})


def pay(sandbox, **options):
    return sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False, **options)


def moment(seconds):
    return (datetime.now(BEIJING) + timedelta(seconds=seconds)).strftime('%Y%m%d%H%M%S')


def not_taken(answer, sandbox, words):
    """Check that a request was not processed at all, and that the log says why."""
    assert answer['return_code'] == 'FAIL' and 'result_code' not in answer
    assert words in sandbox.problems()[-1]


# === Orders === #

@pytest.mark.parametrize('sign_type', ['MD5', 'HMAC-SHA256'])
def test_an_order_is_made_paid_and_queried(sandbox, merchant_v2, user, openid, sign_type):
    merchant_v2.use(sign_type)
    made = succeeded(merchant_v2.order(openid, attach='mine', device_info='WEB'))
    assert made['trade_type'] == 'JSAPI'
    assert (made['appid'], made['mch_id']) == (APPID, MCHID)
    unpaid = succeeded(merchant_v2.query())
    assert (unpaid['trade_state'], unpaid['attach']) == ('NOTPAY', 'mine')
    assert 'total_fee' not in unpaid and 'transaction_id' not in unpaid
    done = sandbox.post(
        'request_payment', appid=APPID, user=user['user'], notify=False,
        payment=merchant_v2.payment(made['prepay_id']),
    )
    assert done['errMsg'] == 'requestPayment:ok'
    paid = succeeded(merchant_v2.query())
    assert paid['trade_state'] == 'SUCCESS'
    assert (paid['total_fee'], paid['cash_fee'], paid['fee_type']) == ('990', '990', 'CNY')
    assert (paid['openid'], paid['is_subscribe']) == (openid, 'N')
    assert (paid['transaction_id'], paid['trade_type']) == (done['transaction_id'], 'JSAPI')
    assert len(paid['time_end']) == 14 and paid['device_info'] == 'WEB'
    by_id = merchant_v2.query(None, out_trade_no=None, transaction_id=done['transaction_id'])
    assert by_id['out_trade_no'] == 'S00042_1'


@pytest.mark.parametrize(('change', 'words'), [
    ({'signType': 'HMAC-SHA256'}, 'signType'), ({'signType': 'RSA'}, 'signType'),
    ({'timeStamp': '1767322446'}, 'paySign'), ({'paySign': '0' * 32}, 'paySign'),
    ({'package': 'prepay_id=wx1'}, 'prepay_id'),
])
def test_the_client_wants_what_was_signed(sandbox, merchant_v2, user, openid, change, words):
    made = merchant_v2.order(openid)
    payment = merchant_v2.payment(made['prepay_id'], **change)
    done = sandbox.post('request_payment', appid=APPID, user=user['user'], payment=payment)
    assert words in done['errMsg']
    assert merchant_v2.query()['trade_state'] == 'NOTPAY'


def test_native_is_scanned_and_paid(sandbox, merchant_v2, user):
    made = succeeded(merchant_v2.order(None, trade_type='NATIVE', product_id='1'))
    sandbox.post('scan', code_url=made['code_url'], user=user['user'])
    pay(sandbox)
    assert merchant_v2.query()['trade_type'] == 'NATIVE'


def test_h5_opens_in_a_browser(sandbox, merchant_v2):
    made = succeeded(merchant_v2.order(None, trade_type='MWEB', scene_info=H5))
    target = made['mweb_url'].removeprefix(sandbox.base)
    page = send(sandbox.base, 'GET', target, headers=[('Referer', 'https://a.example.com/')])
    assert page.status == 200
    pay(sandbox)
    assert merchant_v2.query()['trade_type'] == 'MWEB'


def test_an_app_pays_with_lower_case_names(sandbox, merchant_v2, user):
    app = 'wx00000000000000aa'
    sandbox.post('apps', appid=app, app_type='mobile')
    merchant_v2.patch(appids=[APPID, app])
    made = succeeded(merchant_v2.order(None, appid=app, trade_type='APP'))
    values = {
        'appid': app, 'partnerid': MCHID, 'prepayid': made['prepay_id'], 'package': 'Sign=WXPay',
        'noncestr': 'n', 'timestamp': '1767322445',
    }
    payment = {
        'appId': app, 'partnerId': MCHID, 'prepayId': made['prepay_id'],
        'packageValue': 'Sign=WXPay', 'nonceStr': 'n', 'timeStamp': '1767322445',
    }
    for signature, message in (('0' * 32, 'sign is wrong'),
                               (sign(values, merchant_v2.data['api_v2_key']), 'ok')):
        done = sandbox.post(
            'request_payment', appid=app, user=user['user'], notify=False,
            payment=payment | {'sign': signature},
        )
        assert message in done['errMsg']


def test_an_order_is_in_one_book_with_those_of_v3(sandbox, merchant, merchant_v2, openid):
    merchant_v2.order(openid)
    assert merchant.query().json()['amount'] == {'total': 990, 'currency': 'CNY'}
    assert merchant.order(openid).json()['code'] == 'OUT_TRADE_NO_USED'
    merchant.order(openid, out_trade_no='S00043_1')
    assert merchant_v2.query('S00043_1')['trade_state'] == 'NOTPAY'
    failed(merchant_v2.order(openid, out_trade_no='S00043_1'), 'OUT_TRADE_NO_USED')
    pay(sandbox)
    assert merchant.query().json()['trade_state'] == 'SUCCESS'


def test_the_same_order_again_gives_a_prepay_id_again(sandbox, merchant_v2, openid):
    first, second = merchant_v2.order(openid), merchant_v2.order(openid)
    assert succeeded(first)['prepay_id'] != succeeded(second)['prepay_id']
    assert len(sandbox.get('orders')['orders']) == 1
    failed(merchant_v2.order(openid, total_fee='991'), 'OUT_TRADE_NO_USED')
    assert 'total_fee' in sandbox.problems()[-1]


def test_a_paid_and_a_closed_number_cannot_be_ordered_again(sandbox, merchant_v2, openid):
    merchant_v2.order(openid)
    pay(sandbox)
    failed(merchant_v2.order(openid), 'ORDERPAID')
    merchant_v2.order(openid, out_trade_no='S00043_1')
    sandbox.post('settings', v2_close_after=0)
    succeeded(merchant_v2.close('S00043_1'))
    failed(merchant_v2.order(openid, out_trade_no='S00043_1'), 'ORDERCLOSED')


@pytest.mark.parametrize(('changes', 'code', 'name'), [
    ({'body': None}, 'LACK_PARAMS', 'body'),
    ({'openid': None}, 'LACK_PARAMS', 'openid'),
    ({'total_fee': None}, 'LACK_PARAMS', 'total_fee'),
    ({'notify_url': None}, 'LACK_PARAMS', 'notify_url'),
    ({'trade_type': None}, 'LACK_PARAMS', 'trade_type'),
    ({'spbill_create_ip': None}, 'LACK_PARAMS', 'spbill_create_ip'),
    ({'appid': None}, 'LACK_PARAMS', 'appid'),
    ({'trade_type': 'NATIVE'}, 'LACK_PARAMS', 'product_id'),
    ({'unknown': '1'}, 'INVALID_REQUEST', 'unknown'),
    ({'auth_code': '134567890123456789'}, 'INVALID_REQUEST', 'auth_code'),
    ({'body': '苹' * 43}, 'PARAM_ERROR', 'body'),
    ({'attach': 'x' * 128}, 'PARAM_ERROR', 'attach'),
    ({'total_fee': '0'}, 'PARAM_ERROR', 'total_fee'),
    ({'total_fee': '9.9'}, 'PARAM_ERROR', 'total_fee'),
    ({'total_fee': '-1'}, 'PARAM_ERROR', 'total_fee'),
    ({'total_fee': '0990'}, 'PARAM_ERROR', 'total_fee'),
    ({'fee_type': 'USD'}, 'PARAM_ERROR', 'fee_type'),
    ({'out_trade_no': 'INV/2026/1'}, 'PARAM_ERROR', 'out_trade_no'),
    ({'out_trade_no': 'S42'}, 'PARAM_ERROR', 'out_trade_no'),
    ({'trade_type': 'H5'}, 'PARAM_ERROR', 'trade_type'),
    ({'spbill_create_ip': 'here'}, 'PARAM_ERROR', 'spbill_create_ip'),
    ({'notify_url': 'https://shop.example.com/x?db=1'}, 'PARAM_ERROR', 'notify_url'),
    ({'notify_url': 'http://shop.example.com/x'}, 'PARAM_ERROR', 'notify_url'),
    ({'time_expire': '2040-01-01'}, 'PARAM_ERROR', 'time_expire'),
    ({'time_expire': '20400230000000'}, 'PARAM_ERROR', 'time_expire'),
    ({'time_expire': '20200101000000'}, 'INVALID_REQUEST', 'time_expire'),
    ({'detail': 'x'}, 'PARAM_ERROR', 'detail'),
    ({'limit_pay': 'no_debit'}, 'PARAM_ERROR', 'limit_pay'),
    ({'openid': 'oForeign'}, 'PARAM_ERROR', 'openid'),
    ({'trade_type': 'MWEB', 'scene_info': None}, 'PARAM_ERROR', 'scene_info'),
    ({'trade_type': 'MWEB', 'scene_info': H5, 'spbill_create_ip': '127.0.0.1'}, 'PARAM_ERROR',
     'spbill_create_ip'),
    ({'sub_mch_id': '1900000109'}, 'NOAUTH', 'service provider'),
    ({'trade_type': 'APP', 'openid': None}, 'INVALID_REQUEST', 'miniprogram'),
])
def test_a_wrong_parameter_is_named(sandbox, merchant_v2, openid, changes, code, name):
    failed(merchant_v2.order(openid, **changes), code)
    assert name in sandbox.problems()[-1]
    assert not sandbox.get('orders')['orders']


def test_appids_must_exist_and_be_bound(sandbox, merchant_v2, openid):
    failed(merchant_v2.order(openid, appid='wx1'), 'APPID_NOT_EXIST')
    merchant_v2.patch(appids=[OTHER_APPID])
    failed(merchant_v2.order(openid), 'APPID_MCHID_NOT_MATCH')


def test_a_product_that_is_not_enabled(merchant_v2, openid):
    merchant_v2.patch(products=[])
    failed(merchant_v2.order(openid), 'NOAUTH')
    failed(merchant_v2.pay_by_code('134567890123456789'), 'NOAUTH')


def test_an_order_can_be_paid_until_its_time_expire(sandbox, merchant_v2, openid):
    succeeded(merchant_v2.order(openid, time_expire=moment(120)))
    sandbox.clock(130)
    data = {'mchid': MCHID, 'out_trade_no': 'S00042_1'}
    assert b'time_expire' in sandbox.call('POST', 'pay', data).body


def test_an_empty_parameter_counts_as_none(sandbox, merchant_v2, openid):
    succeeded(merchant_v2.order(openid, attach=''))
    assert sandbox.problems() == ["warning: attach is empty: leave it out"]


# === What is not even taken === #

@pytest.mark.parametrize(('body', 'words'), [
    (b'', 'POST_DATA_EMPTY'), (b'\xff\xfe', 'NOT_UTF8'), (b'{}', 'XML_FORMAT_ERROR'),
    (b'<xml>', 'XML_FORMAT_ERROR'), (b'<root><a>1</a></root>', 'XML_FORMAT_ERROR'),
    (b'<xml><a>1</a><a>1</a></xml>', 'XML_FORMAT_ERROR'),
    (b'<xml><a><b>1</b></a></xml>', 'XML_FORMAT_ERROR'),
    (b'<xml a="1"><a x="1">1</a></xml>', 'XML_FORMAT_ERROR'),
    (b'<!DOCTYPE xml [<!ENTITY e "x">]><xml><a>&e;</a></xml>', 'XML_FORMAT_ERROR'),
    (b'<xml><a>1</a></xml>', 'no merchant'),
])
def test_a_body_that_is_not_what_it_must_be(sandbox, merchant_v2, body, words):
    not_taken(merchant_v2.send('/pay/orderquery', body), sandbox, words)


def test_only_post_is_taken_and_everything_is_200(sandbox):
    reply = send(sandbox.base, 'GET', '/pay/orderquery')
    assert reply.status == 200 and from_xml(reply.body)['return_code'] == 'FAIL'
    assert reply.one('Content-Type').startswith('text/plain')


@pytest.mark.parametrize(('change', 'words'), [
    ({'sign': '0' * 32}, 'does not belong'), ({'sign': ''}, 'sign is missing'),
    ({'out_trade_no': 'S00042_2'}, 'does not belong'), ({'extra': '1'}, 'does not belong'),
    ({'nonce_str': ''}, 'nonce_str'), ({'mch_id': '1900000888'}, 'no merchant'),
    ({'sign_type': 'HMAC-SHA256'}, 'sign_type is HMAC-SHA256, not MD5'),
])
def test_what_was_changed_after_signing_is_refused(sandbox, merchant_v2, change, words):
    values = merchant_v2.signed({'out_trade_no': 'S00042_1'}) | change
    not_taken(merchant_v2.send('/pay/orderquery', to_xml(values.items())), sandbox, words)


def test_a_doubled_element_is_refused_though_one_of_them_is_signed(sandbox, merchant_v2):
    pairs = list(merchant_v2.signed({'out_trade_no': 'S00042_1'}).items())
    answer = merchant_v2.send('/pay/orderquery', to_xml([*pairs, ('out_trade_no', 'S00042_1')]))
    not_taken(answer, sandbox, 'out_trade_no is given twice')


@pytest.mark.parametrize(('chosen', 'used'), [('MD5', 'HMAC-SHA256'), ('HMAC-SHA256', 'MD5')])
def test_only_the_merchants_own_type_of_signature_is_taken(sandbox, merchant_v2, chosen, used):
    merchant_v2.patch(v2_sign_type=chosen)
    not_taken(merchant_v2.call('/pay/orderquery', used, out_trade_no='S00042_1'), sandbox, used)


def test_another_key_signs_nothing(sandbox, merchant_v2):
    merchant_v2.patch(api_v2_key='0' * 32)
    not_taken(merchant_v2.query(), sandbox, 'does not belong')


# === Query and close === #

def test_a_query_names_one_number(sandbox, merchant_v2, openid):
    failed(merchant_v2.query(), 'ORDERNOTEXIST')
    failed(merchant_v2.query(transaction_id='4200'), 'INVALID_REQUEST')
    failed(merchant_v2.call('/pay/orderquery'), 'INVALID_REQUEST')
    failed(merchant_v2.query(None, transaction_id='4200'), 'ORDERNOTEXIST')


def test_an_order_is_closed_after_five_minutes_and_once(sandbox, merchant_v2, openid):
    failed(merchant_v2.close(), 'ORDERNOTEXIST')
    merchant_v2.order(openid)
    failed(merchant_v2.close(), 'TRADE_STATE_ERROR')
    sandbox.clock(301)
    succeeded(merchant_v2.close())
    failed(merchant_v2.close(), 'ORDERCLOSED')
    assert merchant_v2.query()['trade_state'] == 'CLOSED'


def test_a_paid_order_is_not_closed(sandbox, merchant_v2, openid):
    merchant_v2.order(openid)
    pay(sandbox)
    failed(merchant_v2.close(), 'ORDERPAID')


# === Faults === #

def spoilt(sandbox, merchant_v2, **fault):
    """The raw answer to a query under a fault."""
    sandbox.post('faults', path='/pay/orderquery', **fault)
    body = to_xml(merchant_v2.signed({'out_trade_no': 'S00042_1'}).items())
    return from_xml(send(sandbox.base, 'POST', '/pay/orderquery', body).body)


def test_a_fault_can_be_any_err_code_properly_signed(sandbox, merchant_v2, openid):
    sandbox.post('faults', path='unifiedorder', action='err_code')
    failed(merchant_v2.order(openid), 'SYSTEMERROR')
    assert not sandbox.get('orders')['orders']
    sandbox.post(
        'faults', path='unifiedorder', action='err_code', err_code='BANKERROR', processed=True,
    )
    failed(merchant_v2.order(openid), 'BANKERROR')
    assert len(sandbox.get('orders')['orders']) == 1


def test_a_fault_answers_requests_that_no_answer_could_be_signed_for(sandbox, merchant_v2):
    sandbox.post('faults', path='orderquery', action='err_code', times=None)
    assert merchant_v2.send('/pay/orderquery', b'no xml')['return_code'] == 'FAIL'
    assert merchant_v2.query(mch_id='1900000888')['return_code'] == 'FAIL'
    failed(merchant_v2.query(sign_type=None), 'SYSTEMERROR')
    values = merchant_v2.signed({'out_trade_no': 'S00042_1'}) | {'sign_type': 'RSA'}
    answer = merchant_v2.send('/pay/orderquery', to_xml(values.items()))
    failed(merchant_v2.checked(answer), 'SYSTEMERROR')


@pytest.mark.parametrize('fault', [
    {'action': 'wrong_signature'}, {'action': 'tampered'},
    {'action': 'tampered', 'overrides': {'trade_state': 'SUCCESS'}},
])
def test_an_answer_can_be_signed_wrongly_or_changed(sandbox, merchant_v2, openid, fault):
    merchant_v2.order(openid)
    answer = spoilt(sandbox, merchant_v2, **fault)
    assert answer['return_code'] == 'SUCCESS'
    assert answer['sign'] != sign(answer, merchant_v2.data['api_v2_key'])


def test_an_answer_can_lack_its_sign_or_be_signed_in_the_other_way(sandbox, merchant_v2, openid):
    merchant_v2.order(openid)
    assert 'sign' not in spoilt(sandbox, merchant_v2, action='unsigned')
    answer = spoilt(sandbox, merchant_v2, action='wrong_signature', defect='other_sign_type')
    assert answer['sign'] == sign(answer, merchant_v2.data['api_v2_key'], 'HMAC-SHA256')


def test_signs_are_masked_in_the_log(sandbox, merchant_v2):
    merchant_v2.query()
    entry = sandbox.get('requests')['requests'][-1]
    assert entry['route'] == '/pay/orderquery'
    assert '<sign>***</sign>' in entry['body'] and '<sign>***</sign>' in entry['answer']
