# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Refunds: apply, query, notifications, money (wechat-pay.md A6, A7)."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from .merchant import APPID, MCHID, REFUND_PATH
from .test_sandbox_orders import parameter
from .test_sandbox_signature import refused


def outcome(sandbox, status='SUCCESS', number='R00042_1', **options):
    return sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no=number, status=status, **options,
    )


def free(sandbox):
    """Refunds need not be a minute apart."""
    sandbox.post('settings', refund_interval=0)


def test_a_refund_is_accepted_and_not_yet_done(sandbox, paid):
    reply = paid.refund(400, reason="不合适")
    assert reply.status == 200
    assert paid.signed_by(reply) == paid.data['public_key_id']
    data = reply.json()
    order = paid.query().json()
    assert data == {
        'refund_id': data['refund_id'], 'out_refund_no': 'R00042_1',
        'transaction_id': order['transaction_id'], 'out_trade_no': 'S00042_1',
        'channel': 'ORIGINAL', 'user_received_account': '支付用户零钱',
        'create_time': data['create_time'], 'status': 'PROCESSING',
        'funds_account': 'AVAILABLE',
        'amount': {
            'total': 990, 'refund': 400, 'payer_total': 990, 'payer_refund': 400,
            'settlement_refund': 400, 'settlement_total': 990, 'discount_refund': 0,
            'currency': 'CNY', 'refund_fee': 0,
        },
    }
    assert len(data['refund_id']) <= 32
    assert paid.query_refund().json() == data
    assert order['trade_state'] == 'REFUND' and order['payer']
    assert sandbox.problems() == []


def test_a_refund_with_every_field_by_the_transaction_id(sandbox, paid):
    number = paid.query().json()['transaction_id']
    reply = paid.refund(
        out_trade_no=None, transaction_id=number, reason='x' * 80, funds_account='AVAILABLE',
        out_refund_no='aZ0_-|*@' * 8,
        amount={'refund': 990, 'total': 990, 'currency': 'CNY', 'from': [
            {'account': 'AVAILABLE', 'amount': 900}, {'account': 'UNAVAILABLE', 'amount': 90},
        ]},
        goods_detail=[{
            'merchant_goods_id': 'A-1', 'wechatpay_goods_id': '1', 'goods_name': "苹果",
            'unit_price': 990, 'refund_amount': 990, 'refund_quantity': 1,
        }],
    )
    assert reply.status == 200, reply.body
    assert len(reply.json()['amount']['from']) == 2


@pytest.mark.parametrize(('changes', 'field'), [
    ({'out_trade_no': None}, '/out_trade_no'),
    ({'transaction_id': '4200'}, '/out_trade_no'),
    ({'out_trade_no': 'S/42/1'}, '/out_trade_no'),
    ({'out_refund_no': None}, '/out_refund_no'),
    ({'out_refund_no': ''}, '/out_refund_no'),
    ({'out_refund_no': 'R' * 65}, '/out_refund_no'),
    ({'out_refund_no': 'R/1'}, '/out_refund_no'),
    ({'out_refund_no': '退款1'}, '/out_refund_no'),
    ({'reason': 'x' * 81}, '/reason'),
    ({'reason': ''}, '/reason'),
    ({'notify_url': 'http://shop.example.com/x'}, '/notify_url'),
    ({'notify_url': 'https://shop.example.com/x?db=1'}, '/notify_url'),
    ({'mchid': MCHID}, '/mchid'),
    ({'attach': 'x'}, '/attach'),
    ({'sub_mchid': '1900000002'}, '/sub_mchid'),
    ({'funds_account': 'BASIC'}, '/funds_account'),
    ({'amount': None}, '/amount'),
    ({'amount': {'refund': 1, 'total': 990}}, '/amount/currency'),
    ({'amount': {'refund': 1, 'total': 990, 'currency': 'USD'}}, '/amount/currency'),
    ({'amount': {'refund': 0, 'total': 990, 'currency': 'CNY'}}, '/amount/refund'),
    ({'amount': {'refund': -1, 'total': 990, 'currency': 'CNY'}}, '/amount/refund'),
    ({'amount': {'refund': 1.5, 'total': 990, 'currency': 'CNY'}}, '/amount/refund'),
    ({'amount': {'refund': '1', 'total': 990, 'currency': 'CNY'}}, '/amount/refund'),
    ({'amount': {'refund': 1, 'currency': 'CNY'}}, '/amount/total'),
    ({'amount': {'refund': 2, 'total': 990, 'currency': 'CNY', 'from': [
        {'account': 'AVAILABLE', 'amount': 1}]}}, '/amount/from'),
    ({'amount': {'refund': 1, 'total': 990, 'currency': 'CNY', 'from': [
        {'account': 'BASIC', 'amount': 1}]}}, '/amount/from/0/account'),
    ({'goods_detail': [{'merchant_goods_id': 'A'}]}, '/goods_detail/0/unit_price'),
])
def test_a_wrong_field_is_named(sandbox, paid, changes, field):
    parameter(paid.refund(**changes), field)
    assert sandbox.get('refunds')['refunds'] == []
    assert paid.query().json()['trade_state'] == 'SUCCESS'


