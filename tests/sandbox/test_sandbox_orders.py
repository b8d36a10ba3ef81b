# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""JSAPI orders, query, close (wechat-pay.md A4)."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from .merchant import APPID, MCHID, ORDER_PATH, OTHER_APPID
from .test_sandbox_signature import refused

BEIJING = timezone(timedelta(hours=8))
DETAIL = {'goods_detail': [{'merchant_goods_id': 'A-1', 'quantity': 1, 'unit_price': 990}]}


def moment(sandbox, seconds):
    """:return: a time_expire so many seconds after the sandbox's now."""
    now = sandbox.get('clock')['timestamp']
    return datetime.fromtimestamp(int(now) + seconds, BEIJING).isoformat()


def sandbox_order(sandbox, number='S00042_1'):
    return next(
        item for item in sandbox.get('orders')['orders'] if item['out_trade_no'] == number
    )


def parameter(reply, field, location='body'):
    detail = refused(reply, 400, 'PARAM_ERROR')['detail']
    assert (detail['field'], detail['location']) == (field, location)
    assert set(detail) == {'field', 'value', 'issue', 'location'}
    return detail['issue']


def test_an_order_gives_a_prepay_id_and_nothing_else(sandbox, merchant, openid):
    reply = merchant.order(openid)
    assert reply.status == 200
    assert set(reply.json()) == {'prepay_id'}
    assert reply.json()['prepay_id'].startswith('wx')
    assert sandbox.problems() == []


def test_an_order_with_every_field_is_taken(sandbox, merchant, openid):
    reply = merchant.order(
        openid,
        time_expire=moment(sandbox, 3600),
        attach="data", goods_tag="TAG", support_fapiao=False,
        detail={'cost_price': 990, 'invoice_id': 'x', 'goods_detail': [{
            'merchant_goods_id': 'A-1', 'wechatpay_goods_id': '1', 'goods_name': "苹果",
            'quantity': 1, 'unit_price': 990,
        }]},
        scene_info={'payer_client_ip': '2001:db8::1', 'device_id': '1', 'store_info': {
            'id': '1', 'name': "店", 'area_code': '440305', 'address': "路",
        }},
        settle_info={'profit_sharing': False},
    )
    assert reply.status == 200, reply.body


@pytest.mark.parametrize(('changes', 'field'), [
    ({'appid': None}, '/appid'),
    ({'mchid': None}, '/mchid'),
    ({'description': None}, '/description'),
    ({'out_trade_no': None}, '/out_trade_no'),
    ({'notify_url': None}, '/notify_url'),
    ({'amount': None}, '/amount'),
    ({'amount': {}}, '/amount/total'),
    ({'payer': None}, '/payer'),
    ({'payer': {}}, '/payer/openid'),
    ({'unknown': 1}, '/unknown'),
    ({'limit_pay': ['no_credit']}, '/limit_pay'),
    ({'amount': {'total': 1, 'fee': 1}}, '/amount/fee'),
    ({'payer': {'openid': 'x', 'sp_openid': 'x'}}, '/payer/sp_openid'),
    ({'mchid': '1900000002'}, '/mchid'),
    ({'appid': 7}, '/appid'),
    ({'description': ''}, '/description'),
    ({'description': '苹' * 128}, '/description'),
    ({'description': 'a\nb'}, '/description'),
    ({'description': ['x']}, '/description'),
    ({'attach': ''}, '/attach'),
    ({'attach': 'x' * 129}, '/attach'),
    ({'goods_tag': 'x' * 33}, '/goods_tag'),
    ({'support_fapiao': 'true'}, '/support_fapiao'),
    ({'out_trade_no': 'S0042'}, '/out_trade_no'),
    ({'out_trade_no': 'S' * 33}, '/out_trade_no'),
    ({'out_trade_no': 'INV/2026/00001'}, '/out_trade_no'),
    ({'out_trade_no': 'S00042@1'}, '/out_trade_no'),
    ({'out_trade_no': '订单0042x'}, '/out_trade_no'),
    ({'amount': {'total': 0}}, '/amount/total'),
    ({'amount': {'total': -1}}, '/amount/total'),
    ({'amount': {'total': 9.9}}, '/amount/total'),
    ({'amount': {'total': 990.0}}, '/amount/total'),
    ({'amount': {'total': '990'}}, '/amount/total'),
    ({'amount': {'total': True}}, '/amount/total'),
    ({'amount': {'total': 10 ** 30}}, '/amount/total'),
    ({'amount': {'total': 990, 'currency': 'USD'}}, '/amount/currency'),
    ({'amount': [990]}, '/amount'),
    ({'payer': {'openid': 'oForeign0000000000000000000'}}, '/payer/openid'),
    ({'detail': {'goods_detail': []}}, '/detail/goods_detail'),
    ({'detail': {'goods_detail': 'x'}}, '/detail/goods_detail'),
    ({'detail': {'goods_detail': [{'merchant_goods_id': 'é', 'quantity': 1, 'unit_price': 1}]}},
     '/detail/goods_detail/0/merchant_goods_id'),
    ({'detail': {'goods_detail': DETAIL['goods_detail'] * 200}}, '/detail'),
    ({'scene_info': {'device_id': '1'}}, '/scene_info/payer_client_ip'),
    ({'scene_info': {'payer_client_ip': 'here'}}, '/scene_info/payer_client_ip'),
    ({'settle_info': {'profit_sharing': 1}}, '/settle_info/profit_sharing'),
])
def test_a_wrong_field_is_named(sandbox, merchant, openid, changes, field):
    parameter(merchant.order(openid, **changes), field)
    assert not sandbox.get('orders')['orders']


