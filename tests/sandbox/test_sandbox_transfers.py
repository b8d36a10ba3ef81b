# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Transfers that the payee confirms: create, query, cancel, notification (wechat-pay.md A9)."""

import base64
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from .merchant import APPID, MCHID, OTHER_APPID, load_private

PATH = '/v3/fund-app/mch-transfer/transfer-bills'
NUMBER = 'T000420001'
DAY = 86400


def oaep():
    sha1 = hashes.SHA1()  # noqa: S303 what the service uses (A2.4)
    return padding.OAEP(padding.MGF1(sha1), sha1, None)


def sealed(merchant, text):
    key = serialization.load_pem_public_key(merchant.data['public_key'].encode())
    return base64.b64encode(key.encrypt(text.encode(), oaep())).decode()


def body(openid, /, **changes):
    data = {
        'appid': APPID, 'out_bill_no': NUMBER, 'transfer_scene_id': '1000', 'openid': openid,
        'transfer_amount': 100, 'transfer_remark': '活动奖励', 'user_recv_perception': '现金奖励',
        'transfer_scene_report_infos': [
            {'info_type': '活动名称', 'info_content': '新会员有礼'},
            {'info_type': '奖励说明', 'info_content': '注册会员抽奖一等奖'},
        ],
    } | changes
    return {name: value for name, value in data.items() if value is not None}


@pytest.fixture
def create(merchant, openid):
    def call(**changes):
        return merchant.call('POST', PATH, body(openid, **changes))
    return call


@pytest.fixture
def query(merchant):
    def call(number=NUMBER):
        return merchant.call('GET', f'{PATH}/out-bill-no/{number}')
    return call


def cancel(merchant, number=NUMBER, **options):
    return merchant.call('POST', f'{PATH}/out-bill-no/{number}/cancel', **options)


def change(sandbox, action, **values):
    return sandbox.post('transfer', mchid=MCHID, out_bill_no=NUMBER, action=action, **values)


def balance(sandbox):
    return sandbox.get('world')['merchants'][0]['balance']


def test_a_transfer_waits_for_its_payee_and_arrives(sandbox, merchant, create, query, user):
    reply = create()
    assert reply.status == 200 and merchant.signed_by(reply)
    made = reply.json()
    assert set(made) == {
        'out_bill_no', 'transfer_bill_no', 'create_time', 'state', 'package_info'}
    assert (made['out_bill_no'], made['state']) == (NUMBER, 'WAIT_USER_CONFIRM')
    shown = query().json()
    assert shown['state'] == 'WAIT_USER_CONFIRM' and 'package_info' not in shown
    done = sandbox.post('request_merchant_transfer', appid=APPID, user=user['user'], parameters={
        'mchId': MCHID, 'appId': APPID, 'package': made['package_info']})
    assert done['errMsg'] == 'requestMerchantTransfer:ok'
    shown = query().json()
    assert (shown['state'], shown['mch_id'], shown['transfer_amount']) == ('SUCCESS', MCHID, 100)
    assert shown['transfer_bill_no'] == made['transfer_bill_no']
    assert shown['openid'] == user['openids'][APPID]
    assert shown['create_time'] and shown['update_time']
    assert merchant.call(
        'GET', f"{PATH}/transfer-bill-no/{made['transfer_bill_no']}").json() == shown


def test_the_same_request_again_is_the_same_transfer(sandbox, create):
    first, again = create().json(), create().json()
    assert first == again
    assert len(sandbox.get('transfers')['transfers']) == 1
    change(sandbox, 'confirm')
    done = create().json()
    assert done['state'] == 'SUCCESS' and 'package_info' not in done


def test_a_number_with_other_parameters_is_refused(create):
    create()
    for changes in ({'transfer_amount': 101}, {'transfer_remark': 'x'}):
        reply = create(**changes)
        assert (reply.status, reply.json()['code']) == (400, 'INVALID_REQUEST')


