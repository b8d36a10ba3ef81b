# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wechat_payment_operations/protocol: bills, from the bytes of a download to checked lines."""

import base64
import gzip
import hashlib
import io
import re
from datetime import datetime
from decimal import Decimal

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat_payment_operations')

from wechat_payment_operations_protocol import bill_files, bills  # noqa: E402

VECTOR = next(
    vector for vector in load_vectors('wechat-pay')['vectors'] if vector['family'] == 'bill'
)
PACKED = base64.b64decode(VECTOR['inputs']['gzip_base64'])
PLAIN = gzip.decompress(PACKED)
MCHID = '1900000001'
FUNDFLOW = (
    '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),'
    '资金变更提交申请人,备注,业务凭证号\n'
    '`2026-01-01 10:54:05,`4200000000202601010000000001,`F1,`交易,`交易,`收入,`123.45,`123.45,'
    '`system,`,`S00041_1\n'
    '`2026-01-01 10:54:05,`4200000000202601010000000001,`F2,`交易,`扣除交易手续费,`支出,`0.74,'
    '`122.71,`system,`,`S00041_1\n'
    '`2026-01-01 12:00:00,`0,`F3,`提现,`某种新业务,`支出,`100.00,`22.71,`Mary, the owner,`,`\n'
    '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n'
    '`3,`1,`123.45,`2,`100.74\n'
)


def read(data=PLAIN, bill_type='trade', mchid=MCHID, sub_mchid=None):
    """Return the lines of a file and its reader."""
    if isinstance(data, str):
        data = data.encode()
    reader = bills.BillReader(io.BytesIO(data), bill_type, mchid, sub_mchid)
    return list(reader), reader


def refusal(data, **kwargs):
    """Return why a file is refused."""
    with pytest.raises(bills.BillFormatError) as caught:
        read(data, **kwargs)
    return caught.value


def text(old='', new='', count=-1):
    """Return the sample with a piece replaced."""
    sample = PLAIN.decode()
    assert old in sample
    return sample.replace(old, new, count)


# === LINES ===


def test_the_worked_file_is_read_as_documented():
    expected = VECTOR['expected']
    (first, second), reader = read()
    assert reader.count == expected['details']
    assert first.kind == 'payment'
    assert first.out_trade_no == expected['first']['out_trade_no']
    assert first.transaction_id == expected['first']['transaction_id']
    assert first.amount * 100 == expected['first']['order_amount_fen']
    assert str(first.fee) == expected['first']['fee_yuan']
    assert first.time == datetime(2026, 1, 1, 2, 54, 5)
    assert second.kind == 'refund'
    assert second.out_refund_no == expected['second']['out_refund_no']
    assert second.amount * 100 == -expected['second']['refund_fen']
    assert second.status == expected['second']['refund_status']
    assert second.fee == Decimal('-0.14')
    assert Decimal(reader.summary['订单总金额']) * 100 == expected['summary']['order_total_fen']


def test_lf_and_no_bom_are_read_alike():
    lines, _reader = read(PLAIN.decode().lstrip('\ufeff').replace('\r\n', '\n'))
    assert lines == read()[0]


def test_columns_are_found_by_name_in_any_order_and_number():
    rows = [line.split(',') for line in PLAIN.decode().lstrip('\ufeff').split('\r\n') if line]
    turned = [','.join([*reversed(row), '新列' if number == 0 else '`x'])
              for number, row in enumerate(rows[:3])]
    assert read('\r\n'.join([*turned, *map(','.join, rows[3:])]))[0] == read()[0]


def test_commas_and_backticks_in_names_are_part_of_the_name():
    lines, _reader = read(text('示例商店-订单 S00041', 'Tea, green `best` 茶'))
    assert lines[0].description == 'Tea, green `best` 茶'


def test_a_bill_of_a_day_without_a_line_has_only_sums():
    lines, reader = read(re.sub(r'`2026-01-01 1.*\r\n', '', PLAIN.decode()))
    assert (lines, reader.count) == ([], 0)


def test_movements_of_money_are_signed_and_named():
    (payment, fee, other), reader = read(FUNDFLOW, 'fundflow')
    assert (payment.kind, payment.amount, payment.voucher_no) == (
        'payment', Decimal('123.45'), 'S00041_1')
    assert (fee.kind, fee.amount, fee.flow_no) == ('fee', Decimal('-0.74'), 'F2')
    assert (other.kind, other.business_no, other.voucher_no) == ('other', '', '')
    assert reader.summary['支出金额'] == '100.74'


def test_lines_of_the_sub_merchant_are_read():
    lines, _reader = read(text('`0,`,`4200', '`1900000109,`,`4200'), sub_mchid='1900000109')
    assert len(lines) == 2


# === REFUSALS ===


@pytest.mark.parametrize('name', bills.TRADE_COLUMNS)
def test_a_missing_column_is_named(name):
    data = re.sub(f'(?<=[,\ufeff]){name}(?=,)', f'x{name}', PLAIN.decode(), count=1)
    error = refusal(data)
    assert (error.reason, error.detail) == ('column_missing', name)


