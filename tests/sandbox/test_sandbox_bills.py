# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills of API v3: what they say of the orders taken, and how they are fetched (A8)."""

import gzip
import hashlib
import http.client
import json
import ssl
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import urlencode, urlsplit

import pytest

from .merchant import MCHID, Merchant

BEIJING = timezone(timedelta(hours=8))
DAY = 86400


def day(ago=1):
    """A Beijing day so many days ago."""
    return (datetime.now(BEIJING) - timedelta(days=ago)).strftime('%Y-%m-%d')


def request_bill(merchant, bill_date=None, kind='tradebill', **values):
    query = urlencode({'bill_date': bill_date or day(), **values})
    return merchant.call('GET', f'/v3/bill/{kind}?{query}')


def fetch(merchant, url, **options):
    parts = urlsplit(url)
    return merchant.call('GET', f'{parts.path}?{parts.query}', **options)


def read(content):
    """Take a bill apart: (rows, summary), each a dict by column name."""
    lines = content.decode('utf-8-sig').splitlines()
    columns, totals = lines[0].split(','), lines[-2].split(',')
    rows = [dict(zip(columns, _cells(line, columns), strict=True)) for line in lines[1:-2]]
    return rows, dict(zip(totals, _cells(lines[-1], totals), strict=True))


def _cells(line, columns):
    cells = line.split(',')
    assert len(cells) == len(columns) and all(cell[0] == '`' for cell in cells), line
    return [cell[1:] for cell in cells]


def bill(merchant, *arguments, **values):
    """Fetch a bill whole, its hash checked."""
    answer = request_bill(merchant, *arguments, **values)
    assert answer.status == 200, answer.body
    assert merchant.signed_by(answer)
    data = answer.json()
    assert data['hash_type'] == 'SHA1'
    reply = fetch(merchant, data['download_url'])
    assert reply.status == 200 and reply.one('Wechatpay-Signature') is None
    content = gzip.decompress(reply.body) if values.get('tar_type') else reply.body
    assert hashlib.sha1(content).hexdigest() == data['hash_value']
    return read(content)


@pytest.fixture
def billed(sandbox, paid):
    """The merchant whose paid order of 9.90 yuan is of yesterday, whose bill is ready."""
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    return paid


def test_a_payment_stands_in_the_bill_of_its_day(sandbox, billed, openid):
    (row,), summary = bill(billed)
    order, = sandbox.get('orders')['orders']
    assert row['交易时间'][:10] == day()
    assert (row['商户号'], row['特约商户号'], row['公众账号ID']) == (
        MCHID, '0', 'wx0000000000000002')
    assert (row['商户订单号'], row['微信订单号']) == ('S00042_1', order['transaction_id'])
    assert (row['交易类型'], row['交易状态'], row['用户标识']) == ('JSAPI', 'SUCCESS', openid)
    assert (row['订单金额'], row['应结订单金额'], row['退款金额']) == ('9.90', '9.90', '0.00')
    assert (row['手续费'], row['费率']) == ('0.06000', '0.60%')
    assert row['商品名称'] == '示例商店-订单 S00042'
    assert summary == {
        '总交易单数': '1', '应结订单总金额': '9.90', '退款总金额': '0.00',
        '充值券退款总金额': '0.00', '手续费总金额': '0.06000', '订单总金额': '9.90',
        '申请退款总金额': '0.00',
    }


def test_a_refund_is_a_line_with_its_part_of_the_fee(sandbox, paid):
    paid.refund(495, out_refund_no='R00042_1')
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    rows, summary = bill(paid)
    assert [row['交易状态'] for row in rows] == ['SUCCESS', 'REFUND']
    row = rows[1]
    assert (row['商户退款单号'], row['退款金额'], row['退款状态']) == (
        'R00042_1', '4.95', 'PROCESSING')
    assert (row['订单金额'], row['应结订单金额'], row['申请退款金额']) == ('0.00', '0.00', '4.95')
    assert row['手续费'] == '-0.03000' and summary['手续费总金额'] == '0.03000'
    assert summary['退款总金额'] == '4.95' and summary['总交易单数'] == '2'


def test_what_becomes_of_a_refund_later_does_not_change_the_bill(sandbox, paid):
    paid.refund()
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    assert bill(paid)[0][1]['退款状态'] == 'PROCESSING'
    sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status='SUCCESS', notify=False)
    assert bill(paid)[0][1]['退款状态'] == 'PROCESSING'


