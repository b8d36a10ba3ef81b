# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Payment codes of v2 and v3: pay, password, reverse (wechat-pay.md A5, B2.6, B2.7)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .merchant import APPID, MCHID
from .merchant_v2 import failed, succeeded
from .test_sandbox_signature import refused

CODEPAY = '/v3/pay/transactions/codepay'
REVERSE = '/v3/pay/transactions/out-trade-no/C00042_1/reverse'


def show(sandbox, user, **options):
    return sandbox.post('payment_code', user=user['user'], **options)['code']


def enter(sandbox, **options):
    return sandbox.post('payment_password', mchid=MCHID, out_trade_no='C00042_1', **options)


def codepay(merchant, code, **changes):
    body = {
        'appid': APPID, 'mchid': MCHID, 'description': '柜台', 'out_trade_no': 'C00042_1',
        'amount': {'total': 990, 'currency': 'CNY'}, 'payer': {'auth_code': code},
        'scene_info': {'store_info': {'id': '1'}},
    } | changes
    return merchant.call('POST', CODEPAY, body)


# === The code === #

def test_a_code_has_18_digits_and_stays_for_a_minute(sandbox, user):
    code = show(sandbox, user)
    assert len(code) == 18 and code.isdecimal() and 10 <= int(code[:2]) <= 15
    assert show(sandbox, user) == code
    assert show(sandbox, sandbox.post('users')) != code
    sandbox.clock(60)
    assert show(sandbox, user) != code


def test_a_used_code_is_replaced(sandbox, merchant_v2, user):
    code = show(sandbox, user)
    merchant_v2.pay_by_code(code)
    assert show(sandbox, user) != code


# === v2 === #

@pytest.mark.parametrize('sign_type', ['MD5', 'HMAC-SHA256'])
def test_a_payment_by_code_is_paid_at_once(sandbox, merchant_v2, user, openid, sign_type):
    merchant_v2.use(sign_type)
    paid = succeeded(merchant_v2.pay_by_code(show(sandbox, user), attach='till 1'))
    assert (paid['trade_type'], paid['total_fee'], paid['openid']) == ('MICROPAY', '990', openid)
    assert paid['attach'] == 'till 1' and paid['transaction_id'] and paid['time_end']
    state = merchant_v2.query('C00042_1')
    assert (state['trade_state'], state['transaction_id']) == ('SUCCESS', paid['transaction_id'])
    order = sandbox.get('orders')['orders'][0]
    assert order['notifications'] == [] and order['notify_url'] is None


@pytest.mark.parametrize('code', [
    '13456789012345678', '1345678901234567890', '163456789012345678', '13456789012345678X', '1',
])
def test_what_is_no_code_makes_no_order(sandbox, merchant_v2, code):
    failed(merchant_v2.pay_by_code(code), 'AUTH_CODE_INVALID')
    failed(merchant_v2.query('C00042_1'), 'ORDERNOTEXIST')


def test_a_code_that_nobody_showed(merchant_v2):
    failed(merchant_v2.pay_by_code('134567890123456789'), 'AUTH_CODE_INVALID')
    assert merchant_v2.query('C00042_1')['trade_state'] == 'PAYERROR'


def test_a_code_expires_after_a_minute(sandbox, merchant_v2, user):
    code = show(sandbox, user)
    sandbox.clock(61)
    failed(merchant_v2.pay_by_code(code), 'AUTHCODEEXPIRE')


def test_a_code_pays_once(sandbox, merchant_v2, user):
    code = show(sandbox, user)
    succeeded(merchant_v2.pay_by_code(code))
    failed(merchant_v2.pay_by_code(code, out_trade_no='C00043_1'), 'AUTH_CODE_ERROR')
    assert merchant_v2.query('C00043_1')['trade_state'] == 'PAYERROR'


def test_two_tills_that_scan_one_code_at_once_are_paid_once(sandbox, merchant_v2, user):
    code = show(sandbox, user)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda index: merchant_v2.pay_by_code(code, out_trade_no=f'C0004{index}_1'), range(8),
        ))
    paid = [item for item in answers if item['result_code'] == 'SUCCESS']
    assert len(paid) == 1
    assert {item['err_code'] for item in answers if item not in paid} == {'AUTH_CODE_ERROR'}


def test_a_number_is_used_once(sandbox, merchant_v2, user):
    failed(merchant_v2.pay_by_code('134567890123456789'), 'AUTH_CODE_INVALID')
    failed(merchant_v2.pay_by_code(show(sandbox, user)), 'OUT_TRADE_NO_USED')
    succeeded(merchant_v2.pay_by_code(show(sandbox, user), out_trade_no='C00043_1'))
    failed(merchant_v2.pay_by_code(show(sandbox, user), out_trade_no='C00043_1'), 'ORDERPAID')