def test_an_order_that_is_unknown_unpaid_or_of_another_merchant(sandbox, merchant, openid):
    refused(merchant.refund(), 404, 'RESOURCE_NOT_EXISTS')
    merchant.order(openid)
    refused(merchant.refund(), 404, 'RESOURCE_NOT_EXISTS')
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    number = merchant.query().json()['transaction_id']
    other = sandbox.merchant(**sandbox.post('merchants', mchid='1900000888', appids=[APPID]))
    refused(other.refund(), 404, 'RESOURCE_NOT_EXISTS')
    refused(other.refund(out_trade_no=None, transaction_id=number), 404, 'RESOURCE_NOT_EXISTS')
    refused(other.query_refund(), 404, 'RESOURCE_NOT_EXISTS')


def test_the_total_must_be_the_orders(paid):
    amount = {'refund': 1, 'total': 1, 'currency': 'CNY'}
    refused(paid.refund(amount=amount), 400, 'INVALID_REQUEST')


def test_the_same_number_again_is_the_same_refund(sandbox, paid):
    first = paid.refund(400)
    assert paid.refund(400).json() == first.json()
    outcome(sandbox, notify=False)
    again = paid.refund(400).json()
    assert again['refund_id'] == first.json()['refund_id'] and again['status'] == 'SUCCESS'
    assert len(sandbox.get('refunds')['refunds']) == 1


@pytest.mark.parametrize('changes', [
    {'amount': {'refund': 401, 'total': 990, 'currency': 'CNY'}},
    {'reason': 'other'},
    {'notify_url': 'https://shop.example.com/other'},
    {'notify_url': None},
])
def test_the_same_number_with_changed_parameters_is_refused(sandbox, paid, changes):
    paid.refund(400)
    refused(paid.refund(400, **changes), 400, 'INVALID_REQUEST')
    assert next(iter(changes)) in sandbox.problems()[0]
    assert paid.query_refund().json()['amount']['refund'] == 400


def test_many_concurrent_calls_make_one_refund(sandbox, paid):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _index: paid.refund(400), range(8)))
    assert {reply.status for reply in replies} == {200}
    assert len(sandbox.get('refunds')['refunds']) == 1


def test_refunds_never_exceed_the_payment(sandbox, paid):
    free(sandbox)
    assert paid.refund(600).status == 200
    answer = refused(paid.refund(391, out_refund_no='R2'), 400, 'INVALID_REQUEST')
    assert answer['detail']['issue'] == "at most 390 can be refunded"
    assert paid.refund(390, out_refund_no='R3').status == 200
    refused(paid.refund(1, out_refund_no='R4'), 400, 'INVALID_REQUEST')


def test_two_clerks_at_once_refund_once(sandbox, paid):
    free(sandbox)
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(
            lambda index: paid.refund(600, out_refund_no=f'R{index}'), range(6),
        ))
    assert sorted(reply.status for reply in replies) == [200] + [400] * 5


def test_a_closed_refund_gives_its_part_back_and_its_number_stays_used(sandbox, paid):
    free(sandbox)
    paid.refund(600)
    outcome(sandbox, 'CLOSED', notify=False)
    assert paid.query_refund().json()['status'] == 'CLOSED'
    assert paid.refund(600).json()['status'] == 'CLOSED'
    assert paid.refund(990, out_refund_no='R2').status == 200
    assert paid.query().json()['trade_state'] == 'REFUND'


