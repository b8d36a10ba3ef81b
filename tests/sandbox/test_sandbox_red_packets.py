# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Red packets: unsigned XML over TLS with the merchant's certificate (wechat-pay.md A9.4)."""

from xml.etree import ElementTree

import pytest

from .merchant import APPID, MCHID
from .merchant_v2 import from_xml, send_tls, to_xml

ACCOUNT = 'wx00000000000000aa'
NUMBER = '1900000001202611210000000001'
DAY = 86400


class Sender:
    """A merchant who sends red packets; answers are read, none may be signed."""

    def __init__(self, merchant, openid):
        self.merchant = merchant
        self.openid = openid

    def post(self, call, values, certificate=...):
        body = to_xml(self.merchant.signed(values).items())
        if certificate is ...:
            certificate = self.merchant.certificate
        reply = send_tls(
            self.merchant.world['tls_url'], f'/mmpaymkttransfers/{call}', body,
            self.merchant.world['tls_ca_certificate'], certificate,
        )
        assert reply.status == 200
        root = ElementTree.fromstring(reply.body)  # noqa: S314 the sandbox's own
        self.people = [
            {item.tag: item.text for item in person} for person in root.iter('hbinfo')
        ]
        answer = {item.tag: item.text or '' for item in root}
        assert not {'sign', 'nonce_str'} & set(answer)
        return answer

    def send(self, call='sendredpack', certificate=..., **changes):
        values = {
            'appid': None, 'wxappid': ACCOUNT, 'mch_billno': NUMBER, 'send_name': '示例商店',
            're_openid': self.openid, 'total_amount': '100', 'total_num': '1',
            'wishing': '恭喜发财', 'act_name': '抢红包', 'remark': '快来抢',
            'client_ip': '203.0.113.9',
        } | changes
        return self.post(call, values, certificate)

    def send_group(self, **changes):
        return self.send(**{
            'call': 'sendgroupredpack', 'total_num': '3', 'total_amount': '300',
            'amt_type': 'ALL_RAND', 'client_ip': None,
        } | changes)

    def query(self, **changes):
        return self.post('gethbinfo', {
            'appid': ACCOUNT, 'mch_billno': NUMBER, 'bill_type': 'MCHT',
        } | changes)


@pytest.fixture
def sender(sandbox, merchant_v2, user):
    sandbox.post('apps', appid=ACCOUNT, app_type='official_account')
    merchant_v2.patch(appids=[APPID, ACCOUNT])
    users = sandbox.get('users')['users']
    return Sender(merchant_v2, users[0]['openids'][ACCOUNT])


def change(sandbox, action, **values):
    return sandbox.post('red_packet', mchid=MCHID, mch_billno=NUMBER, action=action, **values)


def fine(answer):
    assert (answer['return_code'], answer['result_code']) == ('SUCCESS', 'SUCCESS'), answer
    return answer


def refused(answer, code):
    assert answer['result_code'] == 'FAIL' and answer['err_code'] == code, answer
    return answer


def test_a_red_packet_is_sent_and_received(sandbox, sender):
    answer = fine(sender.send())
    assert (answer['mch_billno'], answer['mch_id'], answer['wxappid']) == (NUMBER, MCHID, ACCOUNT)
    assert (answer['re_openid'], answer['total_amount']) == (sender.openid, '100')
    assert len(answer['send_listid']) >= 28
    waiting = fine(sender.query())
    assert (waiting['status'], waiting['hb_type'], waiting['total_num']) == ('SENT', 'NORMAL', '1')
    assert sender.people == [] and 'hblist' not in waiting
    change(sandbox, 'receive')
    assert sender.query()['status'] == 'RECEIVED'
    person, = sender.people
    assert (person['openid'], person['amount']) == (sender.openid, '100')
    assert person['rcv_time']


def test_the_same_number_again_is_the_same_red_packet(sandbox, sender):
    first = fine(sender.send())
    assert fine(sender.send())['send_listid'] == first['send_listid']
    assert len(sandbox.get('red_packets')['red_packets']) == 1


def test_the_same_number_with_another_amount_or_person_is_refused(sandbox, sender):
    fine(sender.send())
    refused(sender.send(total_amount='101'), 'FATAL_ERROR')
    other = sandbox.post('users')['openids'][ACCOUNT]
    refused(sender.send(re_openid=other), 'FATAL_ERROR')
    assert sandbox.get('red_packets')['red_packets'][0]['amount'] == 100