@pytest.mark.parametrize('code', ['NOTENOUGH', 'NOTSUPORTCARD', 'BUYER_MISMATCH', 'TRADE_ERROR'])
def test_a_payment_can_be_told_to_fail(sandbox, merchant_v2, user, code):
    failed(merchant_v2.pay_by_code(show(sandbox, user, failure=code)), code)
    assert merchant_v2.query('C00042_1')['trade_state'] == 'PAYERROR'


@pytest.mark.parametrize('field', ['notify_url', 'openid', 'trade_type'])
def test_a_payment_by_code_has_no_fields_of_an_order(merchant_v2, field):
    failed(merchant_v2.pay_by_code('134567890123456789', **{field: 'x'}), 'INVALID_REQUEST')


def test_a_password_is_waited_for(sandbox, merchant_v2, user):
    failed(merchant_v2.pay_by_code(show(sandbox, user, password=True)), 'USERPAYING')
    state = merchant_v2.query('C00042_1')
    assert state['trade_state'] == 'USERPAYING' and 'total_fee' not in state
    assert enter(sandbox)['trade_state'] == 'SUCCESS'
    assert merchant_v2.query('C00042_1')['trade_state'] == 'SUCCESS'
    data = {'mchid': MCHID, 'out_trade_no': 'C00042_1'}
    assert sandbox.call('POST', 'payment_password', data).status == 400


def test_a_password_can_be_refused(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user, password=True))
    assert enter(sandbox, entered=False)['trade_state'] == 'PAYERROR'


def test_more_than_1000_yuan_want_the_password(sandbox, merchant_v2, user):
    failed(merchant_v2.pay_by_code(show(sandbox, user), total_fee='100001'), 'USERPAYING')
    succeeded(merchant_v2.pay_by_code(
        show(sandbox, user), total_fee='100000', out_trade_no='C00043_1',
    ))


def test_a_prompt_that_never_ends_is_reversed(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user, password=True))
    sandbox.clock(86400)
    assert merchant_v2.query('C00042_1')['trade_state'] == 'USERPAYING'
    assert succeeded(merchant_v2.reverse())['recall'] == 'N'
    assert merchant_v2.query('C00042_1')['trade_state'] == 'REVOKED'
    data = {'mchid': MCHID, 'out_trade_no': 'C00042_1'}
    assert sandbox.call('POST', 'payment_password', data).status == 400


def test_an_unknown_result_is_known_to_the_query(sandbox, merchant_v2, user):
    sandbox.post('faults', path='micropay', action='err_code', processed=True)
    failed(merchant_v2.pay_by_code(show(sandbox, user)), 'SYSTEMERROR')
    assert merchant_v2.query('C00042_1')['trade_state'] == 'SUCCESS'


# === Reverse === #

def test_a_paid_order_is_reversed_and_stays_so(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user))
    sandbox.clock(16)
    for _index in range(2):
        assert succeeded(merchant_v2.reverse())['recall'] == 'N'
    state = merchant_v2.query('C00042_1')
    assert state['trade_state'] == 'REVOKED' and 'transaction_id' not in state
    failed(merchant_v2.pay_by_code(show(sandbox, user)), 'ORDERREVERSED')
    failed(merchant_v2.refund(out_trade_no='C00042_1'), 'ORDERNOTEXIST')


def test_a_reversal_within_15_seconds_must_be_called_again(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user))
    assert failed(merchant_v2.reverse(), 'INVALID_REQUEST')['recall'] == 'Y'
    assert merchant_v2.query('C00042_1')['trade_state'] == 'SUCCESS'


def test_a_reversal_says_recall_as_often_as_it_is_told(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user))
    sandbox.post('settings', reverse_after=0, reverse_recalls=2)
    for _index in range(2):
        assert failed(merchant_v2.reverse(), 'SYSTEMERROR')['recall'] == 'Y'
        assert merchant_v2.query('C00042_1')['trade_state'] == 'SUCCESS'
    assert succeeded(merchant_v2.reverse())['recall'] == 'N'


def test_what_cannot_be_reversed(sandbox, merchant_v2, user, openid):
    failed(merchant_v2.reverse(), 'ORDERNOTEXIST')
    failed(merchant_v2.reverse(None, out_trade_no=None, transaction_id='4200'),
           'INVALID_TRANSACTIONID')
    sandbox.post('settings', reverse_after=0)
    merchant_v2.order(openid)
    assert failed(merchant_v2.reverse('S00042_1'), 'TRADE_ERROR')['recall'] == 'N'
    merchant_v2.pay_by_code(show(sandbox, user))
    succeeded(merchant_v2.refund('1', out_trade_no='C00042_1'))
    failed(merchant_v2.reverse(), 'TRADE_ERROR')
    merchant_v2.pay_by_code(show(sandbox, user), out_trade_no='C00043_1')
    sandbox.clock(8 * 86400)
    failed(merchant_v2.reverse('C00043_1'), 'REVERSE_EXPIRE')