def test_an_unknown_field_has_its_number(merchant, openid):
    assert merchant.order(openid, unknown=1).one('Request-ID').endswith('-270924358')


def test_null_is_not_the_same_as_leaving_out(merchant, openid):
    body = merchant.body(openid) | {'attach': None}
    parameter(merchant.call('POST', ORDER_PATH, body), '/attach')


@pytest.mark.parametrize('body', [
    b'', b'{', b'[]', b'"x"', b'{"appid": NaN}', b'{"appid":"a","appid":"a"}', b'[' * 100000,
    b'\xff\xfe{}',
])
def test_a_body_that_is_no_json_object(merchant, body):
    kind = {'Content-Type': 'application/json'}
    parameter(merchant.call('POST', ORDER_PATH, body=body, headers=kind), '/')


@pytest.mark.parametrize('url', [
    'http://shop.example.com/notify',
    'https://shop.example.com/notify?db=x',
    'https://shop.example.com/notify#x',
    'https://user:word@shop.example.com/notify',
    'https://shop.example.com',
    'https://10.0.0.1/notify',
    'https://8.8.8.8/notify',
    'https://intranet/notify',
    'https://shop.example.com/' + 'x' * 231,
    'https://shop.example.com/no tify',
    'https://商店.example.com/notify',
    'https://shop.example.com:x/notify',
    '/notify',
    'ftp://127.0.0.1/notify',
    '',
])
def test_a_notify_url_that_wechat_pay_would_not_call(merchant, openid, url):
    parameter(merchant.order(openid, notify_url=url), '/notify_url')


@pytest.mark.parametrize('url', [
    'https://shop.example.com/' + 'x' * 230,
    'https://shop.example.com:8443/payment/wechat_pay/notify/3',
    'http://127.0.0.1:8069/notify',
    'http://localhost:8069/notify',
    'http://[::1]:8069/notify',
])
def test_a_public_address_and_this_machine_are_taken(merchant, openid, url):
    assert merchant.order(openid, notify_url=url).status == 200


@pytest.mark.parametrize('text', [
    '2026-01-02', '2026-01-02T20:00:00', '2026-01-02 20:00:00+08:00', '20260102200000',
    '2026-02-30T20:00:00+08:00', '2026-01-02T20:00:00.123+08:00', '2026-01-02T20:00:00+0800', 'x',
])
def test_time_expire_must_be_rfc_3339_with_an_offset(merchant, openid, text):
    parameter(merchant.order(openid, time_expire=text), '/time_expire')


@pytest.mark.parametrize(('asked', 'given'), [
    (-3600, 60), (30, 60), (3600, 3600), (14 * 86400, 14 * 86400), (30 * 86400, 15 * 86400),
])
def test_time_expire_is_moved_into_its_bounds(sandbox, merchant, openid, asked, given):
    assert merchant.order(openid, time_expire=moment(sandbox, asked)).status == 200
    until = datetime.fromisoformat(sandbox_order(sandbox)['pay_until']).timestamp()
    assert until - sandbox.get('clock')['timestamp'] == pytest.approx(given, abs=3)
    moved = [text for text in sandbox.problems() if 'time_expire was moved to' in text]
    assert bool(moved) == (asked != given)