@pytest.mark.parametrize(('changes', 'field'), [
    ({'out_bill_no': 'T-1'}, '/out_bill_no'),
    ({'out_bill_no': 'T' * 33}, '/out_bill_no'),
    ({'transfer_remark': '备' * 33}, '/transfer_remark'),
    ({'transfer_amount': 0}, '/transfer_amount'),
    ({'transfer_amount': '100'}, '/transfer_amount'),
    ({'transfer_amount': 200000}, '/user_name'),
    ({'transfer_amount': 29, 'user_name': 'x'}, '/user_name'),
    ({'user_name': 'not encrypted'}, '/user_name'),
    ({'openid': 'oNobody'}, '/openid'),
    ({'notify_url': 'https://shop.example.com/x?y=1'}, '/notify_url'),
    ({'notify_url': 'http://shop.example.com/x'}, '/notify_url'),
    ({'transfer_scene_report_infos': None}, '/transfer_scene_report_infos'),
    ({'user_recv_style': {'type': 'GOLD'}}, '/user_recv_style/type'),
    ({'surplus': 1}, '/surplus'),
])
def test_a_field_that_is_wrong(sandbox, create, changes, field):
    reply = create(**changes)
    assert (reply.status, reply.json()['code']) == (400, 'PARAM_ERROR')
    assert reply.json()['detail']['field'] == field
    assert sandbox.get('transfers')['transfers'] == []


@pytest.mark.parametrize('changes', [
    {'appid': 'wx00000000000000ff'},
    {'transfer_scene_id': '1002'},
    {'user_recv_perception': '报销款'},
    {'transfer_scene_report_infos': [{'info_type': '活动名称', 'info_content': 'x'}]},
    {'transfer_scene_report_infos': [
        {'info_type': '岗位类型', 'info_content': 'x'},
        {'info_type': '报酬说明', 'info_content': 'x'},
    ]},
    {'transfer_amount': 9},
])
def test_a_rule_that_is_broken(create, changes):
    reply = create(**changes)
    assert (reply.status, reply.json()['code']) == (400, 'INVALID_REQUEST')


def test_the_scenes_are_the_merchant_s_own(sandbox, create):
    infos = [{'info_type': '采购商品名称', 'info_content': '苹果'}]
    sandbox.post('transfer_scenes', mchid=MCHID, scenes={
        '1009': {'infos': ['采购商品名称'], 'perceptions': ['货款']}})
    assert create().json()['code'] == 'INVALID_REQUEST'
    reply = create(
        transfer_scene_id='1009', user_recv_perception=None, transfer_scene_report_infos=infos)
    assert reply.status == 200
    sandbox.post('transfer_scenes', mchid=MCHID, scenes={})
    assert (create().status, create().json()['code']) == (403, 'NO_AUTH')


def test_the_name_is_demanded_of_large_amounts_and_compared(sandbox, merchant, create, query, user):
    sandbox.post('real_name', user=user['user'], name='张三')
    first = create(transfer_amount=200000, user_name=sealed(merchant, '张三'))
    assert first.json()['state'] == 'WAIT_USER_CONFIRM'
    # Encrypted afresh it is another text and the same name.
    again = create(transfer_amount=200000, user_name=sealed(merchant, '张三'))
    assert again.json() == first.json()
    name = load_private(merchant.data['merchant_private_key']).decrypt(
        base64.b64decode(query().json()['user_name']), oaep())
    assert name.decode() == '张三'
    other = create(out_bill_no='T2', user_name=sealed(merchant, '李四')).json()
    assert (other['state'], other['fail_reason']) == ('FAIL', 'NAME_NOT_CORRECT')
    unnamed = merchant.call(
        'POST', PATH, body(user['openids'][APPID], user_name=sealed(merchant, '张三')),
        drop=['Wechatpay-Serial'])
    assert unnamed.json()['detail']['field'] == 'Wechatpay-Serial'


def test_other_addresses_than_the_merchant_s_are_refused(sandbox, create):
    sandbox.post('transfer_ips', mchid=MCHID, addresses=['203.0.113.9'])
    reply = create()
    assert (reply.status, reply.json()['code']) == (400, 'INVALID_REQUEST')
    sandbox.post('transfer_ips', mchid=MCHID, addresses=['127.0.0.1'])
    assert create().status == 200


def test_accepted_without_money_goes_on_when_asked_again(sandbox, create, query):
    sandbox.post('funds', mchid=MCHID, balance=99)
    assert create().json()['state'] == 'ACCEPTED'
    assert query().json()['state'] == 'ACCEPTED'
    assert create().json()['state'] == 'ACCEPTED'
    sandbox.post('top_up', mchid=MCHID, amount=1)
    assert query().json()['state'] == 'ACCEPTED'
    made = create().json()
    assert made['state'] == 'WAIT_USER_CONFIRM' and made['package_info']
    assert balance(sandbox) == 0


