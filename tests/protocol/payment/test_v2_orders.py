# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders of API v2, from and to the shape that they have in v3 (wechat-pay.md B2.1, B2.2, B3.1)."""

import json

import pytest

from tests.protocol.loader import load

load('wechat_payment')

from wechat_payment_protocol import v2_orders  # noqa: E402

ORDER = {
    'appid': 'wx0000000000000001', 'mchid': '1900000001', 'description': "Tea",
    'out_trade_no': 'S00042-0123456789', 'time_expire': '2026-01-02T20:00:00+08:00',
    'notify_url': 'https://shop.example.com/payment/wechat_pay/notify/7',
    'amount': {'total': 1999, 'currency': 'CNY'}, 'payer': {'openid': 'oA'},
}
PARTIES = {'appid': 'wx0000000000000001', 'mch_id': '1900000001'}
ANSWER = {
    'return_code': 'SUCCESS', 'result_code': 'SUCCESS', 'appid': 'wx0000000000000001',
    'mch_id': '1900000001', 'openid': 'oA', 'trade_type': 'MWEB', 'trade_state': 'SUCCESS',
    'bank_type': 'OTHERS', 'total_fee': '1999', 'fee_type': 'CNY', 'cash_fee': '1999',
    'transaction_id': '4200000000', 'out_trade_no': 'S00042-0123456789',
    'time_end': '20260102200000', 'trade_state_desc': "支付成功",
}
PARTNER = {'sub_mch_id': '1900000109', 'sub_appid': 'wx0000000000000002', 'sub_openid': 'oB'}


def build(trade_type='JSAPI', **changes):
    return v2_orders.build_order(
        {**ORDER, **changes}, PARTIES, trade_type, '203.0.113.9',
        site=('https://shop.example.com/', "Shop"),
    )


def without(*names):
    return {name: value for name, value in ANSWER.items() if name not in names}


# === WHAT IS ORDERED === #

def test_an_order_says_the_same_in_v2():
    assert build() == {
        **PARTIES, 'body': "Tea", 'out_trade_no': 'S00042-0123456789', 'fee_type': 'CNY',
        'total_fee': 1999, 'spbill_create_ip': '203.0.113.9', 'time_expire': '20260102200000',
        'notify_url': ORDER['notify_url'], 'trade_type': 'JSAPI', 'openid': 'oA',
    }


@pytest.mark.parametrize(('trade_type', 'name', 'extra'), [
    ('NATIVE', 'NATIVE', 'product_id'), ('APP', 'APP', None), ('H5', 'MWEB', 'scene_info'),
])
def test_only_jsapi_names_a_payer_and_each_type_has_what_it_needs(trade_type, name, extra):
    order = build(trade_type)
    assert order['trade_type'] == name and 'openid' not in order
    assert {'product_id', 'scene_info'} & set(order) == ({extra} if extra else set())


@pytest.mark.parametrize(('payer', 'expected'), [
    ({'sp_openid': 'oA'}, {'openid': 'oA'}), ({'sub_openid': 'oB'}, {'sub_openid': 'oB'}),
])
def test_the_payer_of_a_service_providers_order_is_of_the_app(payer, expected):
    order = build(payer=payer)
    assert {name: order[name] for name in order if 'openid' in name} == expected


def test_times_are_beijings_whatever_the_zone():
    assert build(time_expire='2026-01-02T23:30:00+00:00')['time_expire'] == '20260103073000'


def test_a_long_description_is_cut_between_characters():
    body = build(description="茶" * 60)['body']
    assert body == "茶" * 42 and len(body.encode()) <= 127


def test_the_scene_of_a_phones_order_fits_and_stays_json():
    order = v2_orders.build_order(
        ORDER, PARTIES, 'H5', '203.0.113.9', site=('https://shop.example.com/', "茶叶\"店" * 60),
    )
    assert len(order['scene_info'].encode()) <= 256
    info = json.loads(order['scene_info'])['h5_info']
    assert (info['type'], info['wap_url']) == ('Wap', 'https://shop.example.com/')
    assert info['wap_name'].startswith("茶叶\"店")


