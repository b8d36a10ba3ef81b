# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Faults on demand, and that the sandbox is whole again after them."""

import time
from http.client import RemoteDisconnected

import pytest

from .merchant import APPID, ORDER_PATH
from .test_sandbox_login import exchange
from .test_sandbox_tokens import stable


def fault(sandbox, **options):
    return sandbox.post('faults', **options)


def test_a_fault_strikes_as_often_as_asked_and_then_no_more(sandbox, merchant):
    fault(sandbox, path='/out-trade-no/', action='status', status=502, code='X', times=2)
    assert [merchant.query().status for _index in range(3)] == [502, 502, 404]
    assert sandbox.get('faults')['faults'][0]['hits'] == 2


def test_method_path_and_skip_choose_the_request(sandbox, merchant, openid):
    fault(sandbox, method='post', path='^/v3/.*/jsapi$', action='status', skip=1)
    assert merchant.query().status == 404
    assert merchant.order(openid).status == 200
    assert merchant.order(openid).status == 500
    assert merchant.order(openid).status == 200


def test_without_a_number_of_times_it_lasts_until_deleted(sandbox, merchant):
    fault(sandbox, path='.', action='status', times=None)
    assert {merchant.query().status for _index in range(5)} == {500}
    assert sandbox.call('DELETE', 'faults').json() == {'faults': []}
    assert merchant.query().status == 404


def test_status_is_an_unsigned_error_before_processing(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='status', status=429, code='FREQUENCY_LIMITED')
    reply = merchant.order(openid)
    assert (reply.status, reply.json()['code']) == (429, 'FREQUENCY_LIMITED')
    assert not reply.one('Wechatpay-Signature')
    assert merchant.query().status == 404


def test_a_status_after_processing_loses_the_answer_only(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='status', status=500, processed=True)
    assert merchant.order(openid).status == 500
    assert merchant.query().status == 200


def test_drop_loses_the_answer_after_processing(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='drop')
    with pytest.raises(RemoteDisconnected):
        merchant.order(openid)
    assert merchant.query().json()['trade_state'] == 'NOTPAY'
    entry = sandbox.get('requests')['requests'][0]
    assert (entry['status'], entry['fault']) == (None, 'drop')


def test_refuse_before_closes_before_processing(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='refuse_before')
    with pytest.raises(RemoteDisconnected):
        merchant.order(openid)
    assert merchant.query().status == 404


def test_delay(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='delay', seconds=0.4)
    began = time.monotonic()
    assert merchant.order(openid).status == 200
    assert time.monotonic() - began >= 0.4


def test_garbage(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='garbage')
    reply = merchant.order(openid)
    assert reply.status == 200 and reply.body.startswith(b'<html>')
    assert not reply.one('Wechatpay-Signature')
    fault(sandbox, path='jsapi', action='garbage', signed=True, body='nonsense')
    reply = merchant.order(openid)
    assert reply.body == b'nonsense' and merchant.signed_by(reply)


def test_unsigned(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='unsigned')
    reply = merchant.order(openid)
    assert reply.status == 200 and 'prepay_id' in reply.json()
    assert not reply.one('Wechatpay-Signature')


@pytest.mark.parametrize('defect', [
    None, 'bad_signature', 'signtest', 'not_base64', 'unknown_serial', 'tampered_body',
    'missing_header:Wechatpay-Nonce', 'missing_header:Wechatpay-Signature',
])
def test_wrong_signature_with_each_defect(sandbox, merchant, openid, defect):
    options = {'defect': defect} if defect else {}
    fault(sandbox, path='jsapi', action='wrong_signature', **options)
    reply = merchant.order(openid)
    assert reply.status == 200 and 'prepay_id' in reply.json()
    if 'missing' in (defect or ''):
        assert not reply.one(defect.partition(':')[2])
    else:
        assert merchant.signed_by(reply) is None


def test_old_answers_and_doubled_headers(sandbox, merchant, openid):
    fault(sandbox, path='jsapi', action='wrong_signature', defect='old_timestamp')
    reply = merchant.order(openid)
    assert merchant.signed_by(reply)
    assert time.time() - int(reply.one('Wechatpay-Timestamp')) > 500
    fault(
        sandbox, path='jsapi', action='wrong_signature',
        defect='doubled_header:Wechatpay-Signature',
    )
    assert len(merchant.order(openid).all('Wechatpay-Signature')) == 2


def test_tampered_changes_the_body_after_signing(sandbox, merchant, openid):
    merchant.order(openid)
    fault(sandbox, path='out-trade-no', action='tampered',
          overrides={'trade_state': 'SUCCESS', 'amount.total': 1})
    reply = merchant.query()
    assert reply.json()['trade_state'] == 'SUCCESS' and reply.json()['amount']['total'] == 1
    assert merchant.signed_by(reply) is None
    fault(sandbox, path='out-trade-no', action='tampered')
    reply = merchant.query()
    assert reply.json()['trade_state'] == 'NOTPAY' and merchant.signed_by(reply) is None


def test_an_empty_answer_is_tampered_with_too(sandbox, merchant, openid):
    merchant.order(openid)
    fault(sandbox, path='/close$', action='tampered')
    reply = merchant.close()
    assert reply.status == 204 and reply.one('Wechatpay-Signature')
    assert merchant.signed_by(reply) is None
    assert merchant.signed_by(merchant.close())


def test_errcode_of_the_platform_leaves_the_code_unused(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    fault(sandbox, path='jscode2session', action='errcode', errcode=-1)
    reply = exchange(sandbox, code)
    assert reply.json()['errcode'] == -1 and reply.one('Content-Type') == 'text/plain'
    fault(sandbox, path='stable_token', action='errcode', errcode=40164, errmsg='invalid ip 1')
    data = stable(sandbox)
    assert data['errcode'] == 40164 and data['errmsg'].startswith('invalid ip 1, rid')
    assert 'openid' in exchange(sandbox, code).json()


def test_garbage_of_the_platform_uses_the_code_up(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    fault(sandbox, path='jscode2session', action='garbage')
    assert exchange(sandbox, code).body.startswith(b'<html>')
    assert exchange(sandbox, code).json()['errcode'] == 40163


@pytest.mark.parametrize(('options', 'word'), [
    ({'action': 'nonsense', 'path': '.'}, 'action'),
    ({'action': 'drop'}, 'path'),
    ({'action': 'drop', 'path': '('}, 'path'),
    ({'action': 'drop', 'path': '.', 'times': 0}, 'times'),
    ({'action': 'drop', 'path': '.', 'typo': 1}, 'typo'),
    ({'action': 'delay', 'path': '.'}, 'seconds'),
    ({'action': 'delay', 'path': '.', 'seconds': -1}, 'seconds'),
    ({'action': 'wrong_signature', 'path': '.', 'defect': 'x'}, 'defect'),
    ({'action': 'status', 'path': '.', 'status': '500'}, 'status'),
])
def test_a_fault_that_makes_no_sense_is_explained(sandbox, options, word):
    reply = sandbox.call('POST', 'faults', options)
    assert reply.status == 400 and word in reply.json()['error']


def test_reset_forgets_faults(sandbox, merchant, openid):
    fault(sandbox, path='.', action='status', times=None)
    sandbox.post('reset')
    assert merchant.call('GET', ORDER_PATH).status == 405
