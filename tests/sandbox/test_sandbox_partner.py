# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Service providers of v3 and v2: orders, refunds, notifications for sub-merchants (A4.3)."""

import json

import pytest

from .merchant import APPID, MCHID, OTHER_APPID, REFUND_PATH, decrypt
from .merchant_v2 import failed, from_xml, succeeded
from .test_sandbox_orders import parameter
from .test_sandbox_signature import refused

SUB = '1900000109'
SECOND_SUB = '1900000110'
BASE = '/v3/pay/partner/transactions'
IDS = {'sp_mchid': MCHID, 'sub_mchid': SUB}


@pytest.fixture
def provider(sandbox, merchant):
    """The merchant as a service provider with two sub-merchants, one with an appid of its own."""
    sandbox.call('PATCH', f'merchants/{MCHID}', {'appids': [APPID], 'sub_merchants': [
        {'mchid': SUB, 'appids': [OTHER_APPID]}, {'mchid': SECOND_SUB, 'appids': []},
    ]})
    return merchant


@pytest.fixture
def openids(user):
    return user['openids']


def order(provider, payer, product='jsapi', /, **changes):
    body = provider.body(None, payer=payer, appid=None, mchid=None, sp_appid=APPID, **IDS)
    body |= changes
    body = {name: value for name, value in body.items() if value is not None}
    return provider.call('POST', f'{BASE}/{product}', body)


def query(provider, number='S00042_1', sub_mchid=SUB):
    target = f'{BASE}/out-trade-no/{number}?sp_mchid={MCHID}&sub_mchid={sub_mchid}'
    return provider.call('GET', target)


def close(provider, **changes):
    return provider.call('POST', f'{BASE}/out-trade-no/S00042_1/close', IDS | changes)


def pay(sandbox, **options):
    return sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', **options)


# === v3 === #

def test_an_order_is_paid_by_the_openid_of_the_provider(sandbox, provider, user, openids):
    made = order(provider, {'sp_openid': openids[APPID]})
    assert provider.signed_by(made)
    prepay_id = made.json()['prepay_id']
    for appid, ending in ((OTHER_APPID, 'another appid)'), (APPID, ':ok')):
        done = sandbox.post(
            'request_payment', appid=appid, user=user['user'], notify=False,
            payment=provider.payment(prepay_id, appid),
        )
        assert done['errMsg'].endswith(ending)
    data = query(provider).json()
    assert data['trade_state'] == 'SUCCESS'
    assert (data['sp_mchid'], data['sp_appid'], data['sub_mchid']) == (MCHID, APPID, SUB)
    assert data['payer'] == {'sp_openid': openids[APPID]}
    assert not {'mchid', 'appid', 'sub_appid'} & set(data)


def test_an_order_is_paid_in_the_sub_merchants_own_app(sandbox, provider, user, openids):
    made = order(provider, {'sub_openid': openids[OTHER_APPID]}, sub_appid=OTHER_APPID)
    done = sandbox.post(
        'request_payment', appid=OTHER_APPID, user=user['user'], notify=False,
        payment=provider.payment(made.json()['prepay_id'], OTHER_APPID),
    )
    assert done['errMsg'] == 'requestPayment:ok'
    data = query(provider).json()
    assert data['sub_appid'] == OTHER_APPID
    assert data['payer'] == {'sp_openid': openids[APPID], 'sub_openid': openids[OTHER_APPID]}


@pytest.mark.parametrize('product', ['native', 'h5'])
def test_other_products_of_a_provider(sandbox, provider, product):
    h5 = {'payer_client_ip': '203.0.113.9', 'h5_info': {'type': 'Wap'}}
    made = order(provider, None, product, scene_info=h5 if product == 'h5' else None)
    assert made.status == 200, made.body
    pay(sandbox, notify=False)
    assert query(provider).json()['trade_state'] == 'SUCCESS'


