# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Red packets and transfers: answers read strictly, the one list that XML may hold (A9)."""

from datetime import datetime

import pytest

from tests.protocol.loader import load

load('wechat_payment')
load('wechat_payment_operations')

from wechat_payment_operations_protocol import payout_errors, red_packets, transfers  # noqa: E402
from wechat_payment_protocol import v2_xml  # noqa: E402

SHARE = '<hbinfo><openid>oA</openid><amount>100</amount><rcv_time>2026-11-21 20:00:00</rcv_time>'
PACKET = {
    'mch_billno': '1', 'mch_id': '2', 'status': 'SENT', 'total_amount': '100', 'total_num': '1',
}
TRANSFER = {'out_bill_no': 'T1', 'transfer_bill_no': '133', 'state': 'SUCCESS'}


def parse(inner, lists=red_packets.LISTS):
    return v2_xml.parse(f'<xml>{inner}</xml>'.encode(), lists=lists)


# === The list in XML === #

def test_a_list_is_read_where_the_caller_expects_it():
    text = f'<a>1</a><hblist>{SHARE}</hbinfo>{SHARE}</hbinfo></hblist><b><![CDATA[2]]></b>'
    share = {'openid': 'oA', 'amount': '100', 'rcv_time': '2026-11-21 20:00:00'}
    assert parse(text) == {'a': '1', 'hblist': [share, share], 'b': '2'}


def test_an_empty_list_is_none():
    assert parse('<a>1</a><hblist>\n</hblist>') == {'a': '1'}


def test_an_empty_element_of_an_item_is_left_out():
    assert parse('<hblist><hbinfo><a></a><b>1</b></hbinfo></hblist>') == {'hblist': [{'b': '1'}]}


@pytest.mark.parametrize('text', [
    '<hblist>text</hblist>',
    '<hblist><other><a>1</a></other></hblist>',
    '<hblist><hbinfo>text</hbinfo></hblist>',
    '<hblist><hbinfo><a>1</a><a>2</a></hbinfo></hblist>',
    '<hblist><hbinfo><a><b>1</b></a></hbinfo></hblist>',
    '<hblist><hbinfo><hblist><hbinfo><a>1</a></hbinfo></hblist></hbinfo></hblist>',
    '<hblist><hbinfo><a>1</a></hbinfo></hblist><hblist><hbinfo><a>1</a></hbinfo></hblist>',
    '<hblist><hbinfo><a>1</a></hbinfo></hblist><hblist></hblist>',
    '<hblist></hblist><hblist></hblist>',
    '<hblist x="1"><hbinfo><a>1</a></hbinfo></hblist>',
    '<hblist><hbinfo x="1"><a>1</a></hbinfo></hblist>',
    '<a><hblist><hbinfo><b>1</b></hbinfo></hblist></a>',
    '<hbinfo><a>1</a></hbinfo>',
])
def test_any_other_nesting_is_refused(text):
    with pytest.raises(v2_xml.V2XmlError):
        parse(text)


@pytest.mark.parametrize('lists', [None, {}])
def test_without_being_expected_a_list_is_refused(lists):
    with pytest.raises(v2_xml.V2XmlError):
        parse(f'<hblist>{SHARE}</hbinfo></hblist>', lists)


# === Red packets === #

def test_a_red_packet_is_read():
    packet = red_packets.read_red_packet(PACKET | {'hblist': [
        {'openid': 'oA', 'amount': '60', 'rcv_time': '2026-11-21 20:00:00'},
        {'openid': 'oB', 'amount': '40', 'rcv_time': 'later'},
    ], 'refund_amount': '0', 'reason': 'x'})
    assert (packet['total_amount'], packet['total_num'], packet['refund_amount']) == (100, 1, 0)
    assert packet['received'][0]['rcv_time'] == datetime(2026, 11, 21, 20)
    assert packet['received'][1] == {'openid': 'oB', 'amount': 40, 'rcv_time': None}


@pytest.mark.parametrize('changes', [
    {'mch_billno': ''}, {'mch_id': None}, {'status': 'LOST'}, {'status': None},
    {'total_amount': '1.00'}, {'total_amount': '-1'}, {'total_amount': '٣'},
    {'total_num': None}, {'refund_amount': 'x'}, {'hblist': [{'amount': '1'}]},
    {'hblist': [{'openid': 'oA'}]}, {'hblist': [{'openid': 'oA', 'amount': '1,5'}]},
])
def test_a_red_packet_that_cannot_be_read(changes):
    message = {name: value for name, value in (PACKET | changes).items() if value is not None}
    with pytest.raises(red_packets.RedPacketError):
        red_packets.read_red_packet(message)


# === Transfers === #

def test_a_transfer_is_read_under_both_names_of_the_merchant():
    for name in ('mch_id', 'mchid'):
        assert transfers.read_transfer(TRANSFER | {name: '19'})['mch_id'] == '19'
    with pytest.raises(transfers.TransferError):
        transfers.read_transfer(TRANSFER | {'mch_id': '19', 'mchid': '20'})


@pytest.mark.parametrize('changes', [
    {'out_bill_no': None}, {'out_bill_no': 1}, {'transfer_bill_no': ''}, {'state': 'NEW'},
    {'state': ['SUCCESS']}, {'transfer_amount': '1'}, {'transfer_amount': True},
    {'transfer_amount': 1.0}, {'openid': 1}, {'mch_id': 1}, {'package_info': {}},
])
def test_a_transfer_that_cannot_be_read(changes):
    content = {name: value for name, value in (TRANSFER | changes).items() if value is not None}
    with pytest.raises(transfers.TransferError):
        transfers.read_transfer(content)


# === Codes === #

def test_nothing_that_is_open_or_unknown_counts_as_failed():
    for code in ('SYSTEMERROR', 'PROCESSING', 'FREQ_LIMIT', 'NEVER_HEARD_OF', ''):
        assert payout_errors.get_red_packet_advice(code).kind == 'open'
    for status, code in (
        (500, 'SYSTEM_ERROR'), (500, 'NOT_ENOUGH'), (502, ''), (429, 'NOT_ENOUGH'), (202, ''),
        (400, 'NEVER_HEARD_OF'), (403, ''),
    ):
        assert payout_errors.get_transfer_advice(status, code).kind == 'open'


def test_every_code_has_words_in_both_languages():
    for codes in (
        payout_errors.RED_PACKET_CODES, payout_errors.TRANSFER_CODES, payout_errors.FAIL_REASONS,
    ):
        for advice in codes.values():
            assert advice.en.isascii() or '▸' in advice.en
            assert not advice.zh.isascii()
            assert advice.kind in ('open', 'again', 'final')
