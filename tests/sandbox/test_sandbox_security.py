# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Encrypted fields, the self-test, certificates, the backup host, v2 XML (A2, A6.3, B3.2)."""

import base64
import hashlib
import re
from http.client import RemoteDisconnected

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509 import load_pem_x509_certificate

from .merchant import APPID, MCHID, REFUND_PATH, Sandbox, decrypt, load_private
from .test_sandbox_notifications import signer
from .test_sandbox_orders import parameter
from .test_sandbox_refunds import outcome
from .test_sandbox_signature import refused

OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
ECHO = '/v3/security/echo'


def seal(pem, text, scheme=OAEP):
    if 'CERTIFICATE' in pem:
        key = load_pem_x509_certificate(pem.encode()).public_key()
    else:
        key = serialization.load_pem_public_key(pem.encode())
    return base64.b64encode(key.encrypt(text.encode(), scheme)).decode()


# === Echo === #

def test_echo_says_both_back_the_second_for_the_merchants_certificate(merchant):
    sealed = seal(merchant.data['public_key'], "秘密")
    reply = merchant.call('POST', ECHO, {
        'echo_message': "你好", 'encrypted_echo_message': sealed,
        'notify_url': 'https://shop.example.com/echo',
    })
    assert reply.status == 200 and merchant.signed_by(reply)
    assert reply.json()['echo_message'] == "你好"
    back = base64.b64decode(reply.json()['encrypted_echo_message'])
    key = load_private(merchant.data['merchant_private_key'])
    assert key.decrypt(back, OAEP).decode() == "秘密"
    assert merchant.call('POST', ECHO, {'echo_message': 'x'}).json() == {'echo_message': 'x'}


def test_echo_with_a_platform_certificate(merchant):
    item = merchant.data['platform_certificates'][0]
    reply = merchant.call(
        'POST', ECHO,
        {'echo_message': 'x', 'encrypted_echo_message': seal(item['certificate'], 'x')},
        headers={'Wechatpay-Serial': item['serial_no']},
    )
    assert reply.status == 200 and merchant.signed_by(reply) == item['serial_no']


def test_echo_refuses_what_it_cannot_decrypt(merchant):
    data = {'echo_message': 'x'}
    parameter(merchant.call('POST', ECHO, {}), '/echo_message')
    parameter(merchant.call('POST', ECHO, data | {'other': 1}), '/other')
    reply = merchant.call('POST', ECHO, data, drop=['Wechatpay-Serial'])
    parameter(reply, 'Wechatpay-Serial', 'header')
    wrong = [
        'not base64!', 'AAAA',
        seal(merchant.data['merchant_certificate'], 'x'),
        seal(merchant.data['platform_certificates'][0]['certificate'], 'x'),
        seal(merchant.data['public_key'], 'x', padding.PKCS1v15()),
        seal(merchant.data['public_key'], 'x', padding.OAEP(
            padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)),
    ]
    for text in wrong:
        reply = merchant.call('POST', ECHO, data | {'encrypted_echo_message': text})
        parameter(reply, '/encrypted_echo_message')


# === Abnormal refunds === #

@pytest.fixture
def abnormal(sandbox, paid):
    refund_id = paid.refund(400).json()['refund_id']
    outcome(sandbox, 'ABNORMAL', notify=False)
    paid.target = f'{REFUND_PATH}/{refund_id}/apply-abnormal-refund'
    return paid


def card(merchant, **changes):
    key = merchant.data['public_key']
    data = {
        'out_refund_no': 'R00042_1', 'type': 'USER_BANK_CARD', 'bank_type': 'ICBC_DEBIT',
        'bank_account': seal(key, '6222020000000000001'), 'real_name': seal(key, "张三"),
    } | changes
    return {name: value for name, value in data.items() if value is not None}


def test_an_abnormal_refund_goes_to_another_card(sandbox, abnormal):
    reply = abnormal.call('POST', abnormal.target, card(abnormal))
    assert reply.status == 200, reply.body
    assert (reply.json()['status'], reply.json()['channel']) == ('PROCESSING', 'OTHER_BANKCARD')
    shown, = sandbox.get('refunds')['refunds']
    assert shown['abnormal'] == {
        'type': 'USER_BANK_CARD', 'bank_type': 'ICBC_DEBIT',
        'bank_account': '6222020000000000001', 'real_name': "张三",
    }
    assert '6222020000000000001' not in str(sandbox.get('requests'))
    outcome(sandbox, 'SUCCESS', notify=False)
    assert abnormal.query_refund().json()['status'] == 'SUCCESS'


def test_an_abnormal_refund_goes_to_the_merchants_own_card(abnormal):
    data = {'out_refund_no': 'R00042_1', 'type': 'MERCHANT_BANK_CARD'}
    reply = abnormal.call('POST', abnormal.target, data, drop=['Wechatpay-Serial'])
    assert reply.status == 200, reply.body


