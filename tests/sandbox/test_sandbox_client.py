# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wx.requestPayment as the phone checks it (wechat-pay.md A4.4)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .merchant import APPID, MCHID, OTHER_APPID


@pytest.fixture
def prepay_id(merchant, openid, shop):
    return merchant.order(openid, notify_url=shop.url).json()['prepay_id']


def confirm(sandbox, user, payment, appid=APPID, **options):
    return sandbox.post(
        'request_payment', appid=appid, user=user['user'], payment=payment, **options,
    )


def failed(sandbox, merchant, data, word):
    assert data['errMsg'].startswith('requestPayment:fail'), data
    assert word in data['errMsg'], data
    assert merchant.query().json()['trade_state'] == 'NOTPAY'


def test_right_parameters_pay_and_notify(sandbox, merchant, user, prepay_id, shop):
    data = confirm(sandbox, user, merchant.payment(prepay_id))
    assert data['errMsg'] == 'requestPayment:ok'
    assert data['notification']['status'] == 204
    order = shop.order_object(merchant)
    assert order == merchant.query().json()
    assert order['transaction_id'] == data['transaction_id']


def test_without_notify_only_the_state_changes(sandbox, merchant, user, prepay_id, shop):
    data = confirm(sandbox, user, merchant.payment(prepay_id), notify=False)
    assert data['notification'] is None and not shop.received
    assert merchant.query().json()['trade_state'] == 'SUCCESS'


def test_an_app_id_beside_the_five_is_fine_if_it_is_this_one(sandbox, merchant, user, prepay_id):
    other = merchant.payment(prepay_id, appId=OTHER_APPID)
    failed(sandbox, merchant, confirm(sandbox, user, other), 'appId')
    payment = merchant.payment(prepay_id, appId=APPID)
    assert confirm(sandbox, user, payment)['errMsg'] == 'requestPayment:ok'


@pytest.mark.parametrize(('changes', 'word'), [
    ({'timeStamp': 1767322445}, 'timeStamp'),
    ({'timeStamp': '1767322445000'}, 'timeStamp'),
    ({'nonceStr': 'x' * 33}, 'nonceStr'),
    ({'nonceStr': ''}, 'nonceStr'),
    ({'signType': 'MD5'}, 'signType'),
    ({'paySign': 'AAAA'}, 'paySign'),
    ({'paySign': None}, 'paySign'),
    ({'package': 'prepay_id='}, 'package'),
    ({'package': 'Sign=WXPay'}, 'package'),
    ({'package': 'prepay_id=wx00'}, 'prepay_id'),
    ({'nonceStr': 'changed'}, 'paySign'),
])
def test_wrong_parameters_fail(sandbox, merchant, user, prepay_id, changes, word):
    payment = merchant.payment(prepay_id, **changes)
    failed(sandbox, merchant, confirm(sandbox, user, payment), word)


def test_the_signature_covers_the_appid(sandbox, merchant, user, prepay_id):
    payment = merchant.payment(prepay_id, appid=OTHER_APPID)
    failed(sandbox, merchant, confirm(sandbox, user, payment), 'paySign')


def test_an_order_of_another_mini_program_fails(sandbox, merchant, user, prepay_id):
    payment = merchant.payment(prepay_id, appid=OTHER_APPID)
    data = confirm(sandbox, user, payment, appid=OTHER_APPID)
    failed(sandbox, merchant, data, 'another appid')


def test_another_person_cannot_pay(sandbox, merchant, prepay_id):
    stranger = sandbox.post('users')
    data = confirm(sandbox, stranger, merchant.payment(prepay_id))
    failed(sandbox, merchant, data, 'another payer')


def test_a_prepay_id_lives_two_hours_and_a_repeated_order_gives_a_fresh_one(
    sandbox, merchant, user, openid, prepay_id, shop,
):
    merchant.offset = 7201
    sandbox.clock(7201)
    failed(sandbox, merchant, confirm(sandbox, user, merchant.payment(prepay_id)), 'two hours')
    fresh = merchant.order(openid, notify_url=shop.url).json()['prepay_id']
    data = confirm(sandbox, user, merchant.payment(fresh))
    assert data['errMsg'] == 'requestPayment:ok'


def test_nobody_pays_after_time_expire(sandbox, merchant, user, openid):
    now = '2000-01-01T00:00:00+08:00'  # moved to one minute from now
    prepay_id = merchant.order(openid, time_expire=now).json()['prepay_id']
    merchant.offset = 62
    sandbox.clock(62)
    data = confirm(sandbox, user, merchant.payment(prepay_id))
    failed(sandbox, merchant, data, 'time_expire')


def test_a_closed_order_and_a_paid_order_fail(sandbox, merchant, user, prepay_id):
    payment = merchant.payment(prepay_id)
    confirm(sandbox, user, payment)
    assert 'already paid' in confirm(sandbox, user, payment)['errMsg']


def test_a_closed_order_fails(sandbox, merchant, user, prepay_id):
    merchant.close()
    data = confirm(sandbox, user, merchant.payment(prepay_id))
    assert 'closed' in data['errMsg']
    assert merchant.query().json()['trade_state'] == 'CLOSED'


def test_the_user_may_cancel(sandbox, merchant, user, prepay_id):
    data = confirm(sandbox, user, merchant.payment(prepay_id), cancel=True)
    assert data == {'errMsg': 'requestPayment:fail cancel'}


def test_money_is_taken_once(sandbox, merchant, user, prepay_id, shop):
    payment = merchant.payment(prepay_id)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _index: confirm(sandbox, user, payment), range(6)))
    paid = [item for item in answers if item['errMsg'] == 'requestPayment:ok']
    assert len(paid) == len(shop.received) == 1


def test_the_pay_button_pays_without_the_client(sandbox, merchant, prepay_id, shop):
    data = sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    assert data['notification']['status'] == 204 and data['transaction_id']
    reply = sandbox.call('POST', 'pay', {'mchid': MCHID, 'out_trade_no': 'S00042_1'})
    assert reply.status == 400 and reply.json() == {'error': "the order is already paid"}