def test_it_stays_on_its_way_until_told(sandbox, sender):
    sandbox.post('money_settings', red_packet_sending=True)
    fine(sender.send())
    assert sender.query()['status'] == 'SENDING'
    change(sandbox, 'sent')
    assert sender.query()['status'] == 'SENT'


def test_one_that_failed_gives_the_money_back_and_stays_failed(sandbox, sender):
    sandbox.post('funds', mchid=MCHID, balance=150)
    fine(sender.send())
    change(sandbox, 'fail', reason='对方账户异常')
    answer = sender.query()
    assert (answer['status'], answer['reason']) == ('FAILED', '对方账户异常')
    assert sandbox.get('world')['merchants'][0]['balance'] == 150
    refused(sender.send(), 'SEND_FAILED')


def test_what_nobody_takes_within_a_day_goes_back(sandbox, sender):
    sandbox.post('funds', mchid=MCHID, balance=100)
    fine(sender.send())
    sandbox.post('age', seconds=DAY - 60)
    assert sender.query()['status'] == 'SENT'
    sandbox.post('age', seconds=60)
    answer = sender.query()
    assert (answer['status'], answer['refund_amount']) == ('REFUND', '100')
    assert answer['refund_time'] > answer['send_time']
    assert sandbox.get('world')['merchants'][0]['balance'] == 100
    assert sandbox.call('POST', 'red_packet', {
        'mchid': MCHID, 'mch_billno': NUMBER, 'action': 'receive'}).status == 400


def test_money_on_its_way_back_is_a_state_of_its_own(sandbox, sender):
    fine(sender.send())
    change(sandbox, 'refunding')
    assert sender.query()['status'] == 'RFUND_ING'
    change(sandbox, 'refund')
    assert sender.query()['status'] == 'REFUND'


def test_nobody_else_opens_a_normal_one(sandbox, sender):
    fine(sender.send())
    stranger = sandbox.post('users')['user']
    reply = sandbox.call('POST', 'red_packet', {
        'mchid': MCHID, 'mch_billno': NUMBER, 'action': 'receive', 'user': stranger})
    assert reply.status == 400 and sender.query()['status'] == 'SENT'


def test_a_group_shares_the_whole_amount(sandbox, sender):
    fine(sender.send_group())
    for _person in range(3):
        change(sandbox, 'receive')
    answer = sender.query()
    assert (answer['status'], answer['hb_type']) == ('RECEIVED', 'GROUP')
    assert len({item['openid'] for item in sender.people}) == 3
    amounts = [int(item['amount']) for item in sender.people]
    assert sum(amounts) == 300 and min(amounts) >= 1


def test_what_a_group_leaves_goes_back(sandbox, sender):
    fine(sender.send_group())
    taken = change(sandbox, 'receive')['received'][0]['amount']
    sandbox.post('age', seconds=DAY)
    answer = sender.query()
    assert (answer['status'], int(answer['refund_amount'])) == ('REFUND', 300 - taken)
    assert len(sender.people) == 1


@pytest.mark.parametrize(('changes', 'code'), [
    ({'total_amount': '99'}, 'MONEY_LIMIT'),
    ({'total_amount': '20001'}, 'MONEY_LIMIT'),
    ({'total_amount': '20001', 'scene_id': 'PRODUCT_9'}, 'PARAM_ERROR'),
    ({'total_amount': '29', 'scene_id': 'PRODUCT_1'}, 'MONEY_LIMIT'),
    ({'total_amount': '1.00'}, 'PARAM_ERROR'),
    ({'total_num': '2'}, 'PARAM_ERROR'),
    ({'mch_billno': '1' * 29}, 'PARAM_ERROR'),
    ({'send_name': None}, 'PARAM_ERROR'),
    ({'client_ip': '::1'}, 'PARAM_ERROR'),
    ({'surplus': '1'}, 'PARAM_ERROR'),
    ({'re_openid': 'oNobody'}, 'OPENID_ERROR'),
    ({'wxappid': APPID}, 'ILLEGAL_APPID'),
    ({'wxappid': 'wx00000000000000ff'}, 'ILLEGAL_APPID'),
    ({'msgappid': 'wx00000000000000ff'}, 'MSGAPPID_ERROR'),
])
def test_a_red_packet_that_cannot_be_sent(sandbox, sender, changes, code):
    answer = refused(sender.send(**changes), code)
    assert answer['return_code'] == 'SUCCESS' and answer['err_code_des']
    assert sandbox.get('red_packets')['red_packets'] == []