def test_refunds_of_an_order_are_a_minute_apart(sandbox, paid):
    paid.refund(100)
    refused(paid.refund(100, out_refund_no='R2'), 429, 'FREQUENCY_LIMITED')
    refused(paid.query_refund('R2'), 404, 'RESOURCE_NOT_EXISTS')
    assert paid.refund(100).status == 200
    paid.offset = 61
    sandbox.clock(61)
    assert paid.refund(100, out_refund_no='R2').status == 200


def test_fifty_refunds_and_no_more(sandbox, paid):
    free(sandbox)
    for index in range(50):
        assert paid.refund(1, out_refund_no=f'R{index}').status == 200
    refused(paid.refund(1, out_refund_no='R50'), 400, 'INVALID_REQUEST')
    assert "50 times" in sandbox.problems()[0]


def test_a_payment_older_than_a_year_is_not_refunded(sandbox, paid):
    paid.offset = 365 * 86400 + 60
    sandbox.clock(paid.offset)
    refused(paid.refund(), 403, 'TRADE_OVERDUE')


def test_without_money_nothing_is_refunded_and_after_a_top_up_the_same_call_is(sandbox, paid):
    sandbox.post('funds', mchid=MCHID, balance=399)
    refused(paid.refund(400), 403, 'NOT_ENOUGH')
    refused(paid.query_refund(), 404, 'RESOURCE_NOT_EXISTS')
    assert paid.query().json()['trade_state'] == 'SUCCESS'
    sandbox.post('funds', mchid=MCHID, balance=400)
    assert paid.refund(400).status == 200
    assert sandbox.get('world')['merchants'][0]['balance'] == 0
    outcome(sandbox, 'CLOSED', notify=False)
    assert sandbox.get('world')['merchants'][0]['balance'] == 400
    sandbox.post('funds', mchid=MCHID, balance=None)
    assert sandbox.get('world')['merchants'][0]['balance'] is None


def test_a_customer_whose_account_is_closed_cannot_be_refunded(sandbox, paid, user):
    sandbox.call('PATCH', f"users/{user['user']}", {'account_abnormal': True})
    refused(paid.refund(400), 403, 'USER_ACCOUNT_ABNORMAL')
    refused(paid.query_refund(), 404, 'RESOURCE_NOT_EXISTS')
    sandbox.call('PATCH', f"users/{user['user']}", {'account_abnormal': False})
    assert paid.refund(400).status == 200


def test_query_of_a_refund_checks_its_address(sandbox, paid):
    refused(paid.query_refund(), 404, 'RESOURCE_NOT_EXISTS')
    parameter(paid.query_refund('R' * 65), 'out_refund_no', 'url')
    parameter(paid.query_refund('R%201'), 'out_refund_no', 'url')
    parameter(paid.query_refund('R00042_1?sub_mchid=1'), 'sub_mchid', 'query')
    paid.refund(out_refund_no='R@1')
    assert paid.query_refund('R%401').json()['out_refund_no'] == 'R@1'


def test_a_refund_wants_a_user_agent(paid):
    reply = paid.call('POST', REFUND_PATH, paid.refund_body(), drop=['User-Agent'])
    refused(reply, 400, 'INVALID_REQUEST')


@pytest.mark.parametrize('status', ['SUCCESS', 'ABNORMAL', 'CLOSED'])
def test_the_notification_of_each_outcome(sandbox, paid, shop, status):
    refund = paid.refund(400, notify_url=shop.url).json()
    answer = outcome(sandbox, status)
    assert answer['notification']['status'] == 204 and answer['status'] == status
    body = json.loads(shop.received[0].body)
    assert body['event_type'] == f'REFUND.{status}'
    assert body['resource']['original_type'] == body['resource']['associated_data'] == 'refund'
    data = shop.order_object(paid)
    moment = data.pop('success_time', None)
    assert bool(moment) == (status == 'SUCCESS')
    assert data == {
        'mchid': MCHID, 'out_trade_no': 'S00042_1', 'transaction_id': refund['transaction_id'],
        'out_refund_no': 'R00042_1', 'refund_id': refund['refund_id'], 'refund_status': status,
        'user_received_account': '支付用户零钱',
        'amount': {'total': 990, 'refund': 400, 'payer_total': 990, 'payer_refund': 400},
    }
    shown = paid.query_refund().json()
    assert (shown['status'], shown.get('success_time')) == (status, moment)


