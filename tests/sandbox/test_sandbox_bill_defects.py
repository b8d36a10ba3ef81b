# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills with something wrong on demand, of many orders, and of service providers."""

import gzip
import hashlib
import http.client
import time
import zlib

import pytest

from .merchant import MCHID
from .test_sandbox_bills import DAY, bill, billed, day, fetch, request_bill  # noqa: F401 a fixture
from .test_sandbox_fund_flow import flow


@pytest.fixture
def spoil(sandbox):
    def call(*defects, **values):
        return sandbox.post('bill_defects', **{
            'mchid': MCHID, 'bill_date': day(), 'defects': list(defects)} | values)
    return call


@pytest.fixture
def refunded(sandbox, paid):
    """The merchant whose payment and refund are of yesterday."""
    paid.refund(495)
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('age', seconds=DAY)
    return paid


def states(rows):
    return [row['交易状态'] for row in rows]


def test_a_line_is_missing(refunded, spoil):
    spoil({'defect': 'missing_line', 'number': 'S00042_1'})
    rows, summary = bill(refunded)
    assert states(rows) == ['REFUND'] and summary['总交易单数'] == '1'
    spoil({'defect': 'missing_line', 'number': 'R00042_1'})
    assert states(bill(refunded)[0]) == ['SUCCESS']
    spoil()
    assert states(bill(refunded)[0]) == ['SUCCESS', 'REFUND']


def test_a_line_more_is_the_same_each_time(refunded, spoil):
    spoil(
        {'defect': 'extra_line', 'values': {'商户订单号': 'UNKNOWN1'}},
        {'defect': 'other_merchant'},
    )
    rows, summary = bill(refunded)
    assert [row['商户号'] for row in rows] == [MCHID, MCHID, MCHID, '1900009999']
    assert rows[2]['商户订单号'] == 'UNKNOWN1' and rows[2]['订单金额'] == '1.00'
    assert summary['订单总金额'] == '11.90'
    assert bill(refunded)[0] == rows


def test_values_are_changed(refunded, spoil):
    spoil(
        {'defect': 'amount_changed', 'number': 'S00042_1', 'amount': 991},
        {'defect': 'fee_changed', 'number': 'S00042_1', 'fee': '0.10000'},
        {'defect': 'amount_changed', 'number': 'R00042_1', 'amount': 1},
        {'defect': 'state_changed', 'number': 'R00042_1', 'state': 'FAIL'},
        {'defect': 'changed', 'number': 'R00042_1', 'values': {'特约商户号': '1900000555'}},
    )
    (payment, refund), _summary = bill(refunded)
    assert (payment['订单金额'], payment['手续费']) == ('9.91', '0.10000')
    assert (refund['退款金额'], refund['退款状态'], refund['特约商户号']) == (
        '0.01', 'FAIL', '1900000555')
    spoil({'defect': 'state_changed', 'number': 'S00042_1', 'state': 'REVOKED'})
    assert bill(refunded)[0][0]['交易状态'] == 'REVOKED'


def test_a_line_comes_twice(refunded, spoil):
    spoil({'defect': 'duplicate', 'number': 'S00042_1'})
    rows, _summary = bill(refunded)
    assert rows[0] == rows[1] and len(rows) == 3


def test_columns_are_missing_added_or_in_another_order(refunded, spoil):
    spoil({'defect': 'column_missing', 'column': '商户订单号'})
    assert '商户订单号' not in bill(refunded)[0][0]
    spoil({'defect': 'column_added', 'column': '新的列', 'value': 'x'})
    rows, _summary = bill(refunded)
    assert [row['新的列'] for row in rows] == ['x', 'x'] and rows[0]['商户订单号'] == 'S00042_1'
    usual = list(rows[0])
    spoil({'defect': 'columns_reordered'})
    changed = list(bill(refunded)[0][0])
    assert changed[0] == '费率备注'
    assert changed[::-1] == [name for name in usual if name != '新的列']


def test_the_summary_is_missing_or_wrong(refunded, spoil):
    spoil({'defect': 'wrong_summary', 'values': {'手续费总金额': '9.00000'}})
    assert bill(refunded)[1]['手续费总金额'] == '9.00000'
    spoil({'defect': 'no_summary'})
    content = fetch(refunded, request_bill(refunded).json()['download_url']).body.decode()
    assert '总交易单数' not in content and content.count('\n') == 3


def test_the_hash_is_wrong_or_of_the_packed_bytes(refunded, spoil):
    for name, right in (('wrong_hash', False), ('compressed_hash', True)):
        spoil({'defect': name})
        data = request_bill(refunded, tar_type='GZIP').json()
        packed = fetch(refunded, data['download_url']).body
        assert (hashlib.sha1(packed).hexdigest() == data['hash_value']) is right
        assert hashlib.sha1(gzip.decompress(packed)).hexdigest() != data['hash_value']