@pytest.mark.parametrize(('status', 'word'), [
    ('SUCCESS', 'SUCCESS'), ('ABNORMAL', 'CHANGE'), ('CLOSED', 'FAIL'),
])
def test_the_state_of_a_refund_has_the_words_of_bills(sandbox, paid, status, word):
    paid.refund()
    sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status=status, notify=False)
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    row = bill(paid)[0][1]
    assert row['退款状态'] == word
    assert row['手续费'] == ('0.00000' if word == 'FAIL' else '-0.06000')


def test_each_type_has_its_lines_and_columns(sandbox, paid):
    paid.refund()
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    everything, payments, refunds = (
        bill(paid, bill_type=name)[0] for name in ('ALL', 'SUCCESS', 'REFUND'))
    assert [len(rows) for rows in (everything, payments, refunds)] == [2, 1, 1]
    assert len(everything[0]) == 27
    assert '商户退款单号' not in payments[0] and '订单金额' in payments[0]
    assert '退款申请时间' in refunds[0] and '退款申请时间' not in everything[0]


def test_a_gzip_file_is_hashed_as_it_is_when_unpacked(billed):
    assert bill(billed, tar_type='GZIP') == bill(billed)


def test_a_coupon_lowers_what_is_settled_and_not_the_order(sandbox, billed):
    sandbox.post('coupon', mchid=MCHID, out_trade_no='S00042_1', amount=490)
    (row,), _summary = bill(billed)
    assert (row['订单金额'], row['应结订单金额'], row['代金券金额']) == ('9.90', '5.00', '4.90')
    assert row['手续费'] == '0.03000'
    amount = billed.query().json()['amount']
    assert (amount['total'], amount['payer_total']) == (990, 500)
    billed.refund(495)
    sandbox.post('set_time', mchid=MCHID, out_refund_no='R00042_1', time=f'{day()}T23:59:59+08:00')
    row = bill(billed)[0][1]
    assert (row['退款金额'], row['申请退款金额'], row['手续费']) == ('2.50', '4.95', '-0.02000')


def test_commas_and_line_ends_in_a_name_do_not_break_the_line(sandbox, merchant, openid):
    merchant.order(openid, description='苹果,梨', attach='a,b')
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    (row,), _summary = bill(merchant)
    assert (row['商品名称'], row['商户数据包']) == ('苹果\\ 梨', 'a\\ b')


def test_the_fee_follows_the_rate(sandbox, billed):
    sandbox.post('money_settings', fee_rate=0.0038)
    (row,), _summary = bill(billed)
    assert (row['手续费'], row['费率']) == ('0.04000', '0.38%')


def test_a_byte_order_mark_and_line_feeds_on_demand(sandbox, billed):
    plain = fetch(billed, request_bill(billed).json()['download_url']).body
    assert plain.startswith('交易时间'.encode()) and plain.count(b'\r\n') == plain.count(b'\n') == 4
    sandbox.post('money_settings', bill_bom=True, bill_newline='LF')
    changed = fetch(billed, request_bill(billed).json()['download_url']).body
    assert changed == b'\xef\xbb\xbf' + plain.replace(b'\r\n', b'\n')


def test_a_payment_belongs_to_the_beijing_day_of_its_payment(sandbox, paid):
    sandbox.post('money_settings', bill_ready_hour=0)
    for moment, ago in ((f'{day(2)}T23:59:59+08:00', 2), (f'{day(1)}T00:00:00+08:00', 1)):
        sandbox.post('set_time', mchid=MCHID, out_trade_no='S00042_1', time=moment)
        assert len(bill(paid, day(ago))[0]) == 1
        other = request_bill(paid, day(3 - ago))
        assert (other.status, other.json()['code']) == (400, 'NO_STATEMENT_EXIST')


def test_a_reversed_payment_by_code_has_two_lines(sandbox, merchant_v2, merchant):
    code = sandbox.post('payment_code')['code']
    merchant_v2.pay_by_code(code)
    sandbox.post('settings', reverse_after=0)
    assert merchant_v2.reverse()['recall'] == 'N'
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    rows, summary = bill(merchant)
    assert [row['交易状态'] for row in rows] == ['SUCCESS', 'REVOKED']
    assert rows[0]['交易类型'] == 'MICROPAY'
    assert (rows[1]['商户退款单号'], rows[1]['退款金额']) == ('C00042_1', '9.90')
    assert Decimal(summary['手续费总金额']) == 0