def test_without_time_expire_an_order_can_be_paid_for_seven_days(sandbox, merchant, openid):
    merchant.order(openid)
    until = datetime.fromisoformat(sandbox_order(sandbox)['pay_until']).timestamp()
    assert until - sandbox.get('clock')['timestamp'] == pytest.approx(7 * 86400, abs=3)


def test_utc_written_as_z_is_an_offset(sandbox, merchant, openid):
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    text = later.strftime('%Y-%m-%dT%H:%M:%SZ')
    assert merchant.order(openid, time_expire=text).status == 200


def test_the_appid_must_be_bound_to_the_merchant(sandbox, merchant, openid):
    sandbox.post('apps', appid='wx00000000000000cc')
    refused(merchant.order(openid, appid='wx00000000000000cc'), 400, 'APPID_MCHID_NOT_MATCH')
    sandbox.call('PATCH', f'merchants/{MCHID}', {'appids': [OTHER_APPID]})
    refused(merchant.order(openid), 400, 'APPID_MCHID_NOT_MATCH')


def test_an_openid_of_another_app_of_the_same_person_is_foreign(merchant, user):
    reply = merchant.order(user['openids'][OTHER_APPID])
    parameter(reply, '/payer/openid')
    assert merchant.order(user['openids'][OTHER_APPID], appid=OTHER_APPID).status == 200


def test_a_product_that_is_not_enabled(sandbox, merchant, openid):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'products': []})
    refused(merchant.order(openid), 403, 'NO_AUTH')


def test_the_same_order_again_gives_a_prepay_id_again(sandbox, merchant, openid):
    first = merchant.order(openid)
    second = merchant.order(openid)
    assert (first.status, second.status) == (200, 200)
    assert len(sandbox.get('orders')['orders']) == 1


def test_many_concurrent_calls_make_one_order(sandbox, merchant, openid):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _index: merchant.order(openid), range(8)))
    assert {reply.status for reply in replies} == {200}
    assert len(sandbox.get('orders')['orders']) == 1


@pytest.mark.parametrize('changes', [
    {'amount': {'total': 991, 'currency': 'CNY'}},
    {'amount': {'total': 990}},
    {'description': 'another'},
    {'notify_url': 'https://shop.example.com/other'},
    {'attach': 'x'},
    {'time_expire': '2040-01-01T00:00:00+08:00'},
])
def test_a_used_number_with_changed_parameters_is_refused(sandbox, merchant, openid, changes):
    merchant.order(openid)
    reply = merchant.order(openid, **changes)
    refused(reply, 403, 'OUT_TRADE_NO_USED')
    assert reply.one('Request-ID').endswith('-268498688')
    assert next(iter(changes)) in sandbox.problems()[0]


def test_a_changed_payer_is_a_changed_parameter(sandbox, merchant, openid):
    merchant.order(openid)
    other = sandbox.post('users')['openids'][APPID]
    refused(merchant.order(other), 403, 'OUT_TRADE_NO_USED')


def test_numbers_are_unique_per_merchant_only(sandbox, merchant, openid):
    data = sandbox.post('merchants', mchid='1900000888', appids=[APPID])
    merchant.order(openid)
    other = sandbox.merchant(**data)
    assert other.order(openid, amount={'total': 5}).status == 200
    assert other.query().json()['amount']['total'] == 5
    assert merchant.query().json()['amount']['total'] == 990


def test_a_closed_order_cannot_be_ordered_again(merchant, openid):
    merchant.order(openid)
    merchant.close()
    refused(merchant.order(openid), 400, 'ORDER_CLOSED')


def test_a_paid_order_cannot_be_ordered_or_closed(sandbox, merchant, openid):
    merchant.order(openid)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    refused(merchant.order(openid), 400, 'ORDERPAID')
    refused(merchant.close(), 400, 'ORDERPAID')
    assert merchant.query().json()['trade_state'] == 'SUCCESS'


def test_an_expired_order_cannot_be_ordered_again(sandbox, merchant, openid):
    expire = moment(sandbox, 120)
    merchant.order(openid, time_expire=expire)
    merchant.offset = 130
    sandbox.clock(130)
    refused(merchant.order(openid, time_expire=expire), 400, 'INVALID_REQUEST')
    assert merchant.query().json()['trade_state'] == 'NOTPAY'
    assert merchant.close().status == 204