def test_the_packed_file_is_cut_or_none(refunded, spoil):
    spoil({'defect': 'truncated_gzip'})
    reply = fetch(refunded, request_bill(refunded, tar_type='GZIP').json()['download_url'])
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(reply.body)
    spoil({'defect': 'not_gzip'})
    reply = fetch(refunded, request_bill(refunded, tar_type='GZIP').json()['download_url'])
    assert reply.body.startswith('交易时间'.encode())
    spoil({'defect': 'html'})
    reply = fetch(refunded, request_bill(refunded, tar_type='GZIP').json()['download_url'])
    assert reply.status == 200 and reply.body.startswith(b'<html>')


def test_the_address_is_on_another_host_or_too_old(refunded, spoil):
    spoil({'defect': 'other_host', 'url': 'https://evil.example.com'})
    url = request_bill(refunded).json()['download_url']
    assert url.startswith('https://evil.example.com/v3/billdownload/file?token=')
    spoil({'defect': 'expired'})
    assert fetch(refunded, request_bill(refunded).json()['download_url']).status == 400


def test_the_download_leads_elsewhere(refunded, spoil):
    spoil({'defect': 'redirect', 'url': 'https://evil.example.com/x'})
    reply = fetch(refunded, request_bill(refunded).json()['download_url'])
    assert (reply.status, reply.one('Location')) == (302, 'https://evil.example.com/x')


def test_a_small_file_may_be_large_once_unpacked(refunded, spoil):
    spoil({'defect': 'bomb', 'bytes': 50 * 1024 * 1024})
    reply = fetch(refunded, request_bill(refunded, tar_type='GZIP').json()['download_url'])
    assert len(reply.body) < 200000
    assert len(gzip.decompress(reply.body)) > 50 * 1024 * 1024


def test_the_download_is_slow_or_ends_too_early(refunded, spoil):
    spoil({'defect': 'slow', 'seconds': 0.5})
    began = time.monotonic()
    bill(refunded)
    assert time.monotonic() - began > 0.4
    spoil({'defect': 'interrupted', 'after': 100})
    url = request_bill(refunded).json()['download_url']
    with pytest.raises(http.client.IncompleteRead):
        fetch(refunded, url)
    assert fetch(refunded, url).status == 200


def test_a_fund_flow_bill_can_be_wrong_too(refunded, spoil):
    usual, _summary = flow(refunded)
    spoil(
        {'defect': 'missing_line', 'number': 'S00042_1'},
        {'defect': 'amount_changed', 'number': usual[1]['资金流水单号'], 'amount': 7},
        {'defect': 'extra_line'}, kind='fundflow',
    )
    rows, summary = flow(refunded)
    assert [row['业务类型'] for row in rows] == ['扣除交易手续费', '退款', '退还交易手续费', '交易']
    assert rows[0]['收支金额(元)'] == '0.07' and rows[-1]['业务凭证号'].startswith('EXTRA')
    assert (summary['收入笔数'], summary['支出笔数']) == ('2', '2')
    assert len(bill(refunded)[0]) == 2


@pytest.mark.parametrize(('item', 'word'), [
    ({'defect': 'nonsense'}, 'defect'),
    ({'defect': 'missing_line'}, 'number'),
    ({'defect': 'missing_line', 'number': 1}, 'number'),
    ({'defect': 'missing_line', 'number': '1', 'amount': 1}, 'amount'),
    ({'defect': 'extra_line', 'values': {'订单金额': 1}}, 'values'),
    ({'defect': 'slow', 'seconds': 999}, 'number'),
    ('text', 'defect'),
])
def test_a_defect_that_makes_no_sense_is_explained(sandbox, item, word):
    reply = sandbox.call('POST', 'bill_defects', {
        'mchid': MCHID, 'bill_date': day(), 'defects': [item]})
    assert reply.status == 400 and word in reply.json()['error']


@pytest.mark.parametrize(('path', 'values', 'word'), [
    ('money_settings', {'bill_ready': 1}, 'bill_ready'),
    ('money_settings', {'fee_rate': 1}, 'fee_rate'),
    ('money_settings', {'bill_newline': 'CR'}, 'bill_newline'),
    ('money_settings', {'bill_bom': 1}, 'bill_bom'),
    ('money_settings', {'red_packet_limit': True}, 'red_packet_limit'),
    ('mass_orders', {'count': 0, 'prefix': 'B', 'bill_date': '2026-01-02'}, 'count'),
    ('mass_orders', {'count': 9, 'prefix': 'B' * 30, 'bill_date': '2026-01-02'}, 'prefix'),
    ('mass_orders', {'count': 9, 'prefix': 'B', 'bill_date': '20260102'}, 'bill_date'),
    ('coupon', {'out_trade_no': 'NOTHING', 'amount': 1}, 'order'),
    ('set_time', {'out_trade_no': 'NOTHING', 'time': '2026-01-02T00:00:00+08:00'}, 'NOTHING'),
    ('set_time', {'out_trade_no': 'NOTHING', 'time': 'noon'}, 'time'),
    ('set_time', {'time': '2026-01-02T00:00:00+08:00'}, 'number'),
    ('top_up', {'amount': 0}, 'fen'),
    ('top_up', {'amount': 1, 'account': 'DEPOSIT'}, 'account'),
    ('bill_text', {'bill_date': '2026-01-02', 'kind': 'x'}, 'kind'),
    ('red_packet', {'mch_billno': 'x', 'action': 'receive'}, 'x'),
    ('transfer', {'out_bill_no': 'x', 'action': 'confirm'}, 'x'),
    ('transfer_scenes', {'scenes': {'1000': {}}}, 'infos'),
])
def test_a_control_call_that_makes_no_sense_is_explained(sandbox, path, values, word):
    data = values if path == 'money_settings' else {'mchid': MCHID, **values}
    reply = sandbox.call('POST', path, data)
    assert reply.status == 400 and word in reply.json()['error']