@pytest.mark.parametrize(('changes', 'field'), [
    ({'out_refund_no': None}, '/out_refund_no'),
    ({'type': None}, '/type'),
    ({'type': 'OTHER'}, '/type'),
    ({'type': 'MERCHANT_BANK_CARD'}, '/bank_type'),
    ({'bank_type': None}, '/bank_type'),
    ({'bank_type': 'ICBC_CREDIT'}, '/bank_type'),
    ({'bank_account': None}, '/bank_account'),
    ({'bank_account': '6222020000000000001'}, '/bank_account'),
    ({'real_name': None}, '/real_name'),
    ({'real_name': "张三"}, '/real_name'),
    ({'refund_id': '1'}, '/refund_id'),
])
def test_a_wrong_field_of_an_abnormal_refund_is_named(abnormal, changes, field):
    parameter(abnormal.call('POST', abnormal.target, card(abnormal, **changes)), field)
    assert abnormal.query_refund().json()['status'] == 'ABNORMAL'


def test_the_encrypted_fields_belong_to_the_key_that_is_named(abnormal):
    item = abnormal.data['platform_certificates'][0]
    reply = abnormal.call(
        'POST', abnormal.target, card(abnormal), headers={'Wechatpay-Serial': item['serial_no']},
    )
    parameter(reply, '/bank_account')
    reply = abnormal.call('POST', abnormal.target, card(abnormal), drop=['Wechatpay-Serial'])
    parameter(reply, 'Wechatpay-Serial', 'header')
    wrong = card(abnormal, bank_account=seal(abnormal.data['public_key'], 'my card'))
    parameter(abnormal.call('POST', abnormal.target, wrong), '/bank_account')


def test_only_an_abnormal_refund_is_completed_and_by_both_its_numbers(sandbox, abnormal):
    wrong = card(abnormal, out_refund_no='R00042_2')
    refused(abnormal.call('POST', abnormal.target, wrong), 404, 'RESOURCE_NOT_EXISTS')
    target = f'{REFUND_PATH}/5030/apply-abnormal-refund'
    refused(abnormal.call('POST', target, card(abnormal)), 404, 'RESOURCE_NOT_EXISTS')
    assert abnormal.call('POST', abnormal.target, card(abnormal)).status == 200
    reply = abnormal.call('POST', abnormal.target, card(abnormal))
    refused(reply, 400, 'INVALID_REQUEST')
    assert 'PROCESSING' in sandbox.problems()[0]


# === Certificates === #

def listed(merchant, query=''):
    reply = merchant.call(
        'GET', f'/v3/certificates{query}', drop=['Wechatpay-Serial'],
    )
    assert reply.status == 200, reply.body
    return [item['serial_no'] for item in reply.json()['data']]


def test_a_rotation_lists_the_next_certificate_before_it_signs(sandbox, merchant):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'trust_mode': 'certificate'})
    old = merchant.data['platform_certificates'][0]['serial_no']
    data = sandbox.post(f'merchants/{MCHID}/certificates', effective_in=200)
    new = data['platform_certificates'][1]['serial_no']
    assert listed(merchant) == [old, new]
    fresh = sandbox.merchant()
    serial = fresh.signed_by(fresh.query('NOTHING', drop=['Wechatpay-Serial']))
    assert serial is None  # a 404 is not signed
    reply = fresh.call('GET', '/v3/certificates', drop=['Wechatpay-Serial'])
    assert fresh.signed_by(reply) == old
    fresh.offset = 210
    sandbox.clock(210)
    reply = fresh.call('GET', '/v3/certificates', drop=['Wechatpay-Serial'])
    assert fresh.signed_by(reply) == new
    item = reply.json()['data'][1]['encrypt_certificate']
    assert b'BEGIN CERTIFICATE' in decrypt(fresh.data['api_v3_key'], item)


def test_an_expired_certificate_is_not_listed_and_one_may_replace_all(sandbox, merchant):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'trust_mode': 'certificate'})
    data = sandbox.post(f'merchants/{MCHID}/certificates', replace=True, expire_in=100)
    only, = data['platform_certificates']
    assert listed(merchant) == [only['serial_no']]
    merchant.offset = 110
    sandbox.clock(110)
    reply = merchant.call('GET', '/v3/certificates', drop=['Wechatpay-Serial'])
    refused(reply, 404, 'RESOURCE_NOT_EXISTS')
    reply = sandbox.call('POST', f'merchants/{MCHID}/certificates', {'expire_in': 0})
    assert reply.status == 400