@pytest.mark.parametrize(('data', 'reason', 'line_no'), [
    (text(',设备号', ',订单金额', 1), 'column_twice', 1),
    (text(',`JSAPI', '', 1), 'cells', 2),
    (text('`123.45,`0.00,`\r', '`123.45,`0.00,`,`x\r', 1), 'cells', 2),
    (text('`123.45,`0.00,`\r', '`1,234.50,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '``123.45,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '`123.455,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '`1e9,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '`NaN,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '`١٢٣,`0.00,`\r', 1), 'amount', 2),
    (text('`123.45,`0.00,`\r', '`,`0.00,`\r', 1), 'amount', 2),
    (text('2026-01-01 11:05:00', '2026-13-01 11:05:00'), 'time', 3),
    (text('2026-01-01 11:05:00', '2026-01-01'), 'time', 3),
    (text('2026-01-01 11:05:00', '0001-01-01 00:00:00'), 'time', 3),
    (text('`S00041_1_R1', '`'), 'number', 3),
    (text('`S00041_1_R1', '`S 1'), 'number', 3),
    (text('`REFUND', '`WHATEVER'), 'kind', 3),
    (text(f'`{MCHID}', '`1900009999', 1), 'merchant', 2),
    (text('`0,`,`4200', '`1900000109,`,`4200', 1), 'merchant', 2),
    (text('示例商店', '\0', 1), 'encoding', 2),
    (PLAIN.replace('示例'.encode(), b'\xff\xfe', 1), 'encoding', 2),
    (text('示例商店', 'x' * 20000, 1), 'long_line', 2),
    (PLAIN.decode().partition('总交易单数')[0], 'truncated', 0),
    (PLAIN.decode().rpartition('`2,')[0], 'truncated', 4),
    (PLAIN.decode().rpartition(',`23.45')[0], 'truncated', 5),
    (PLAIN.decode() + '`more\r\n', 'after_end', 6),
    (b'', 'header', 1),
    (b'hello', 'header', 1),
])
def test_a_bad_file_is_refused_where_it_is_bad(data, reason, line_no):
    error = refusal(data)
    assert (error.reason, error.line_no) == (reason, line_no)


def test_lines_of_another_or_of_no_sub_merchant_are_refused():
    other = text('`0,`,`4200', '`1900000110,`,`4200')
    assert refusal(other, sub_mchid='1900000109').reason == 'merchant'
    assert refusal(PLAIN, sub_mchid='1900000109').reason == 'merchant'


def test_a_movement_that_neither_comes_nor_goes_is_refused():
    assert refusal(FUNDFLOW.replace('收入,`123', '收,`123'), bill_type='fundflow').reason == 'kind'


def test_an_error_names_no_cell_of_a_customer():
    error = refusal(text('`123.45,`0.00,`\r', '`oSECRETopenid,`0.00,`\r', 1))
    assert 'SECRET' not in f'{error} {error.detail}'


# === DOWNLOADS ===


def receive(data, size=7, hash_value=None, **kwargs):
    """Return the receiver of a download that came in pieces of some bytes, and what it wrote."""
    file = io.BytesIO()
    receiver = bill_files.BillReceiver(file, **kwargs)
    for start in range(0, len(data), size):
        receiver.receive(data[start:start + size])
    receiver.finish(hash_value)
    return receiver, file.getvalue()


def file_refusal(data, **kwargs):
    """Return why a download is refused."""
    with pytest.raises(bill_files.BillFileError) as caught:
        receive(data, **kwargs)
    return caught.value.reason


@pytest.mark.parametrize('size', [1, 7, 100000])
@pytest.mark.parametrize('data', [PACKED, PLAIN], ids=['gzip', 'plain'])
def test_a_download_is_unpacked_and_hashed_as_it_comes(data, size):
    receiver, written = receive(data, size)
    assert written == PLAIN
    assert receiver.sha1 == VECTOR['expected']['sha1_plain']


@pytest.mark.parametrize('name', ['sha1_plain', 'sha1_gzip'])
def test_the_hash_of_the_plain_or_of_the_packed_bytes_is_accepted(name):
    receive(PACKED, hash_value=VECTOR['expected'][name].upper())


@pytest.mark.parametrize('hash_value', [
    '', '0' * 40, 'é' * 40, VECTOR['expected']['sha1_gzip'][1:],
])
def test_another_hash_is_refused(hash_value):
    assert file_refusal(PACKED, hash_value=hash_value) == 'hash'


@pytest.mark.parametrize('end', [10, len(PACKED) // 2, len(PACKED) - 1])
def test_a_truncated_file_is_refused(end):
    assert file_refusal(PACKED[:end]) == 'truncated'


@pytest.mark.parametrize('data', [
    PACKED + b'x', PACKED + PACKED, PACKED[:40] + b'\0\0\0\0' + PACKED[44:],
    PACKED[:-8] + b'\0' * 8,
], ids=['more', 'twice', 'damaged', 'checksum'])
def test_a_damaged_file_is_refused(data):
    assert file_refusal(data) == 'gzip'


def test_a_bomb_is_refused_before_it_fills_anything():
    bomb = gzip.compress(b'0' * 50_000_000)
    file = io.BytesIO()
    receiver = bill_files.BillReceiver(file, max_bytes=1_000_000)
    with pytest.raises(bill_files.BillFileError) as caught:
        receiver.receive(bomb)
    assert caught.value.reason == 'too_large'
    assert file.tell() <= 1_000_000


@pytest.mark.parametrize('data', [b'', gzip.compress(b'')], ids=['nothing', 'empty'])
def test_an_empty_download_is_refused(data):
    assert file_refusal(data, hash_value=hashlib.sha1(b'').hexdigest()) == 'empty'


def test_a_message_is_kept_and_not_taken_for_a_bill():
    message = b'<xml><return_code>FAIL</return_code></xml>'
    receiver, written = receive(message)
    assert (receiver.message, written) == (message, b'')


def test_a_message_without_end_is_refused():
    assert file_refusal(b'<' + b'x' * 100000, size=4096) == 'too_large'