def test_processing_without_money_goes_on_by_itself(sandbox, create, query):
    sandbox.post('money_settings', transfer_short_of_funds='PROCESSING')
    sandbox.post('funds', mchid=MCHID, balance=0)
    assert create().json()['state'] == 'PROCESSING'
    sandbox.post('top_up', mchid=MCHID, amount=100)
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'


def test_not_enough_can_be_a_refusal(sandbox, create, query):
    sandbox.post('money_settings', transfer_short_of_funds='NOT_ENOUGH')
    sandbox.post('funds', mchid=MCHID, balance=0)
    reply = create()
    assert (reply.status, reply.json()['code']) == (403, 'NOT_ENOUGH')
    assert (query().status, query().json()['code']) == (404, 'NOT_FOUND')


def test_what_is_not_confirmed_within_a_day_comes_back(sandbox, create, query):
    sandbox.post('funds', mchid=MCHID, balance=100)
    create()
    assert balance(sandbox) == 0
    sandbox.post('age', seconds=DAY - 60)
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'
    sandbox.post('age', seconds=60)
    shown = query().json()
    assert (shown['state'], shown['fail_reason']) == ('FAIL', 'OVERDUE_CLOSE')
    assert balance(sandbox) == 100


def test_a_failure_has_its_reason_and_gives_the_money_back(sandbox, create, query):
    sandbox.post('funds', mchid=MCHID, balance=100)
    create()
    change(sandbox, 'fail', reason='ACCOUNT_FROZEN')
    assert query().json()['fail_reason'] == 'ACCOUNT_FROZEN'
    assert balance(sandbox) == 100


def test_on_its_way_it_can_still_arrive_or_fail(sandbox, create, query):
    sandbox.post('money_settings', transfer_stays_transfering=True)
    create()
    assert change(sandbox, 'confirm')['state'] == 'TRANSFERING'
    assert query().json()['state'] == 'TRANSFERING'
    assert change(sandbox, 'finish', state='SUCCESS')['state'] == 'SUCCESS'


def test_a_cancelled_transfer_ends_a_moment_later(sandbox, merchant, create, query):
    sandbox.post('funds', mchid=MCHID, balance=100)
    create()
    reply = cancel(merchant)
    assert reply.status == 200 and merchant.signed_by(reply)
    assert set(reply.json()) == {'out_bill_no', 'transfer_bill_no', 'state', 'update_time'}
    assert reply.json()['state'] == 'CANCELING'
    for _try in range(50):
        if query().json()['state'] == 'CANCELLED':
            break
        time.sleep(0.05)
    assert query().json()['state'] == 'CANCELLED' and balance(sandbox) == 100
    assert cancel(merchant).json()['state'] == 'CANCELLED'


def test_a_cancellation_may_take_its_time_and_may_lose(sandbox, merchant, create, query, user):
    sandbox.post('money_settings', transfer_stays_canceling=True)
    package = create().json()['package_info']
    cancel(merchant)
    time.sleep(0.4)
    assert query().json()['state'] == 'CANCELING'
    asked = sandbox.post('request_merchant_transfer', appid=APPID, user=user['user'], parameters={
        'mchId': MCHID, 'appId': APPID, 'package': package})
    assert asked['errMsg'] == 'requestMerchantTransfer:fail (the transfer is CANCELING)'
    assert change(sandbox, 'finish', state='SUCCESS')['state'] == 'SUCCESS'


def test_what_arrived_is_not_cancelled(sandbox, merchant, create, query):
    create()
    change(sandbox, 'confirm')
    reply = cancel(merchant)
    assert (reply.status, reply.json()['code']) == (400, 'INVALID_REQUEST')
    assert query().json()['state'] == 'SUCCESS'


def test_cancel_takes_no_body_and_only_known_numbers(merchant, create):
    assert cancel(merchant).json()['code'] == 'NOT_FOUND'
    create()
    assert cancel(merchant, data={}).json()['code'] == 'PARAM_ERROR'
    assert cancel(merchant, 'T-1').json()['detail']['location'] == 'url'