def test_an_order_that_is_not_paid_is_in_no_bill(sandbox, merchant, openid):
    merchant.order(openid)
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    assert request_bill(merchant).json()['code'] == 'NO_STATEMENT_EXIST'


def test_a_bill_is_not_ready_before_its_hour(sandbox, billed):
    sandbox.post('money_settings', bill_ready_hour=24)
    answer = request_bill(billed)
    assert (answer.status, answer.json()['code']) == (400, 'STATEMENT_CREATING')
    assert request_bill(billed, day(2)).json()['code'] == 'NO_STATEMENT_EXIST'


def test_the_hour_is_that_of_the_clock_in_beijing(sandbox, billed):
    def pay_on(ago):
        moment = f'{day(ago)}T12:00:00+08:00'
        sandbox.post('set_time', mchid=MCHID, out_trade_no='S00042_1', time=moment)

    midnight = datetime.now(BEIJING).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    sandbox.post('money_settings', bill_ready_hour=10)
    for hour, status in ((9.9, 400), (10.1, 200)):
        offset = (midnight + timedelta(hours=hour) - datetime.now(BEIJING)).total_seconds()
        sandbox.clock(offset)
        billed.offset = offset
        assert request_bill(billed, day(1)).status == 200
        pay_on(0)
        assert request_bill(billed, day(0)).status == status
        pay_on(1)


@pytest.mark.parametrize(('values', 'code', 'field'), [
    ({'bill_date': day(0)}, 'INVALID_REQUEST', None),
    ({'bill_date': day(-1)}, 'INVALID_REQUEST', None),
    ({'bill_date': day(95)}, 'INVALID_REQUEST', None),
    ({'bill_date': day(85)}, 'NO_STATEMENT_EXIST', None),
    ({'bill_date': '20260102'}, 'PARAM_ERROR', 'bill_date'),
    ({'bill_date': '2026-13-02'}, 'PARAM_ERROR', 'bill_date'),
    ({'bill_type': 'EVERYTHING'}, 'PARAM_ERROR', 'bill_type'),
    ({'tar_type': 'ZIP'}, 'PARAM_ERROR', 'tar_type'),
    ({'sub_mchid': '1900000555'}, 'PARAM_ERROR', 'sub_mchid'),
    ({'account_type': 'BASIC'}, 'PARAM_ERROR', 'account_type'),
])
def test_a_bill_that_cannot_be_asked_for(merchant, values, code, field):
    answer = request_bill(merchant, **values)
    assert answer.status == 400
    assert answer.json()['code'] == code
    assert answer.json().get('detail', {}).get('field') == field


def test_a_file_is_for_the_merchant_who_asked_for_it(sandbox, billed):
    url = request_bill(billed).json()['download_url']
    sandbox.post('merchants', mchid='1900000888', appids=[])
    data = next(
        item for item in sandbox.get('world')['merchants'] if item['mchid'] == '1900000888')
    other = fetch(Merchant(sandbox, data), url)
    assert (other.status, other.json()['code']) == (403, 'NO_AUTH')
    unsigned = fetch(billed, url, drop=['Authorization'])
    assert unsigned.status == 401
    assert fetch(billed, url).status == 200


def test_a_file_is_there_for_five_minutes(sandbox, billed):
    url = request_bill(billed).json()['download_url']
    sandbox.clock(290)
    billed.offset = 290
    assert fetch(billed, url).status == 200
    sandbox.clock(310)
    billed.offset = 310
    late = fetch(billed, url)
    assert (late.status, late.json()['code']) == (400, 'INVALID_REQUEST')
    assert fetch(billed, url + 'x').status == 400


def test_the_file_is_on_the_address_that_was_asked(sandbox, billed):
    url = request_bill(billed).json()['download_url']
    assert url.startswith(sandbox.base + '/')
    world = sandbox.get('world')
    target = f'/v3/bill/tradebill?bill_date={day()}'
    context = ssl.create_default_context(cadata=world['tls_ca_certificate'])
    connection = http.client.HTTPSConnection(
        urlsplit(world['tls_url']).netloc, timeout=15, context=context)
    connection.request('GET', target, headers={
        'Authorization': billed.authorization('GET', target, b''),
        'Accept': 'application/json', 'User-Agent': 'tests/1',
    })
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer['download_url'].startswith(world['tls_url'] + '/')
