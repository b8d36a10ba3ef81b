# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills of API v2: the file itself, or XML that says why there is none (wechat-pay.md B2.8)."""

import gzip

import pytest

from .merchant import MCHID, send
from .merchant_v2 import from_xml, send_tls, to_xml
from .test_sandbox_bills import DAY, billed, day, read  # noqa: F401 a fixture

YESTERDAY = day().replace('-', '')


def download(merchant, **values):
    """:return: the body of the answer (bytes)."""
    body = to_xml(merchant.signed({
        'bill_date': YESTERDAY, 'bill_type': 'ALL'} | values).items())
    reply = send(
        merchant.sandbox.base, 'POST', '/pay/downloadbill', body, [('Content-Type', 'text/xml')])
    assert reply.status == 200
    return reply.body


def download_flow(merchant, sign_type='HMAC-SHA256', certificate=..., **values):
    body = to_xml(merchant.signed({
        'bill_date': YESTERDAY, 'account_type': 'Basic'} | values, sign_type).items())
    reply = send_tls(
        merchant.world['tls_url'], '/pay/downloadfundflow', body,
        merchant.world['tls_ca_certificate'],
        merchant.certificate if certificate is ... else certificate)
    assert reply.status == 200
    return reply.body


def refused(content):
    """:return: (return_msg, error_code) of an unsigned failure."""
    assert content.startswith(b'<xml>'), content[:200]
    answer = from_xml(content)
    assert set(answer) == {'return_code', 'return_msg', 'error_code'}
    assert answer['return_code'] == 'FAIL'
    return answer['return_msg'], answer['error_code']


@pytest.mark.parametrize('sign_type', ['MD5', 'HMAC-SHA256'])
def test_a_bill_holds_the_payments_of_both_versions(
        sandbox, merchant_v2, billed, openid, sign_type):  # noqa: F811
    merchant_v2.use(sign_type)
    merchant_v2.order(openid, out_trade_no='V00042_1')
    sandbox.post('pay', mchid=MCHID, out_trade_no='V00042_1', notify=False)
    sandbox.post('set_time', mchid=MCHID, out_trade_no='V00042_1', time=f'{day()}T00:00:00+08:00')
    rows, summary = read(download(merchant_v2))
    assert [row['商户订单号'] for row in rows] == ['V00042_1', 'S00042_1']
    assert summary['总交易单数'] == '2'
    assert read(gzip.decompress(download(merchant_v2, tar_type='GZIP'))) == (rows, summary)


def test_no_bill_and_no_bill_yet_are_told_apart(sandbox, merchant_v2):
    assert refused(download(merchant_v2, bill_date=day(2).replace('-', ''))) == (
        'No Bill Exist', '20002')
    sandbox.post('money_settings', bill_ready_hour=24)
    assert refused(download(merchant_v2)) == ('Bill Creating', '20003')
    assert refused(download_flow(merchant_v2)) == ('Bill Creating', '20003')


@pytest.mark.parametrize('values', [
    {'bill_date': day(0).replace('-', '')}, {'bill_date': day(100).replace('-', '')},
    {'bill_date': day()}, {'bill_date': '20261301'}, {'bill_date': None}, {'tar_type': 'ZIP'},
    {'bill_type': 'NONE'}, {'surplus': '1'}, {'sign': 'A' * 32}, {'appid': 'wx0'},
])
def test_a_bill_that_cannot_be_asked_for(merchant_v2, values):
    message, code = refused(download(merchant_v2, **values))
    assert message and code == '20001'


def test_there_is_no_bill_of_recharged_refunds(merchant_v2, billed):  # noqa: F811
    assert refused(download(merchant_v2, bill_type='RECHARGE_REFUND'))[1] == '20002'


def test_the_fund_flow_wants_the_certificate_and_hmac(merchant_v2, billed):  # noqa: F811
    rows, summary = read(download_flow(merchant_v2))
    assert [row['业务类型'] for row in rows] == ['交易', '扣除交易手续费']
    assert summary['资金流水总笔数'] == '2'
    assert refused(download_flow(merchant_v2, certificate=None))[1] == '20001'
    assert refused(download_flow(merchant_v2, sign_type='MD5'))[1] == '20001'
    assert refused(download_flow(merchant_v2, account_type='BASIC'))[1] == '20001'
    assert refused(download_flow(merchant_v2, account_type='Fees'))[1] == '20002'


def test_defects_and_faults_strike_v2_too(sandbox, merchant_v2, billed):  # noqa: F811
    sandbox.post('bill_defects', mchid=MCHID, bill_date=day(), defects=[
        {'defect': 'missing_line', 'number': 'S00042_1'}])
    assert refused(download(merchant_v2)) == ('No Bill Exist', '20002')
    sandbox.post('bill_defects', mchid=MCHID, bill_date=day(), defects=[])
    sandbox.post('faults', action='err_code', path='downloadbill', err_code='SYSTEMERROR')
    assert refused(download(merchant_v2))[1] == '20001'
    assert read(download(merchant_v2))[1]['总交易单数'] == '1'