@pytest.mark.parametrize(('changes', 'field'), [
    ({'sub_mchid': None}, '/sub_mchid'),
    ({'sp_mchid': '1900000888'}, '/sp_mchid'),
    ({'mchid': MCHID}, '/mchid'),
    ({'payer': {}}, '/payer/sp_openid'),
    ({'payer': {'openid': 'x'}}, '/payer/openid'),
    ({'payer': {'sp_openid': 'oForeign'}}, '/payer/sp_openid'),
    ({'payer': {'sub_openid': 'oForeign'}}, '/payer/sub_openid'),
    ({'payer': {'sub_openid': 'oForeign'}, 'sub_appid': OTHER_APPID}, '/payer/sub_openid'),
])
def test_a_wrong_field_is_named(provider, openids, changes, field):
    parameter(order(provider, {'sp_openid': openids[APPID]}, **changes), field)


def test_both_openids_must_be_of_one_person(sandbox, provider, openids):
    other = sandbox.post('users')['openids']
    payer = {'sp_openid': openids[APPID], 'sub_openid': other[OTHER_APPID]}
    parameter(order(provider, payer, sub_appid=OTHER_APPID), '/payer/sub_openid')
    payer['sub_openid'] = openids[OTHER_APPID]
    assert order(provider, payer, sub_appid=OTHER_APPID).status == 200


def test_foreign_sub_merchants_and_appids_are_refused(provider, openids):
    payer = {'sp_openid': openids[APPID]}
    refused(order(provider, payer, sub_mchid='1900000777'), 403, 'NO_AUTH')
    refused(order(provider, payer, sub_mchid=MCHID), 403, 'NO_AUTH')
    refused(
        order(provider, payer, sub_mchid=SECOND_SUB, sub_appid=OTHER_APPID), 400,
        'APPID_MCHID_NOT_MATCH',
    )
    refused(order(provider, payer, sp_appid=OTHER_APPID), 400, 'APPID_MCHID_NOT_MATCH')


def test_providers_and_direct_merchants_have_their_own_calls(sandbox, provider, openids):
    refused(provider.order(openids[APPID]), 403, 'NO_AUTH')
    refused(provider.query(), 403, 'NO_AUTH')
    sandbox.call('PATCH', f'merchants/{MCHID}', {'sub_merchants': []})
    refused(order(provider, {'sp_openid': openids[APPID]}), 403, 'NO_AUTH')
    refused(query(provider), 403, 'NO_AUTH')


def test_an_order_belongs_to_its_sub_merchant(sandbox, provider, openids):
    order(provider, {'sp_openid': openids[APPID]})
    refused(query(provider, sub_mchid=SECOND_SUB), 404, 'ORDER_NOT_EXIST')
    refused(close(provider, sub_mchid=SECOND_SUB), 404, 'ORDER_NOT_EXIST')
    refused(query(provider, sub_mchid='1900000777'), 404, 'ORDER_NOT_EXIST')
    target = f'{BASE}/out-trade-no/S00042_1?sp_mchid={MCHID}'
    parameter(provider.call('GET', target), 'sub_mchid', 'query')
    number = pay(sandbox, notify=False)['transaction_id']
    target = f'{BASE}/id/{number}?sp_mchid={MCHID}&sub_mchid='
    assert provider.call('GET', target + SUB).json()['transaction_id'] == number
    refused(provider.call('GET', target + SECOND_SUB), 404, 'ORDER_NOT_EXIST')


def test_an_order_is_closed(provider, openids):
    order(provider, {'sp_openid': openids[APPID]})
    assert close(provider).status == 204
    assert query(provider).json()['trade_state'] == 'CLOSED'


def test_a_number_is_one_across_sub_merchants(provider, openids):
    payer = {'sp_openid': openids[APPID]}
    order(provider, payer)
    refused(order(provider, payer, sub_mchid=SECOND_SUB), 403, 'OUT_TRADE_NO_USED')


