# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""API v2: the client certificate, refunds and their query, comments, reports (B2.4 to B2.9)."""

import ssl
from datetime import datetime, timedelta, timezone

import pytest

from sandbox.keys import Authority, private_pem

from .merchant import APPID, MCHID, send
from .merchant_v2 import failed, sign, succeeded, to_xml

BEIJING = timezone(timedelta(hours=8))


@pytest.fixture
def paid_v2(sandbox, merchant_v2, openid):
    """The merchant of a paid v2 order of 9.90 yuan."""
    merchant_v2.order(openid)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    return merchant_v2


def outcome(sandbox, status='SUCCESS', number='R00042_1'):
    return sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no=number, status=status, notify=False,
    )


# === The certificate === #

@pytest.mark.parametrize('path', [
    '/secapi/pay/refund', '/secapi/pay/reverse', '/billcommentsp/batchquerycomment',
])
def test_a_call_with_money_wants_the_certificate(sandbox, merchant_v2, path):
    sign_type = 'HMAC-SHA256' if path.startswith('/bill') else 'MD5'
    answer = merchant_v2.call(path, sign_type, out_trade_no='S00042_1')
    assert answer['return_code'] == 'FAIL' and '证书' in answer['return_msg']
    answer = merchant_v2.call_with_certificate(path, sign_type, certificate=None)
    assert answer['return_code'] == 'FAIL'
    assert 'no client certificate was sent' in sandbox.problems()[-1]


def test_a_header_proves_no_certificate(sandbox, paid_v2):
    serial = paid_v2.data['merchant_serial']
    values = paid_v2.signed({
        'out_trade_no': 'S00042_1', 'out_refund_no': 'R1', 'total_fee': '990', 'refund_fee': '1',
    })
    reply = send(
        sandbox.base, 'POST', '/secapi/pay/refund', to_xml(values.items()),
        [('X-SSL-Client-Serial', serial), ('Wechatpay-Serial', serial)],
    )
    assert b'FAIL' in reply.body and not sandbox.get('refunds')['refunds']


def test_another_merchants_certificate_is_refused(sandbox, merchant_v2, tmp_path):
    other = sandbox.post('merchants', mchid='1900000888', appids=[APPID])
    path = tmp_path / 'other.pem'
    path.write_text(other['merchant_private_key'] + other['merchant_certificate'])
    answer = merchant_v2.call_with_certificate(
        '/secapi/pay/refund', certificate=path, out_trade_no='S00042_1',
    )
    assert answer['return_code'] == 'FAIL'
    assert "not this merchant's" in sandbox.problems()[-1]


def test_a_certificate_of_nobody_is_refused_by_tls(merchant_v2, tmp_path):
    signer = Authority().certified(MCHID, 1_700_000_000)
    path = tmp_path / 'nobody.pem'
    path.write_text(private_pem(signer.private_key) + signer.certificate)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        merchant_v2.call_with_certificate('/secapi/pay/refund', certificate=path)


def test_an_expired_certificate_is_refused(sandbox, merchant_v2):
    sandbox.clock(6 * 365 * 86400)
    answer = merchant_v2.refund()
    assert answer['return_code'] == 'FAIL'
    assert 'not in force' in sandbox.problems()[-1]


def test_everything_else_works_over_tls_too(merchant_v2, openid):
    succeeded(merchant_v2.call_with_certificate(
        '/pay/unifiedorder', certificate=None, **merchant_v2.order_values(openid),
    ))


# === Refunds === #

@pytest.mark.parametrize('sign_type', ['MD5', 'HMAC-SHA256'])
def test_a_refund_is_accepted_queried_and_done(sandbox, merchant, merchant_v2, openid, sign_type):
    merchant_v2.use(sign_type)
    merchant_v2.order(openid)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    made = succeeded(merchant_v2.refund('400', refund_desc='不合适'))
    assert (made['refund_fee'], made['total_fee'], made['cash_refund_fee']) == ('400', '990', '400')
    row = succeeded(merchant_v2.query_refund())
    assert (row['refund_count'], row['refund_status_0']) == ('1', 'PROCESSING')
    assert row['refund_id_0'] == made['refund_id'] and 'refund_success_time_0' not in row
    outcome(sandbox)
    row = merchant_v2.query_refund(transaction_id=made['transaction_id'])
    assert row['refund_status_0'] == 'SUCCESS' and row['refund_recv_accout_0']
    assert datetime.strptime(row['refund_success_time_0'], '%Y-%m-%d %H:%M:%S')
    assert merchant.query_refund().json()['status'] == 'SUCCESS'
    state = merchant_v2.query()
    assert state['trade_state'] == 'REFUND' and 'total_fee' not in state


@pytest.mark.parametrize(('status', 'shown'), [('ABNORMAL', 'CHANGE'), ('CLOSED', 'REFUNDCLOSE')])
def test_refunds_that_fail_have_their_own_words(sandbox, paid_v2, status, shown):
    paid_v2.refund()
    outcome(sandbox, status)
    assert paid_v2.query_refund()['refund_status_0'] == shown


def test_the_same_refund_again_is_the_same_and_another_under_its_number_is_none(sandbox, paid_v2):
    first, second = paid_v2.refund('400'), paid_v2.refund('400')
    assert first['refund_id'] == second['refund_id']
    failed(paid_v2.refund('401'), 'REFUND_FEE_MISMATCH')
    assert len(sandbox.get('refunds')['refunds']) == 1


