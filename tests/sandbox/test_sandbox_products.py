# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Native, H5 and App orders (wechat-pay.md A4.1, A4.2, A4.4)."""

from datetime import datetime

import pytest

from .merchant import APPID, MCHID
from .test_sandbox_client import confirm
from .test_sandbox_orders import moment, parameter, sandbox_order
from .test_sandbox_signature import refused

H5_SCENE = {'payer_client_ip': '203.0.113.7', 'h5_info': {'type': 'Wap'}}
MOBILE = 'wx00000000000000a1'


@pytest.fixture
def mobile(sandbox):
    sandbox.post('apps', appid=MOBILE, app_type='mobile', open_platform='sandbox')
    sandbox.call('PATCH', f'merchants/{MCHID}', {'appids': [APPID, MOBILE]})
    return MOBILE


def scan(sandbox, code_url, user):
    return sandbox.call('POST', 'scan', {'code_url': code_url, 'user': user['user']})


# === Native === #

def test_a_native_order_gives_a_code_url_that_a_phone_opens_and_pays(
    sandbox, merchant, user, shop,
):
    reply = merchant.order_of('native', notify_url=shop.url)
    assert reply.status == 200 and set(reply.json()) == {'code_url'}
    assert merchant.query().json()['trade_type'] == 'NATIVE'
    code_url = reply.json()['code_url']
    assert code_url.startswith('weixin://wxpay/bizpayurl?pr=')
    assert scan(sandbox, code_url, user).json() == {
        'mchid': MCHID, 'out_trade_no': 'S00042_1', 'total': 990,
        'description': '示例商店-订单 S00042', 'user': user['user'],
    }
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    order = shop.order_object(merchant)
    assert order['trade_type'] == 'NATIVE'
    assert order['payer'] == {'openid': user['openids'][APPID]}


def test_a_new_call_kills_the_older_code_url(sandbox, merchant, user):
    first = merchant.order_of('native').json()['code_url']
    second = merchant.order_of('native').json()['code_url']
    assert first != second
    reply = scan(sandbox, first, user)
    assert reply.status == 400 and 'replaced' in reply.json()['error']
    assert scan(sandbox, second, user).status == 200


def test_a_code_url_lives_two_hours_and_a_repeated_order_gives_a_fresh_one(
    sandbox, merchant, user,
):
    code_url = merchant.order_of('native').json()['code_url']
    merchant.offset = 7201
    sandbox.clock(7201)
    assert 'two hours' in scan(sandbox, code_url, user).json()['error']
    fresh = merchant.order_of('native').json()['code_url']
    assert scan(sandbox, fresh, user).status == 200


def test_an_order_scanned_by_one_person_cannot_be_paid_by_another(sandbox, merchant, user):
    code_url = merchant.order_of('native').json()['code_url']
    other = sandbox.post('users')
    assert scan(sandbox, code_url, user).status == 200
    assert scan(sandbox, code_url, user).status == 200
    assert 'another person' in scan(sandbox, code_url, other).json()['error']
    fresh = merchant.order_of('native').json()['code_url']
    assert 'another person' in scan(sandbox, fresh, other).json()['error']
    data = {'mchid': MCHID, 'out_trade_no': 'S00042_1', 'user': other['user']}
    assert 'another person' in sandbox.call('POST', 'pay', data).json()['error']
    sandbox.post('pay', **data | {'user': user['user'], 'notify': False})
    assert 'already paid' in scan(sandbox, fresh, user).json()['error']


def test_a_code_url_of_a_closed_expired_or_unknown_order(sandbox, merchant, user):
    assert 'exist' in scan(sandbox, 'weixin://wxpay/bizpayurl?pr=x', user).json()['error']
    code_url = merchant.order_of('native').json()['code_url']
    merchant.close()
    assert 'closed' in scan(sandbox, code_url, user).json()['error']
    expire = moment(sandbox, 90)
    late = merchant.order_of('native', out_trade_no='S00043_1', time_expire=expire)
    sandbox.clock(100)
    assert 'time_expire' in scan(sandbox, late.json()['code_url'], user).json()['error']