def test_the_notification_names_both_sides(sandbox, provider, openids, shop):
    order(provider, {'sub_openid': openids[OTHER_APPID]}, sub_appid=OTHER_APPID,
          notify_url=shop.url)
    pay(sandbox)
    data = shop.order_object(provider)
    assert (data['sp_mchid'], data['sub_mchid']) == (MCHID, SUB)
    assert (data['sp_appid'], data['sub_appid']) == (APPID, OTHER_APPID)
    assert data['payer'] == {'sp_openid': openids[APPID], 'sub_openid': openids[OTHER_APPID]}
    sandbox.post(
        'notify', mchid=MCHID, out_trade_no='S00042_1', overrides={'sub_mchid': SECOND_SUB},
    )
    assert shop.order_object(provider)['sub_mchid'] == SECOND_SUB


def test_a_refund_names_the_sub_merchant(sandbox, provider, openids, shop):
    order(provider, {'sp_openid': openids[APPID]})
    pay(sandbox, notify=False)
    parameter(provider.refund(400), '/sub_mchid')
    refused(provider.refund(400, sub_mchid='1900000777'), 403, 'NO_AUTH')
    refused(provider.refund(400, sub_mchid=SECOND_SUB), 404, 'RESOURCE_NOT_EXISTS')
    assert provider.refund(400, sub_mchid=SUB, notify_url=shop.url).status == 200
    parameter(provider.query_refund(), 'sub_mchid', 'query')
    target = f'{REFUND_PATH}/R00042_1?sub_mchid='
    assert provider.call('GET', target + SUB).json()['status'] == 'PROCESSING'
    refused(provider.call('GET', target + SECOND_SUB), 404, 'RESOURCE_NOT_EXISTS')
    sandbox.post('refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status='SUCCESS')
    resource = json.loads(shop.received[0].body)['resource']
    data = json.loads(decrypt(provider.data['api_v3_key'], resource))
    assert (data['sp_mchid'], data['sub_mchid']) == (MCHID, SUB) and 'mchid' not in data


def test_an_abnormal_refund_is_completed_for_its_sub_merchant(sandbox, provider, openids):
    order(provider, {'sp_openid': openids[APPID]})
    pay(sandbox, notify=False)
    made = provider.refund(400, sub_mchid=SUB).json()
    sandbox.post(
        'refund_outcome', mchid=MCHID, out_refund_no='R00042_1', status='ABNORMAL', notify=False,
    )
    target = f"{REFUND_PATH}/{made['refund_id']}/apply-abnormal-refund"
    body = {'out_refund_no': 'R00042_1', 'type': 'MERCHANT_BANK_CARD'}
    parameter(provider.call('POST', target, body), '/sub_mchid')
    refused(
        provider.call('POST', target, body | {'sub_mchid': SECOND_SUB}), 404,
        'RESOURCE_NOT_EXISTS',
    )
    assert provider.call('POST', target, body | {'sub_mchid': SUB}).status == 200


def test_a_direct_refund_names_none(paid):
    parameter(paid.refund(400, sub_mchid=SUB), '/sub_mchid')


def test_a_code_is_paid_and_reversed_for_a_sub_merchant(sandbox, provider, user):
    products = [*provider.data['products'], 'CODEPAY']
    sandbox.call('PATCH', f'merchants/{MCHID}', {'products': products})
    sandbox.post('settings', reverse_after=0)
    code = sandbox.post('payment_code', user=user['user'])['code']
    body = {
        'sp_appid': APPID, **IDS, 'description': '柜台', 'out_trade_no': 'S00042_1',
        'amount': {'total': 990}, 'payer': {'auth_code': code},
        'scene_info': {'store_info': {'out_id': '1'}},
    }
    assert provider.call('POST', f'{BASE}/codepay', body).json()['sub_mchid'] == SUB
    target = f'{BASE}/out-trade-no/S00042_1/reverse'
    refused(provider.call('POST', target, IDS | {'sub_mchid': SECOND_SUB}), 404, 'ORDER_NOT_EXIST')
    assert provider.call('POST', target, IDS).status == 200
    assert query(provider).json()['trade_state'] == 'REVOKED'


def test_sub_merchants_are_checked_when_they_are_set(sandbox):
    for item in (SUB, {'mchid': SUB}, {'mchid': 'x', 'appids': []}, {'mchid': MCHID, 'appids': []},
                 {'mchid': SUB, 'appids': 'x'}):
        assert sandbox.call('PATCH', f'merchants/{MCHID}', {'sub_merchants': [item]}).status == 400


# === v2 === #

@pytest.fixture
def provider_v2(provider, merchant_v2):
    return merchant_v2


def test_a_v2_order_names_the_sub_merchant(sandbox, provider_v2, user, openids, shop):
    shop.status, shop.body = 200, b'<xml><return_code>SUCCESS</return_code></xml>'
    ids = {'sub_mch_id': SUB, 'sub_appid': OTHER_APPID}
    made = succeeded(provider_v2.order(
        None, sub_openid=openids[OTHER_APPID], notify_url=shop.url, **ids,
    ))
    assert (made['sub_mch_id'], made['sub_appid']) == (SUB, OTHER_APPID)
    done = sandbox.post(
        'request_payment', appid=OTHER_APPID, user=user['user'],
        payment=provider_v2.payment(made['prepay_id'], OTHER_APPID),
    )
    assert done['errMsg'] == 'requestPayment:ok'
    for data in (from_xml(shop.received[0].body), provider_v2.query(sub_mch_id=SUB)):
        assert (data['mch_id'], data['sub_mch_id']) == (MCHID, SUB)
        assert (data['openid'], data['sub_openid']) == (openids[APPID], openids[OTHER_APPID])
    refund = succeeded(provider_v2.refund('400', sub_mch_id=SUB))
    assert refund['sub_mch_id'] == SUB
    row = provider_v2.query_refund(out_refund_no='R00042_1', sub_mch_id=SUB)
    assert row['refund_status_0'] == 'PROCESSING'
    failed(
        provider_v2.query_refund(out_refund_no='R00042_1', sub_mch_id=SECOND_SUB),
        'REFUNDNOTEXIST',
    )


def test_v2_refuses_foreign_sub_merchants(provider_v2, openids):
    openid = openids[APPID]
    failed(provider_v2.order(openid), 'LACK_PARAMS')
    failed(provider_v2.order(openid, sub_mch_id='1900000777'), 'NOAUTH')
    failed(
        provider_v2.order(openid, sub_mch_id=SECOND_SUB, sub_appid=OTHER_APPID),
        'APPID_MCHID_NOT_MATCH',
    )
    failed(provider_v2.order(None, sub_mch_id=SUB, sub_openid='x'), 'PARAM_ERROR')
    sub_merchants = [{'mchid': SUB, 'appids': ['wx00000000000000ff']}]
    provider_v2.patch(sub_merchants=sub_merchants + [{'mchid': SECOND_SUB, 'appids': []}])
    failed(
        provider_v2.order(openid, sub_mch_id=SUB, sub_appid='wx00000000000000ff'),
        'APPID_MCHID_NOT_MATCH',
    )
    succeeded(provider_v2.order(openid, sub_mch_id=SUB))
    failed(provider_v2.query(sub_mch_id=SECOND_SUB), 'ORDERNOTEXIST')
    failed(provider_v2.refund(sub_mch_id=SECOND_SUB), 'ORDERNOTEXIST')


def test_v2_pays_by_code_for_a_sub_merchant(sandbox, provider_v2, user):
    code = sandbox.post('payment_code', user=user['user'])['code']
    succeeded(provider_v2.pay_by_code(code, sub_mch_id=SUB))
    sandbox.clock(16)
    failed(provider_v2.reverse(sub_mch_id=SECOND_SUB), 'ORDERNOTEXIST')
    assert succeeded(provider_v2.reverse(sub_mch_id=SUB))['recall'] == 'N'