def test_of_cancel_and_confirm_at_once_one_wins(sandbox, merchant, create, query):
    sandbox.post('funds', mchid=MCHID, balance=5000)
    for index in range(5):
        number = f'T{index}'
        create(out_bill_no=number)
        outcomes = {}

        def confirm(number=number, outcomes=outcomes):
            outcomes['confirm'] = sandbox.call('POST', 'transfer', {
                'mchid': MCHID, 'out_bill_no': number, 'action': 'confirm'}).status

        def take_back(number=number, outcomes=outcomes):
            outcomes['cancel'] = cancel(merchant, number).status
        threads = [threading.Thread(target=run) for run in (confirm, take_back)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes.values()) == [200, 400]
        expected = ('SUCCESS',) if outcomes['confirm'] == 200 else ('CANCELING', 'CANCELLED')
        assert query(number).json()['state'] in expected


@pytest.mark.parametrize('changes', [
    {'package': 'x'}, {'mchId': '1900000888'}, {'appId': OTHER_APPID}, {'package': ''},
    {'other': 'x'},
])
def test_the_client_call_is_checked(sandbox, create, query, user, changes):
    parameters = {
        'mchId': MCHID, 'appId': APPID, 'package': create().json()['package_info'],
    } | changes
    done = sandbox.post(
        'request_merchant_transfer', appid=APPID, user=user['user'], parameters=parameters)
    assert done['errMsg'].startswith('requestMerchantTransfer:fail')
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'


def test_another_person_cannot_confirm_and_a_cancel_changes_nothing(sandbox, create, query, user):
    parameters = {'mchId': MCHID, 'appId': APPID, 'package': create().json()['package_info']}
    other = sandbox.post('users')['user']
    for name, options in ((other, {}), (user['user'], {'cancel': True})):
        done = sandbox.post(
            'request_merchant_transfer', appid=APPID, user=name, parameters=parameters, **options)
        assert 'fail' in done['errMsg']
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'


@pytest.mark.parametrize('name', ['mch_id', 'mchid'])
def test_the_merchant_is_told_of_the_end(sandbox, merchant, create, shop, name):
    sandbox.post('money_settings', transfer_notify_mchid=name)
    made = create(notify_url=shop.url).json()
    assert change(sandbox, 'confirm')['notification']['status'] == 204
    message = shop.received[0].json()
    assert message['event_type'] == 'MCHTRANSFER.BILL.FINISHED'
    assert message['resource']['original_type'] == 'mch_payment'
    told = shop.order_object(merchant)
    assert told[name] == MCHID and not ({'mch_id', 'mchid'} - {name}) & set(told)
    assert (told['out_bill_no'], told['transfer_bill_no'], told['state']) == (
        NUMBER, made['transfer_bill_no'], 'SUCCESS')
    assert told['transfer_amount'] == 100 and told['openid']
    assert merchant.signed_by(shop.received[0])


def test_a_cancelled_transfer_is_told_of_as_well(sandbox, merchant, create, shop):
    create(notify_url=shop.url)
    cancel(merchant)
    for _try in range(60):
        if shop.received:
            break
        time.sleep(0.05)
    assert shop.order_object(merchant)['state'] == 'CANCELLED'


def test_a_notification_can_be_early_forged_or_spoilt(sandbox, merchant, create, query, shop):
    create(notify_url=shop.url)

    def tell(**values):
        return sandbox.post('notify_transfer', mchid=MCHID, out_bill_no=NUMBER, **values)
    tell()
    assert shop.order_object(merchant)['state'] == 'SUCCESS'
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'
    tell(overrides={'transfer_amount': 1, 'openid': None})
    told = shop.order_object(merchant)
    assert told['transfer_amount'] == 1 and 'openid' not in told
    tell(defect='bad_signature')
    assert merchant.signed_by(shop.received[-1]) is None
    assert len(tell(repeat=3)['answers']) == 3


def test_a_time_out_or_an_error_says_nothing_of_what_was_done(sandbox, create, query):
    sandbox.post('faults', action='drop', path='transfer-bills$')
    with pytest.raises(OSError):
        create()
    assert query().json()['state'] == 'WAIT_USER_CONFIRM'
    sandbox.post('faults', action='status', path='transfer-bills$', status=500, processed=True)
    assert create(out_bill_no='T2').status == 500
    assert query('T2').json()['state'] == 'WAIT_USER_CONFIRM'
    sandbox.post('faults', action='status', path='transfer-bills$', status=500)
    assert create(out_bill_no='T3').status == 500
    assert query('T3').status == 404