def test_a_refund_goes_forward_only(sandbox, paid):
    data = {'mchid': MCHID, 'out_refund_no': 'R00042_1', 'status': 'SUCCESS'}
    assert sandbox.call('POST', 'refund_outcome', data).status == 400
    paid.refund()
    outcome(sandbox, 'ABNORMAL', notify=False)
    outcome(sandbox, 'SUCCESS', notify=False)
    for status in ('SUCCESS', 'CLOSED', 'ABNORMAL', 'PROCESSING'):
        reply = sandbox.call('POST', 'refund_outcome', data | {'status': status})
        assert reply.status == 400, status


def test_refund_notifications_have_every_defect_too(sandbox, paid, shop):
    paid.refund(400, notify_url=shop.url)
    answers = sandbox.post(
        'notify', mchid=MCHID, out_refund_no='R00042_1', repeat=2,
        overrides={'amount.refund': 1, 'refund_status': 'CLOSE'}, event_type='REFUND.CLOSED',
    )['answers']
    assert [item['status'] for item in answers] == [204, 204]
    assert shop.order_object(paid)['refund_status'] == 'CLOSE'
    assert shop.order_object(paid)['amount']['refund'] == 1
    assert json.loads(shop.received[0].body)['event_type'] == 'REFUND.CLOSED'
    assert paid.query_refund().json()['status'] == 'PROCESSING'
    sandbox.post('notify', mchid=MCHID, out_refund_no='R00042_1', defect='bad_signature')
    assert len(sandbox.get('refunds')['refunds'][0]['notifications']) == 3


def test_a_notification_is_of_one_order_or_of_one_refund(sandbox, paid):
    for data in ({}, {'out_trade_no': 'S00042_1', 'out_refund_no': 'R1'}):
        assert sandbox.call('POST', 'notify', {'mchid': MCHID} | data).status == 400


def test_auto_refund_finishes_after_the_answer(sandbox, paid, shop):
    sandbox.post('settings', auto_refund=True)
    assert paid.refund(notify_url=shop.url).json()['status'] == 'PROCESSING'
    deadline = time.monotonic() + 5
    while not shop.received and time.monotonic() < deadline:
        time.sleep(0.02)
    assert shop.order_object(paid)['refund_status'] == 'SUCCESS'
    assert paid.query_refund().json()['status'] == 'SUCCESS'


def test_an_answer_that_is_lost_is_a_refund_all_the_same(sandbox, paid):
    sandbox.post('faults', path='refunds$', action='status', status=429, processed=True)
    assert paid.refund(400).status == 429
    assert paid.query_refund().json()['status'] == 'PROCESSING'
    assert len(sandbox.get('refunds')['refunds']) == 1


def test_a_refund_of_the_console_counts_and_can_be_queried(sandbox, paid):
    data = sandbox.post('console_refund', mchid=MCHID, out_trade_no='S00042_1', amount=600)
    assert data['source'] == 'CONSOLE' and data['status'] == 'PROCESSING'
    assert paid.query().json()['trade_state'] == 'REFUND'
    assert paid.query_refund(data['out_refund_no']).json()['amount']['refund'] == 600
    free(sandbox)
    refused(paid.refund(400), 400, 'INVALID_REQUEST')
    assert outcome(sandbox, number=data['out_refund_no'])['notification'] is None
    for changes in ({'amount': 391}, {'amount': 0}, {'amount': 1, 'out_refund_no': '/'},
                    {'amount': 1, 'out_refund_no': data['out_refund_no']}):
        call = {'mchid': MCHID, 'out_trade_no': 'S00042_1'} | changes
        assert sandbox.call('POST', 'console_refund', call).status == 400, changes


def test_a_refunded_order_is_not_ordered_paid_or_closed_again(sandbox, paid, openid, shop):
    paid.refund(400)
    refused(paid.order(openid, notify_url=shop.url), 400, 'ORDERPAID')
    refused(paid.close(), 400, 'ORDERPAID')
    data = {'mchid': MCHID, 'out_trade_no': 'S00042_1'}
    assert sandbox.call('POST', 'pay', data).status == 400


def test_a_late_payment_notification_of_a_refunded_order_still_says_success(sandbox, paid, shop):
    paid.refund(400)
    sandbox.post('notify', mchid=MCHID, out_trade_no='S00042_1')
    assert shop.order_object(paid)['trade_state'] == 'SUCCESS'
