# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fund-flow bills: every fen that came in or went out, with the balance (wechat-pay.md A8)."""

from decimal import Decimal

import pytest

from .merchant import MCHID
from .test_sandbox_bills import DAY, bill, day, request_bill
from .test_sandbox_red_packets import change, fine, sender  # noqa: F401 a fixture
from .test_sandbox_transfers import NUMBER as TRANSFER
from .test_sandbox_transfers import create  # noqa: F401 a fixture


def flow(merchant, *arguments, **values):
    return bill(merchant, *arguments, kind='fundflowbill', **values)


def kinds(rows):
    return [(row['业务类型'], row['收支类型'], row['收支金额(元)']) for row in rows]


@pytest.fixture
def yesterday(sandbox):
    """Make what happened so far yesterday's."""
    sandbox.post('money_settings', bill_ready_hour=0)
    return lambda: sandbox.post('age', seconds=DAY)


def test_a_payment_comes_in_and_its_fee_goes_out(sandbox, paid, yesterday):
    sandbox.post('opening_balance', mchid=MCHID, balance=1000)
    yesterday()
    rows, summary = flow(paid)
    assert kinds(rows) == [('交易', '收入', '9.90'), ('扣除交易手续费', '支出', '0.06')]
    assert [row['账户结余(元)'] for row in rows] == ['19.90', '19.84']
    assert {row['业务凭证号'] for row in rows} == {'S00042_1'}
    transaction_id = sandbox.get('orders')['orders'][0]['transaction_id']
    assert {row['微信支付业务单号'] for row in rows} == {transaction_id}
    assert len({row['资金流水单号'] for row in rows}) == 2
    assert summary == {
        '资金流水总笔数': '2', '收入笔数': '1', '收入金额': '9.90', '支出笔数': '1',
        '支出金额': '0.06',
    }


def test_a_refund_goes_out_and_its_fee_comes_back(paid, yesterday):
    paid.refund()
    yesterday()
    rows, _summary = flow(paid)
    assert kinds(rows)[2:] == [('退款', '支出', '9.90'), ('退还交易手续费', '收入', '0.06')]
    assert {row['业务凭证号'] for row in rows[2:]} == {'R00042_1'}
    assert rows[-1]['账户结余(元)'] == '0.00'


def test_a_refund_that_was_closed_comes_back(sandbox, paid, yesterday):
    paid.refund()
    sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status='CLOSED', notify=False)
    yesterday()
    rows, _summary = flow(paid)
    assert kinds(rows)[-2:] == [
        ('退款失败退回', '收入', '9.90'), ('扣除交易手续费', '支出', '0.06'),
    ]
    assert rows[-1]['账户结余(元)'] == '9.84'


def test_a_reversed_payment_leaves_nothing(sandbox, merchant, merchant_v2, yesterday):
    merchant_v2.pay_by_code(sandbox.post('payment_code')['code'])
    sandbox.post('settings', reverse_after=0)
    merchant_v2.reverse()
    yesterday()
    rows, _summary = flow(merchant)
    assert [row['业务类型'] for row in rows] == ['交易', '扣除交易手续费', '撤销', '退还交易手续费']
    assert rows[-1]['账户结余(元)'] == '0.00'


def test_money_sent_and_what_came_back(sandbox, merchant, sender, create, yesterday):  # noqa: F811
    sandbox.post('top_up', mchid=MCHID, amount=1000)
    fine(sender.send())
    change(sandbox, 'fail')
    create()
    sandbox.post('transfer', mchid=MCHID, out_bill_no=TRANSFER, action='confirm')
    create(out_bill_no='T2', transfer_amount=50)
    sandbox.post('transfer', mchid=MCHID, out_bill_no='T2', action='fail')
    yesterday()
    rows, summary = flow(merchant)
    assert [(row['业务类型'], row['收支金额(元)'], row['业务凭证号']) for row in rows] == [
        ('充值', '10.00', ''),
        ('现金红包', '1.00', sandbox.get('red_packets')['red_packets'][0]['mch_billno']),
        ('现金红包退款', '1.00', sandbox.get('red_packets')['red_packets'][0]['mch_billno']),
        ('商家转账', '1.00', TRANSFER),
        ('商家转账', '0.50', 'T2'),
        ('商家转账退回', '0.50', 'T2'),
    ]
    assert rows[-1]['账户结余(元)'] == '9.00'
    transfer = sandbox.get('transfers')['transfers'][0]
    assert rows[3]['微信支付业务单号'] == transfer['transfer_bill_no']
    assert (summary['收入金额'], summary['支出金额']) == ('11.50', '2.50')


def test_what_comes_back_after_a_day_stands_in_that_day_s_bill(
        sandbox, merchant, sender, yesterday):  # noqa: F811
    fine(sender.send())
    yesterday()
    yesterday()
    assert kinds(flow(merchant, day(2))[0]) == [('现金红包', '支出', '1.00')]
    rows, _summary = flow(merchant, day(1))
    assert kinds(rows) == [('现金红包退款', '收入', '1.00')]
    assert rows[0]['账户结余(元)'] == '0.00'


def test_money_may_be_sent_from_the_operation_account(
        sandbox, merchant, sender, yesterday):  # noqa: F811
    sandbox.post('money_settings', payout_account='OPERATION')
    sandbox.post('top_up', mchid=MCHID, amount=500, account='OPERATION')
    fine(sender.send())
    yesterday()
    rows, _summary = flow(merchant, account_type='OPERATION')
    assert [row['账户结余(元)'] for row in rows] == ['5.00', '4.00']
    for account in ('BASIC', 'FEES'):
        answer = request_bill(merchant, kind='fundflowbill', account_type=account)
        assert answer.json()['code'] == 'NO_STATEMENT_EXIST'


def test_the_balance_goes_on_from_day_to_day(sandbox, paid, openid, yesterday):
    yesterday()
    paid.order(openid, out_trade_no='S00043_1')
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00043_1', notify=False)
    yesterday()
    first, second = flow(paid, day(2))[0], flow(paid, day(1))[0]
    assert first[-1]['账户结余(元)'] == '9.84' and second[0]['账户结余(元)'] == '19.74'
    rows = first + second
    total = sum(
        Decimal(row['收支金额(元)']) * (1 if row['收支类型'] == '收入' else -1) for row in rows)
    assert Decimal(second[-1]['账户结余(元)']) == total
    assert flow(paid, day(1))[0] == second


def test_a_type_of_account_that_does_not_exist(merchant):
    answer = request_bill(merchant, kind='fundflowbill', account_type='Basic')
    assert answer.json()['detail']['field'] == 'account_type'
    answer = request_bill(merchant, kind='fundflowbill', bill_type='ALL')
    assert answer.json()['detail']['field'] == 'bill_type'