@pytest.mark.parametrize('changes', [
    {'total_amount': '30', 'scene_id': 'PRODUCT_1'},
    {'total_amount': '500000', 'scene_id': 'PRODUCT_8'},
    {'total_amount': '20000'},
])
def test_amounts_at_the_limits(sender, changes):
    fine(sender.send(**changes))


@pytest.mark.parametrize(('changes', 'code'), [
    ({'total_num': '2'}, 'PARAM_ERROR'),
    ({'total_num': '21', 'total_amount': '2100'}, 'PARAM_ERROR'),
    ({'total_amount': '299'}, 'MONEY_LIMIT'),
    ({'total_amount': '60001'}, 'MONEY_LIMIT'),
    ({'amt_type': None}, 'PARAM_ERROR'),
    ({'amt_type': 'SAME'}, 'PARAM_ERROR'),
])
def test_a_group_packet_that_cannot_be_sent(sender, changes, code):
    refused(sender.send_group(**changes), code)


def test_without_enough_money_nothing_is_sent(sandbox, sender):
    sandbox.post('funds', mchid=MCHID, balance=99)
    refused(sender.send(), 'NOTENOUGH')
    refused(sender.query(), 'NOT_FOUND')
    sandbox.post('top_up', mchid=MCHID, amount=1)
    fine(sender.send())


def test_one_person_gets_ten_a_day(sandbox, sender):
    for index in range(10):
        fine(sender.send(mch_billno=f'{NUMBER[:-2]}{index:02d}'))
    refused(sender.send(mch_billno=f'{NUMBER[:-2]}99'), 'SENDNUM_LIMIT')
    sandbox.post('age', seconds=DAY)
    fine(sender.send(mch_billno=f'{NUMBER[:-2]}99'))


def test_one_in_a_mini_program_gives_the_client_a_package(sandbox, sender, openid):
    answer = fine(sender.send(
        'sendminiprogramhb', wxappid=APPID, re_openid=openid, client_ip=None,
        notify_way='MINI_PROGRAM_JSAPI'))
    assert 'sendid=' in answer['package']
    refused(sender.send(
        'sendminiprogramhb', mch_billno='2' * 28, client_ip=None,
        notify_way='MINI_PROGRAM_JSAPI'), 'ILLEGAL_APPID')


def test_the_certificate_and_the_sign_are_demanded(sandbox, sender, merchant_v2):
    refused(sender.send(certificate=None), 'CA_ERROR')
    body = to_xml((sender.merchant.signed({
        'wxappid': ACCOUNT, 'mch_billno': NUMBER}) | {'sign': 'A' * 32}).items())
    reply = send_tls(
        sender.merchant.world['tls_url'], '/mmpaymkttransfers/sendredpack', body,
        sender.merchant.world['tls_ca_certificate'], sender.merchant.certificate)
    refused(from_xml(reply.body), 'SIGN_ERROR')
    merchant_v2.sign_type = 'HMAC-SHA256'
    refused(sender.send(), 'SIGN_ERROR')
    assert sandbox.get('red_packets')['red_packets'] == []


def test_the_sign_is_md5_whatever_the_merchant_has_chosen_for_orders(sandbox, sender):
    sender.merchant.patch(v2_sign_type='HMAC-SHA256')
    fine(sender.send())


def test_a_number_that_was_never_sent_is_not_found(sender):
    refused(sender.query(), 'NOT_FOUND')
    refused(sender.query(bill_type='ALL'), 'PARAM_ERROR')


def test_a_failure_may_come_with_either_return_code(sandbox, sender):
    sandbox.post('money_settings', red_packet_return_code='FAIL')
    answer = refused(sender.send(total_amount='1'), 'MONEY_LIMIT')
    assert answer['return_code'] == 'FAIL'


@pytest.mark.parametrize('processed', [True, False])
@pytest.mark.parametrize('code', ['SYSTEMERROR', 'PROCESSING', 'SEND_FAILED', 'FREQ_LIMIT'])
def test_a_code_on_demand_says_nothing_of_what_was_done(sandbox, sender, code, processed):
    sandbox.post(
        'faults', action='err_code', path='sendredpack', err_code=code, processed=processed)
    answer = refused(sender.send(), code)
    assert answer['mch_billno'] == NUMBER
    if processed:
        assert fine(sender.query())['status'] == 'SENT'
    else:
        refused(sender.query(), 'NOT_FOUND')


def test_without_an_answer_it_may_be_sent_all_the_same(sandbox, sender):
    sandbox.post('faults', action='drop', path='sendredpack')
    with pytest.raises(OSError):
        sender.send()
    assert fine(sender.query())['status'] == 'SENT'