@pytest.mark.parametrize(('changes', 'code'), [
    ({'total_fee': '991'}, 'REFUND_FEE_MISMATCH'),
    ({'refund_fee': '991'}, 'ERROR'),
    ({'refund_fee': '0'}, 'PARAM_ERROR'),
    ({'refund_fee': '1.5'}, 'PARAM_ERROR'),
    ({'out_refund_no': None}, 'LACK_PARAMS'),
    ({'out_refund_no': 'R/1'}, 'PARAM_ERROR'),
    ({'out_refund_no': 'R' * 65}, 'PARAM_ERROR'),
    ({'out_trade_no': 'S99999_1'}, 'ORDERNOTEXIST'),
    ({'out_trade_no': None, 'transaction_id': '4200'}, 'INVALID_TRANSACTIONID'),
    ({'transaction_id': '4200'}, 'INVALID_REQUEST'),
    ({'refund_account': 'ELSEWHERE'}, 'PARAM_ERROR'),
    ({'refund_desc': 'x' * 81}, 'PARAM_ERROR'),
    ({'reason': 'x'}, 'INVALID_REQUEST'),
])
def test_a_refund_that_cannot_be(sandbox, paid_v2, changes, code):
    failed(paid_v2.refund(**changes), code)
    assert not sandbox.get('refunds')['refunds']


def test_an_unpaid_order_is_not_refunded(merchant_v2, openid):
    merchant_v2.order(openid)
    failed(merchant_v2.refund(), 'ORDERNOTEXIST')


def test_refunds_want_money_time_and_a_living_account(sandbox, paid_v2, user):
    sandbox.post('funds', mchid=MCHID, balance=100)
    failed(paid_v2.refund('400'), 'NOTENOUGH')
    sandbox.post('funds', mchid=MCHID, balance=None)
    succeeded(paid_v2.refund('400'))
    failed(paid_v2.refund('100', out_refund_no='R2'), 'FREQUENCY_LIMITED')
    sandbox.post('settings', refund_interval=0)
    sandbox.call('PATCH', f"users/{user['user']}", {'account_abnormal': True})
    failed(paid_v2.refund('100', out_refund_no='R2'), 'USER_ACCOUNT_ABNORMAL')
    sandbox.clock(366 * 86400)
    failed(paid_v2.refund('100', out_refund_no='R2'), 'TRADE_OVERDUE')


def test_a_query_of_a_refund_that_does_not_exist(merchant_v2):
    failed(merchant_v2.query_refund(), 'REFUNDNOTEXIST')
    failed(merchant_v2.call('/pay/refundquery'), 'INVALID_REQUEST')


def test_many_refunds_come_in_pages(sandbox, paid_v2):
    sandbox.post('settings', refund_interval=0)
    for index in range(22):
        sandbox.post('console_refund', mchid=MCHID, out_trade_no='S00042_1', amount=index + 1)
    first = paid_v2.query_refund(out_trade_no='S00042_1')
    assert (first['total_refund_count'], first['refund_count']) == ('22', '20')
    rest = paid_v2.query_refund(out_trade_no='S00042_1', offset='20')
    assert (rest['refund_count'], rest['refund_fee_0'], rest['refund_fee_1']) == ('2', '21', '22')


# === Comments and reports === #

def test_comments_come_as_lines(sandbox, paid_v2):
    now = datetime.now(BEIJING)
    times = {
        'begin_time': (now - timedelta(hours=1)).strftime('%Y%m%d%H%M%S'),
        'end_time': (now + timedelta(hours=1)).strftime('%Y%m%d%H%M%S'),
    }
    path = '/billcommentsp/batchquerycomment'
    failed(paid_v2.call_with_certificate(path, 'HMAC-SHA256', offset='0', **times), 'NO_COMMENT')
    made = sandbox.post(
        'comments', mchid=MCHID, out_trade_no='S00042_1', stars=4, comment="很好, 谢谢",
    )
    text = paid_v2.call_with_certificate(path, 'HMAC-SHA256', offset='0', **times)
    lines = text.splitlines()
    assert lines[0] == '1' and len(lines) == 2
    cells = lines[1].split(',')
    assert cells[1:] == [f"`{made['transaction_id']}", '`4', '`很好\\  谢谢']
    answer = paid_v2.call_with_certificate(path, 'MD5', offset='0', **times)
    assert answer['return_code'] == 'FAIL'


def test_a_report_is_taken_and_checked(merchant_v2):
    values = {
        'interface_url': 'https://api.mch.weixin.qq.com/pay/micropay', 'user_ip': '203.0.113.9',
        'trades': '[{"out_trade_no": "C00042_1", "state": "OK"}]',
    }
    succeeded(merchant_v2.call('/payitil/report', **values))
    failed(merchant_v2.call('/payitil/report', **values | {'trades': '{}'}), 'PARAM_ERROR')
    failed(merchant_v2.call('/payitil/report', **values | {'trades': None}), 'LACK_PARAMS')


def test_the_helper_signs_as_documented():
    values = {
        'appid': 'wxd930ea5d5a258f4f', 'mch_id': '10000100', 'device_info': '1000',
        'body': 'test', 'nonce_str': 'ibuaiVcKdpRxkhJA',
    }
    key = '192006250b4c09247ec02edce69f6a2d'
    assert sign(values, key) == '9A0A8659F005D6984697E2CA0A9CF3B7'