def test_a_payment_by_code_is_not_closed_or_paid_otherwise(sandbox, merchant, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user, password=True))
    sandbox.clock(301)
    merchant.offset = 301
    failed(merchant_v2.close('C00042_1'), 'TRADE_STATE_ERROR')
    assert merchant.close('C00042_1').one('Request-ID').endswith('-268449641')
    data = {'mchid': MCHID, 'out_trade_no': 'C00042_1'}
    assert b'payment code' in sandbox.call('POST', 'pay', data).body


def test_a_payment_by_code_is_refunded(sandbox, merchant_v2, user):
    merchant_v2.pay_by_code(show(sandbox, user))
    succeeded(merchant_v2.refund(out_trade_no='C00042_1'))
    assert merchant_v2.query_refund()['refund_status_0'] == 'PROCESSING'


def test_the_code_is_masked_in_the_log(sandbox, merchant_v2, user):
    code = show(sandbox, user)
    merchant_v2.pay_by_code(code)
    assert code not in sandbox.get('requests')['requests'][-1]['body']


# === v3 === #

@pytest.fixture
def permitted(sandbox, merchant):
    """A merchant who may use v3's codepay."""
    products = [*merchant.data['products'], 'CODEPAY']
    sandbox.call('PATCH', f'merchants/{MCHID}', {'products': products})
    return merchant


def test_v3_wants_a_permission(sandbox, merchant, user):
    refused(codepay(merchant, show(sandbox, user)), 403, 'NO_AUTH')


def test_v3_pays_at_once(sandbox, permitted, user, openid):
    data = codepay(permitted, show(sandbox, user)).json()
    assert (data['trade_state'], data['trade_type']) == ('SUCCESS', 'MICROPAY')
    assert data['payer'] == {'openid': openid} and data['amount']['total'] == 990
    assert permitted.query('C00042_1').json() == data


def test_v3_waits_for_a_password_and_reverses(sandbox, permitted, user):
    answer = codepay(permitted, show(sandbox, user, password=True))
    assert (answer.status, answer.json()['trade_state']) == (200, 'USERPAYING')
    body = {'appid': APPID, 'mchid': MCHID}
    refused(permitted.call('POST', REVERSE, body), 400, 'INVALID_REQUEST')
    sandbox.post('settings', reverse_after=0, reverse_recalls=1)
    refused(permitted.call('POST', REVERSE, body), 500, 'SYSTEM_ERROR')
    assert permitted.call('POST', REVERSE, body).json() == body | {'out_trade_no': 'C00042_1'}
    assert permitted.query('C00042_1').json()['trade_state'] == 'REVOKED'


@pytest.mark.parametrize(('changes', 'status', 'code'), [
    ({'payer': {'auth_code': '13456789012345678'}}, 400, 'AUTH_CODE_INVALID'),
    ({'payer': {'auth_code': 134567890123456789}}, 400, 'PARAM_ERROR'),
    ({'notify_url': 'https://shop.example.com/x'}, 400, 'PARAM_ERROR'),
    ({'scene_info': {'store_info': {}}}, 400, 'PARAM_ERROR'),
    ({'scene_info': {'store_info': {'id': '1', 'out_id': '1'}}}, 400, 'PARAM_ERROR'),
    ({'amount': {'total': 0}}, 400, 'PARAM_ERROR'),
    ({'mchid': '1900000888'}, 400, 'PARAM_ERROR'),
    ({'appid': 'wx1'}, 400, 'APPID_MCHID_NOT_MATCH'),
])
def test_v3_refuses_what_is_wrong(sandbox, permitted, user, changes, status, code):
    refused(codepay(permitted, show(sandbox, user), **changes), status, code)
    assert not sandbox.get('orders')['orders']


def test_v3_takes_a_code_and_a_number_once(sandbox, permitted, user):
    code = show(sandbox, user)
    assert codepay(permitted, code).status == 200
    refused(codepay(permitted, code, out_trade_no='C00043_1'), 400, 'AUTH_CODE_ERROR')
    refused(codepay(permitted, show(sandbox, user)), 400, 'ORDERPAID')
    refused(codepay(permitted, show(sandbox, user), out_trade_no='C00043_1'), 403,
            'OUT_TRADE_NO_USED')


def test_v3_reverses_only_what_is_there(permitted):
    body = {'appid': APPID, 'mchid': MCHID}
    refused(permitted.call('POST', REVERSE, body), 404, 'ORDER_NOT_EXIST')
    refused(permitted.call('POST', REVERSE, {'mchid': MCHID}), 400, 'PARAM_ERROR')