# === WHAT IS TOLD === #

def test_a_paid_order_is_told_as_in_v3():
    assert v2_orders.read_order(ANSWER) == {
        'appid': 'wx0000000000000001', 'mchid': '1900000001',
        'out_trade_no': 'S00042-0123456789', 'transaction_id': '4200000000', 'trade_type': 'MWEB',
        'trade_state': 'SUCCESS', 'trade_state_desc': "支付成功", 'bank_type': 'OTHERS',
        'success_time': '2026-01-02T20:00:00+08:00', 'payer': {'openid': 'oA'},
        'amount': {
            'total': 1999, 'payer_total': 1999, 'currency': 'CNY', 'payer_currency': 'CNY',
        },
    }


def test_an_unpaid_order_has_its_number_and_state():
    order = v2_orders.read_order({
        **PARTIES, 'out_trade_no': 'S00042-0123456789', 'trade_state': 'NOTPAY',
    })
    assert order == {
        'appid': PARTIES['appid'], 'mchid': PARTIES['mch_id'],
        'out_trade_no': 'S00042-0123456789', 'trade_state': 'NOTPAY',
    }


def test_a_service_providers_order_has_the_names_of_v3():
    order = v2_orders.read_order({**ANSWER, **PARTNER})
    assert {name: order[name] for name in order if name.startswith(('sp_', 'sub_'))} == {
        'sp_appid': 'wx0000000000000001', 'sp_mchid': '1900000001',
        'sub_appid': 'wx0000000000000002', 'sub_mchid': '1900000109',
    }
    assert order['payer'] == {'sp_openid': 'oA', 'sub_openid': 'oB'}
    assert not {'appid', 'mchid'} & set(order)


@pytest.mark.parametrize(('changes', 'payer_total'), [
    ({'cash_fee': '1499', 'coupon_fee': '500'}, 1499), ({'cash_fee': '0'}, 0),
])
def test_coupons_lower_what_the_payer_gave_only(changes, payer_total):
    amount = v2_orders.read_order({**ANSWER, **changes})['amount']
    assert (amount['total'], amount['payer_total']) == (1999, payer_total)


def test_what_the_payer_gave_follows_from_the_coupons_if_it_is_not_told():
    amount = v2_orders.read_order({**without('cash_fee'), 'coupon_fee': '500'})['amount']
    assert amount['payer_total'] == 1499


@pytest.mark.parametrize('name', ['total_fee', 'cash_fee'])
@pytest.mark.parametrize('text', [
    '19.99', '-1', '+1999', '01999', '1999 ', '1e3', '٣', '0x7', '1_999', '9' * 19, 'CNY',
])
def test_an_amount_that_is_none_is_refused(name, text):
    with pytest.raises(v2_orders.V2OrderError) as caught:
        v2_orders.read_order({**ANSWER, name: text})
    assert text not in str(caught.value)


@pytest.mark.parametrize('text', ['2026-01-02 20:00', '20260230120000', '2026010220000', '2' * 14])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(v2_orders.V2OrderError):
        v2_orders.read_order({**ANSWER, 'time_end': text})


def test_an_answer_without_a_state_is_no_order():
    with pytest.raises(v2_orders.V2OrderError):
        v2_orders.read_order(without('trade_state'))


def test_a_notification_is_a_payment_by_its_codes_whatever_state_it_names():
    told = without('trade_state')
    assert v2_orders.read_notification(told)['trade_state'] == 'SUCCESS'
    for changes in ({'result_code': 'FAIL'}, {'return_code': 'FAIL'}, {'result_code': ''}):
        state = v2_orders.read_notification({**ANSWER, **changes})['trade_state']
        assert state == 'PAYERROR'