def test_whoever_is_there_pays_if_nobody_is_named(sandbox, merchant):
    merchant.order_of('native')
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    person, = sandbox.get('users')['users']
    assert merchant.query().json()['payer'] == {'openid': person['openids'][APPID]}


def test_a_jsapi_order_is_paid_by_its_payer_only(sandbox, merchant, openid):
    merchant.order(openid)
    other = sandbox.post('users')
    data = {'mchid': MCHID, 'out_trade_no': 'S00042_1', 'user': other['user']}
    assert 'another payer' in sandbox.call('POST', 'pay', data).json()['error']


def test_a_native_order_can_be_paid_for_seven_days_at_most(sandbox, merchant):
    merchant.order_of('native', time_expire=moment(sandbox, 14 * 86400))
    until = datetime.fromisoformat(sandbox_order(sandbox)['pay_until']).timestamp()
    assert until - sandbox.get('clock')['timestamp'] == pytest.approx(7 * 86400, abs=3)


# === Fields === #

@pytest.mark.parametrize('product', ['native', 'h5', 'app'])
def test_a_payer_is_forbidden_where_nobody_is_known_yet(sandbox, merchant, mobile, openid, product):
    body = merchant.body(openid, appid=mobile, scene_info=H5_SCENE)
    if product != 'h5':
        del body['scene_info']
    reply = merchant.call('POST', f'/v3/pay/transactions/{product}', body)
    parameter(reply, '/payer/openid')


@pytest.mark.parametrize('product', ['native', 'app'])
def test_h5_info_belongs_to_h5(merchant, mobile, product):
    reply = merchant.order_of(product, appid=mobile, scene_info=H5_SCENE)
    parameter(reply, '/scene_info/h5_info')


@pytest.mark.parametrize(('scene', 'field'), [
    (None, '/scene_info'),
    ({}, '/scene_info/payer_client_ip'),
    ({'h5_info': {'type': 'Wap'}}, '/scene_info/payer_client_ip'),
    ({'payer_client_ip': '203.0.113.7'}, '/scene_info/h5_info'),
    ({'payer_client_ip': '203.0.113.7', 'h5_info': {}}, '/scene_info/h5_info/type'),
    ({'payer_client_ip': '203.0.113.7', 'h5_info': {'type': 'wap'}}, '/scene_info/h5_info/type'),
    ({'payer_client_ip': '203.0.113.7', 'h5_info': {'type': 'Wap', 'x': 1}},
     '/scene_info/h5_info/x'),
    ({'payer_client_ip': '127.0.0.1', 'h5_info': {'type': 'Wap'}}, '/scene_info/payer_client_ip'),
    ({'payer_client_ip': '::1', 'h5_info': {'type': 'Wap'}}, '/scene_info/payer_client_ip'),
    ({'payer_client_ip': '::ffff:127.0.0.1', 'h5_info': {'type': 'Wap'}},
     '/scene_info/payer_client_ip'),
    ({'payer_client_ip': '203.0.113.7:80', 'h5_info': {'type': 'Wap'}},
     '/scene_info/payer_client_ip'),
])
def test_h5_wants_to_know_the_customers_address_and_browser(sandbox, merchant, scene, field):
    parameter(merchant.order_of('h5', scene_info=scene), field)
    assert not sandbox.get('orders')['orders']


def test_this_machines_address_is_taken_if_the_test_says_so(sandbox, merchant):
    sandbox.post('settings', allow_loopback_ip=True)
    scene = {'payer_client_ip': '127.0.0.1', 'h5_info': {'type': 'Android'}}
    assert merchant.order_of('h5', scene_info=scene).status == 200
    sandbox.post('reset')
    parameter(merchant.order_of('h5', scene_info=scene), '/scene_info/payer_client_ip')