# === Many orders === #

def test_many_orders_follow_their_rule(sandbox, merchant):
    sandbox.post('money_settings', bill_ready_hour=0)
    made = sandbox.post(
        'mass_orders', mchid=MCHID, bill_date=day(), count=10, prefix='B', total=100, spread=3,
        refund_every=5)
    assert (made['first'], made['last'], made['total']) == ('B0000000', 'B0000009', 1009)
    rows, summary = bill(merchant)
    payments = [row for row in rows if row['交易状态'] == 'SUCCESS']
    assert [row['商户订单号'] for row in payments] == [f'B{index:07d}' for index in range(10)]
    assert [row['订单金额'] for row in payments[:4]] == ['1.00', '1.01', '1.02', '1.00']
    assert payments[3]['微信订单号'] == f"{made['transaction_prefix']}{3:010d}"
    assert len(payments[3]['微信订单号']) == 28
    refunds = [row for row in rows if row['交易状态'] == 'REFUND']
    assert [row['商户退款单号'] for row in refunds] == ['B0000000R', 'B0000005R']
    assert summary['总交易单数'] == '12'
    assert [row['交易时间'] for row in rows] == sorted(row['交易时间'] for row in rows)
    assert len(flow(merchant)[0]) == 24


def test_one_of_many_orders_can_be_asked_for_and_refunded(sandbox, merchant):
    sandbox.post('money_settings', bill_ready_hour=0)
    made = sandbox.post(
        'mass_orders', mchid=MCHID, bill_date=day(), count=10, prefix='B', refund_every=5)
    before, _summary = bill(merchant)
    order = merchant.query('B0000003').json()
    assert (order['trade_state'], order['amount']['total']) == ('SUCCESS', 100)
    assert order['transaction_id'] == f"{made['transaction_prefix']}{3:010d}"
    assert merchant.query_refund('B0000005R').json()['status'] == 'SUCCESS'
    assert merchant.query('B0000005').json()['trade_state'] == 'REFUND'
    for number in ('B0000010', 'B00000030', 'B0000003R', 'B000003'):
        assert merchant.query(number).status == 404
    assert bill(merchant)[0] == before
    reply = merchant.refund(
        100, out_trade_no='B0000004', amount={'refund': 100, 'total': 100, 'currency': 'CNY'})
    assert reply.status == 200
    assert bill(merchant)[0] == before


def test_a_hundred_thousand_lines_are_made_and_sent_in_seconds(sandbox, merchant):
    sandbox.post('money_settings', bill_ready_hour=0)
    sandbox.post('mass_orders', mchid=MCHID, bill_date=day(), count=100000, prefix='B')
    began = time.monotonic()
    data = request_bill(merchant, tar_type='GZIP').json()
    content = gzip.decompress(fetch(merchant, data['download_url']).body)
    assert hashlib.sha1(content).hexdigest() == data['hash_value']
    assert content.count(b'\n') == 100003
    assert time.monotonic() - began < 60


# === Service providers === #

def test_a_service_provider_gets_all_or_one_sub_merchant(sandbox, merchant):
    subs = [{'mchid': mchid, 'appids': []} for mchid in ('1900000551', '1900000552')]
    sandbox.call('PATCH', f'merchants/{MCHID}', {'sub_merchants': subs})
    sandbox.post('money_settings', bill_ready_hour=0)
    for index, item in enumerate(subs):
        sandbox.post(
            'mass_orders', mchid=MCHID, bill_date=day(), count=index + 1, prefix=f'P{index}',
            sub_mchid=item['mchid'])
    rows, _summary = bill(merchant)
    assert sorted(row['特约商户号'] for row in rows) == ['1900000551', '1900000552', '1900000552']
    rows, _summary = bill(merchant, sub_mchid='1900000552')
    assert len(rows) == 2
    other = request_bill(merchant, sub_mchid='1900000553')
    assert (other.status, other.json()['code']) == (403, 'NO_AUTH')
    assert len(flow(merchant, sub_mchid='1900000551')[0]) == 2
