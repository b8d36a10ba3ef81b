# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Refunds and comments of API v2, read strictly."""

from datetime import datetime

import pytest

from tests.protocol.loader import load

load('wechat_payment')

from wechat_payment_protocol import v2_comments, v2_refunds  # noqa: E402

BODY = {
    'out_trade_no': 'S00042-1', 'out_refund_no': 'R-1', 'reason': "破损",
    'notify_url': 'https://shop.example.com/notify',
    'amount': {'refund': 100, 'total': 990, 'currency': 'CNY'},
}
ACCEPTED = {
    'mch_id': '1900000001', 'transaction_id': '42', 'out_trade_no': 'S00042-1',
    'out_refund_no': 'R-1', 'refund_id': '50', 'refund_fee': '100', 'total_fee': '990',
}


def _answer(*rows, **changes):
    columns = {
        f'{name}_{index}': value for index, row in enumerate(rows) for name, value in row.items()
    }
    message = {
        'mch_id': '1900000001', 'transaction_id': '42', 'out_trade_no': 'S00042-1',
        'total_fee': '990', 'refund_count': str(len(rows)), **columns, **changes,
    }
    return {name: value for name, value in message.items() if value is not None}


def _row(number=1, status='SUCCESS', **changes):
    return {
        'out_refund_no': f'R-{number}', 'refund_id': f'50{number}', 'refund_fee': '100',
        'refund_status': status, 'refund_channel': 'ORIGINAL', 'refund_recv_accout': "零钱",
        'refund_success_time': '2026-01-02 11:00:00', **changes,
    }


# === REFUNDS === #

def test_a_refund_is_asked_for_by_the_names_of_v2():
    assert v2_refunds.build_refund(BODY) == {
        'out_trade_no': 'S00042-1', 'out_refund_no': 'R-1', 'total_fee': 990, 'refund_fee': 100,
        'refund_fee_type': 'CNY', 'refund_desc': "破损",
        'notify_url': 'https://shop.example.com/notify',
    }


@pytest.mark.parametrize(('text', 'sent'), [
    (None, None), ('', None), ('\r\n', None), ('a\r\n\x00b', 'a b'), ('x' * 90, 'x' * 80),
    ('\u8336' * 30, '\u8336' * 26), (' a  b ', 'a b'),
])
def test_a_reason_keeps_what_xml_keeps_and_fits(text, sent):
    assert v2_refunds.build_refund({**BODY, 'reason': text}).get('refund_desc') == sent


def test_acceptance_is_processing_whatever_else_it_says():
    refund = v2_refunds.read_accepted_refund({**ACCEPTED, 'refund_status': 'SUCCESS'})
    assert refund == {
        'mchid': '1900000001', 'transaction_id': '42', 'out_trade_no': 'S00042-1',
        'out_refund_no': 'R-1', 'refund_id': '50', 'status': 'PROCESSING',
        'amount': {'total': 990, 'refund': 100, 'currency': 'CNY'},
    }


@pytest.mark.parametrize(('told', 'state'), [
    ('SUCCESS', 'SUCCESS'), ('PROCESSING', 'PROCESSING'), ('REFUNDCLOSE', 'CLOSED'),
    ('CHANGE', 'ABNORMAL'), ('NEW', 'NEW'),
])
def test_states_have_the_names_of_v3(told, state):
    assert v2_refunds.read_refunds(_answer(_row(status=told)))[0]['status'] == state


def test_a_query_tells_every_refund_with_its_own_columns():
    refunds = v2_refunds.read_refunds(_answer(
        _row(1), _row(2, 'PROCESSING', refund_fee='1', refund_success_time=None),
    ))
    assert [r['out_refund_no'] for r in refunds] == ['R-1', 'R-2']
    assert refunds[0] == {
        'mchid': '1900000001', 'transaction_id': '42', 'out_trade_no': 'S00042-1',
        'out_refund_no': 'R-1', 'refund_id': '501', 'status': 'SUCCESS', 'channel': 'ORIGINAL',
        'user_received_account': "零钱", 'success_time': '2026-01-02T11:00:00+08:00',
        'amount': {'total': 990, 'refund': 100, 'currency': 'CNY'},
    }
    assert refunds[1]['amount']['refund'] == 1 and 'success_time' not in refunds[1]


def test_a_service_providers_refund_names_both_merchants():
    refund = v2_refunds.read_refunds(_answer(_row(), sub_mch_id='1900000109'))[0]
    assert (refund['sp_mchid'], refund['sub_mchid']) == ('1900000001', '1900000109')
    assert 'mchid' not in refund


def test_a_currency_that_is_told_is_kept():
    refund = v2_refunds.read_refunds(_answer(_row(), fee_type='USD'))[0]
    assert refund['amount']['currency'] == 'USD'


@pytest.mark.parametrize('changes', [
    {'refund_count': None}, {'refund_count': '2'}, {'refund_count': '21'}, {'refund_count': '-1'},
    {'refund_count': '\u0661'}, {'total_fee': None}, {'total_fee': '9.9'}, {'total_fee': '0990'},
    {'refund_fee_0': '1e2'}, {'refund_fee_0': '+100'}, {'refund_fee_0': ' 100'},
    {'refund_fee_0': '9' * 19}, {'refund_id_0': None}, {'out_refund_no_0': None},
    {'refund_status_0': None},
])
def test_what_is_no_refund_is_refused(changes):
    with pytest.raises(v2_refunds.V2RefundError):
        v2_refunds.read_refunds(_answer(_row(), **changes))


@pytest.mark.parametrize('name', ['refund_id', 'out_refund_no', 'refund_fee', 'total_fee'])
def test_an_acceptance_without_its_numbers_is_refused(name):
    with pytest.raises(v2_refunds.V2RefundError):
        v2_refunds.read_accepted_refund({n: v for n, v in ACCEPTED.items() if n != name})


# === COMMENTS === #

def test_comments_are_read_with_whatever_customers_write():
    page = v2_comments.parse(
        "2\n`2026-01-02 07:00:00,`42a,`5,`好,`喝\n`2026-01-02 07:00:01,`42b,`1,`=1+1\n".encode()
    )
    assert page.next_offset == 2 and not page.unreadable
    assert page.comments == [
        (datetime(2026, 1, 1, 23), '42a', 5, "好,`喝"),
        (datetime(2026, 1, 1, 23, 0, 1), '42b', 1, '=1+1'),
    ]


@pytest.mark.parametrize('line', [
    '`2026-13-02 07:00:00,`42,`5,`x', '`2026-01-02 07:00:00,`42,`6,`x', 'x',
    '`2026-01-02 07:00:00,`4 2,`5,`x', '`2026-01-02 07:00:00,`42,`5',
    '`0001-01-01 00:00:00,`42,`5,`x',
])
def test_a_line_that_is_no_comment_is_counted_and_left_out(line):
    page = v2_comments.parse(f'1\n{line}\n`2026-01-02 07:00:00,`42,`5,`\n'.encode())
    assert (len(page.comments), page.unreadable) == (1, 1)


@pytest.mark.parametrize('body', [b'', b'<html></html>', b'\xff', b'`x\n', b'-1\n', b'1' * 10])
def test_what_is_no_list_of_comments_is_refused(body):
    with pytest.raises(v2_comments.V2CommentsError):
        v2_comments.parse(body)