def test_each_product_must_be_enabled(sandbox, merchant, mobile, openid):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'products': ['JSAPI']})
    assert merchant.order(openid).status == 200
    refused(merchant.order_of('native'), 403, 'NO_AUTH')
    refused(merchant.order_of('h5', scene_info=H5_SCENE), 403, 'NO_AUTH')
    refused(merchant.order_of('app', appid=mobile), 403, 'NO_AUTH')


def test_a_number_belongs_to_one_product(merchant, openid):
    merchant.order_of('native')
    refused(merchant.order_of('h5', scene_info=H5_SCENE), 403, 'OUT_TRADE_NO_USED')
    refused(merchant.order(openid), 403, 'OUT_TRADE_NO_USED')


def test_an_app_order_wants_a_mobile_app_and_jsapi_wants_none(sandbox, merchant, mobile):
    refused(merchant.order_of('app'), 400, 'INVALID_REQUEST')
    openid = sandbox.post('users')['openids'][mobile]
    refused(merchant.order(openid, appid=mobile), 400, 'INVALID_REQUEST')
    assert merchant.order_of('native', appid=mobile).status == 200


# === App === #

@pytest.fixture
def prepay_id(merchant, mobile, shop):
    reply = merchant.order_of('app', appid=mobile, notify_url=shop.url)
    assert set(reply.json()) == {'prepay_id'}
    return reply.json()['prepay_id']


def test_an_app_pays_with_a_right_sign(sandbox, merchant, user, prepay_id, shop):
    payment = merchant.app_payment(prepay_id, MOBILE)
    data = confirm(sandbox, user, payment, appid=MOBILE)
    assert data['errMsg'] == 'requestPayment:ok', data
    order = shop.order_object(merchant)
    assert order == merchant.query().json()
    assert order['trade_type'] == 'APP' and order['appid'] == MOBILE


def test_ios_says_package(sandbox, merchant, user, prepay_id):
    payment = merchant.app_payment(prepay_id, MOBILE)
    payment['package'] = payment.pop('packageValue')
    assert confirm(sandbox, user, payment, appid=MOBILE)['errMsg'] == 'requestPayment:ok'


@pytest.mark.parametrize(('changes', 'word'), [
    ({'appId': APPID}, 'appId'),
    ({'partnerId': '1900000002'}, 'partnerId'),
    ({'prepayId': 'wx00'}, 'prepayId'),
    ({'packageValue': 'prepay_id=x'}, 'packageValue'),
    ({'packageValue': None}, 'packageValue'),
    ({'nonceStr': 'changed'}, 'sign'),
    ({'sign': 'AAAA'}, 'sign'),
    ({'timeStamp': '1767322445000'}, 'timeStamp'),
    ({'timeStamp': 1767322445}, 'timeStamp'),
])
def test_wrong_parameters_of_an_app_fail(sandbox, merchant, user, prepay_id, changes, word):
    payment = merchant.app_payment(prepay_id, MOBILE, **changes)
    data = confirm(sandbox, user, payment, appid=MOBILE)
    assert data['errMsg'].startswith('requestPayment:fail') and word in data['errMsg']
    assert merchant.query().json()['trade_state'] == 'NOTPAY'


def test_the_parameters_of_one_product_do_not_pay_the_other(
    sandbox, merchant, user, openid, prepay_id,
):
    payment = merchant.payment(prepay_id, appid=MOBILE)
    assert 'APP' in confirm(sandbox, user, payment, appid=MOBILE)['errMsg']
    other = merchant.order(openid, out_trade_no='S00043_1').json()['prepay_id']
    payment = merchant.app_payment(other, MOBILE)
    assert 'JSAPI' in confirm(sandbox, user, payment, appid=MOBILE)['errMsg']


def test_an_app_user_may_cancel(sandbox, merchant, user, prepay_id):
    payment = merchant.app_payment(prepay_id, MOBILE)
    data = confirm(sandbox, user, payment, appid=MOBILE, cancel=True)
    assert data == {'errMsg': 'requestPayment:fail cancel'}