def test_the_kind_of_certificate_may_be_asked_for(sandbox, merchant):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'trust_mode': 'certificate'})
    assert listed(merchant, '?algorithm_type=RSA') == listed(merchant, '?algorithm_type=ALL')
    refused(
        merchant.call('GET', '/v3/certificates?algorithm_type=SM2'), 404, 'RESOURCE_NOT_EXISTS',
    )
    parameter(merchant.call('GET', '/v3/certificates?algorithm_type=x'), 'algorithm_type', 'query')


def test_a_notification_may_be_signed_by_a_named_serial(sandbox, paid, shop):
    old = paid.data['platform_certificates'][0]['serial_no']
    sandbox.post(f'merchants/{MCHID}/certificates')
    sandbox.post('notify', mchid=MCHID, out_trade_no='S00042_1', signer=old)
    assert signer(paid, shop.received[0]) == old


# === Backup host === #

@pytest.fixture
def backup(sandbox, merchant):
    url = sandbox.get('world')['backup_url']
    assert url != sandbox.base == sandbox.get('world')['url']
    return type(merchant)(Sandbox(url), merchant.data)


def test_the_backup_host_has_the_same_state(sandbox, merchant, backup, openid):
    assert backup.order(openid).status == 200
    assert merchant.query().json()['trade_state'] == 'NOTPAY'
    assert backup.signed_by(backup.query()) == merchant.data['public_key_id']
    hosts = [item['host'] for item in sandbox.get('requests')['requests']]
    assert hosts == ['backup', 'main', 'backup']


def test_an_h5_url_of_the_backup_host_is_on_the_main_address(sandbox, backup):
    scene = {'payer_client_ip': '203.0.113.7', 'h5_info': {'type': 'iOS'}}
    url = backup.order_of('h5', scene_info=scene).json()['h5_url']
    assert url.startswith(sandbox.base)


def test_a_fault_may_strike_one_host_only(sandbox, merchant, backup, openid):
    sandbox.post('faults', path='.', action='refuse_before', host='main', times=None)
    with pytest.raises(RemoteDisconnected):
        merchant.query()
    assert backup.query().status == 404
    sandbox.call('DELETE', 'faults')
    sandbox.post('faults', path='.', action='status', status=503, host='backup')
    assert merchant.query().status == 404
    assert backup.query().status == 503
    reply = sandbox.call('POST', 'faults', {'path': '.', 'action': 'drop', 'host': 'x'})
    assert reply.status == 400 and 'host' in reply.json()['error']


# === v2 XML === #

def test_a_console_refund_is_told_in_v2_xml(sandbox, paid, shop):
    sandbox.call('PATCH', f'merchants/{MCHID}', {'refund_notify_url': shop.url})
    made = sandbox.post(
        'console_refund', mchid=MCHID, out_trade_no='S00042_1', amount=300, out_refund_no='HAND1',
    )
    assert outcome(sandbox, number='HAND1')['notification']['status'] == 204
    message = shop.received[0]
    assert message.one('Content-Type') == 'text/xml'
    assert not message.one('Wechatpay-Signature')
    text = re.sub(r'<!\[CDATA\[(.*?)\]\]>', r'\1', message.body.decode())
    assert f'<mch_id>{MCHID}</mch_id>' in text and f'<appid>{APPID}</appid>' in text
    key = sandbox.merchant().data['api_v2_key'].encode()
    secret = hashlib.md5(key).hexdigest().encode()
    decryptor = Cipher(algorithms.AES(secret), modes.ECB()).decryptor()  # noqa: S305
    sealed = base64.b64decode(re.search(r'<req_info>(.*)</req_info>', text)[1])
    inner = decryptor.update(sealed) + decryptor.finalize()
    inner = re.sub(r'<!\[CDATA\[(.*?)\]\]>', r'\1', inner[:-inner[-1]].decode())
    assert inner.startswith('<root>') and inner.endswith('</root>')
    for name, value in {
        'refund_id': made['refund_id'], 'out_refund_no': 'HAND1', 'refund_fee': 300,
        'total_fee': 990, 'refund_status': 'SUCCESS', 'refund_request_source': 'VENDOR_PLATFORM',
    }.items():
        assert f'<{name}>{value}</{name}>' in inner


def test_a_v3_refund_without_notify_url_falls_into_the_trap(sandbox, paid, shop):
    assert paid.refund(400, notify_url=None).status == 200
    assert sandbox.problems() == [
        "warning: no notify_url, so WeChat Pay sends no v3 notification of this refund",
    ]
    sandbox.call('PATCH', f'merchants/{MCHID}', {'refund_notify_url': shop.url})
    outcome(sandbox, 'CLOSED')
    assert b'<xml>' in shop.received[0].body
    sandbox.call('PATCH', f'merchants/{MCHID}', {'refund_notify_url': ''})
    data = {'mchid': MCHID, 'out_refund_no': 'R00042_1'}
    assert sandbox.call('POST', 'notify', data).status == 400