def test_query_of_an_unpaid_order(merchant, openid):
    merchant.order(openid, attach='mine')
    data = merchant.query().json()
    assert data['trade_state'] == 'NOTPAY'
    assert data['amount'] == {'total': 990, 'currency': 'CNY'}
    assert (data['mchid'], data['appid'], data['out_trade_no']) == (MCHID, APPID, 'S00042_1')
    assert not {'transaction_id', 'success_time', 'attach', 'payer'} & set(data)


def test_query_of_a_paid_order_by_both_numbers(sandbox, merchant, openid):
    merchant.order(openid, attach='mine')
    paid = sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    data = merchant.query().json()
    assert data == {
        'mchid': MCHID, 'appid': APPID, 'out_trade_no': 'S00042_1',
        'transaction_id': paid['transaction_id'], 'trade_type': 'JSAPI',
        'trade_state': 'SUCCESS', 'trade_state_desc': '支付成功', 'bank_type': 'OTHERS',
        'attach': 'mine', 'success_time': data['success_time'], 'payer': {'openid': openid},
        'amount': {
            'total': 990, 'payer_total': 990, 'currency': 'CNY', 'payer_currency': 'CNY',
        },
    }
    assert data['success_time'].endswith('+08:00')
    assert len(data['transaction_id']) == 28
    target = f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={MCHID}"
    reply = merchant.call('GET', target)
    assert reply.json() == data
    assert merchant.signed_by(reply) == merchant.data['public_key_id']


def test_query_and_close_of_an_order_that_does_not_exist(sandbox, merchant, openid):
    refused(merchant.query(), 404, 'ORDER_NOT_EXIST')
    refused(merchant.close(), 404, 'ORDER_NOT_EXIST')
    target = f'/v3/pay/transactions/id/4200000000202601020000000001?mchid={MCHID}'
    refused(merchant.call('GET', target), 404, 'ORDER_NOT_EXIST')
    merchant.order(openid)
    other = sandbox.merchant(**sandbox.post('merchants', mchid='1900000888', appids=[APPID]))
    refused(other.query(), 404, 'ORDER_NOT_EXIST')


def test_query_wants_the_mchid_of_the_signature(merchant):
    target = '/v3/pay/transactions/out-trade-no/S00042_1'
    issue = parameter(merchant.call('GET', target), 'mchid', 'query')
    assert issue == "is required in the query string"
    parameter(merchant.call('GET', f'{target}?mchid=1900000002'), 'mchid', 'query')


def test_a_get_with_a_body_is_noted(sandbox, merchant, openid):
    merchant.order(openid)
    kind = {'Content-Type': 'application/json'}
    assert merchant.query(body=b'{}', headers=kind).status == 200
    assert sandbox.problems() == ["warning: a GET should have no body"]


def test_a_number_in_the_path_is_checked_too(merchant):
    parameter(merchant.query('abc'), 'out_trade_no', 'url')
    parameter(merchant.query('S00042%401'), 'out_trade_no', 'url')


def test_close_is_reentrant_and_leaves_the_order_closed(merchant, openid):
    merchant.order(openid)
    for _index in range(2):
        reply = merchant.close()
        assert (reply.status, reply.body) == (204, b'')
    assert merchant.query().json()['trade_state'] == 'CLOSED'


@pytest.mark.parametrize(('changes', 'field'), [
    ({'mchid': '1900000002'}, '/mchid'), ({'extra': 1}, '/extra'), ({'mchid': 1}, '/mchid'),
])
def test_close_takes_the_mchid_and_nothing_else(merchant, openid, changes, field):
    merchant.order(openid)
    parameter(merchant.close(**changes), field)
    assert merchant.query().json()['trade_state'] == 'NOTPAY'


def test_close_without_a_body(merchant, openid):
    merchant.order(openid)
    reply = merchant.call('POST', '/v3/pay/transactions/out-trade-no/S00042_1/close', body=b'')
    parameter(reply, '/')


def test_an_unpaid_order_closes_by_itself_after_seven_days(sandbox, merchant, openid):
    merchant.order(openid)
    merchant.offset = 7 * 86400 + 60
    sandbox.clock(merchant.offset)
    assert merchant.query().json()['trade_state'] == 'CLOSED'


def test_a_blank_at_the_end_of_a_description_is_only_noted(sandbox, merchant, openid):
    assert merchant.order(openid, description='Order ').status == 200
    assert sandbox.problems() == ["warning: description begins or ends with a blank"]


def test_answers_are_utf_8_json(merchant, openid):
    merchant.order(openid)
    reply = merchant.query()
    assert '订单未支付'.encode() in reply.body
    assert json.loads(reply.body)['trade_state_desc'] == '订单未支付'
