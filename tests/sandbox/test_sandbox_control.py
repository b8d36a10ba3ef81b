# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API, the request log and the program itself."""

import ast
import http.client
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_pem_x509_certificate

from .merchant import APPID, MCHID, OTHER_APPID, Sandbox, load_private, send
from .merchant_v2 import send_tls
from .test_sandbox_login import exchange
from .test_sandbox_tokens import stable

ROOT = Path(__file__).parents[2]


def test_a_fresh_world_has_two_mini_programs_and_one_merchant(sandbox):
    world = sandbox.get('world')
    assert [(item['appid'], item['app_type']) for item in world['apps']] == [
        (APPID, 'miniprogram'), (OTHER_APPID, 'miniprogram'),
    ]
    assert len({item['open_platform'] for item in world['apps']}) == 1
    merchant, = world['merchants']
    assert merchant['mchid'] == MCHID and merchant['appids'] == [APPID, OTHER_APPID]
    assert merchant['trust_mode'] == 'public_key'
    assert len(merchant['api_v3_key']) == 32
    assert merchant['public_key_id'].startswith('PUB_KEY_ID_')


def test_certificates_match_their_keys_and_serials(merchant):
    data = merchant.data
    certificate = load_pem_x509_certificate(data['merchant_certificate'].encode())
    assert f'{certificate.serial_number:040X}' == data['merchant_serial']
    numbers = load_private(data['merchant_private_key']).public_key().public_numbers()
    assert certificate.public_key().public_numbers() == numbers
    assert serialization.load_pem_public_key(data['public_key'].encode()).key_size == 2048
    for item in data['platform_certificates']:
        certificate = load_pem_x509_certificate(item['certificate'].encode())
        assert f'{certificate.serial_number:040X}' == item['serial_no']
        assert item['effective_time'] < item['expire_time']


def test_reset_keeps_the_keys_and_forgets_the_rest(sandbox, merchant, openid):
    before = sandbox.get('world')
    merchant.order(openid)
    sandbox.post('apps', appid='wx00000000000000dd')
    sandbox.post('merchants', mchid='1900000888', appids=[])
    sandbox.call('PATCH', f'merchants/{MCHID}', {'appids': [], 'trust_mode': 'certificate'})
    sandbox.post(f'merchants/{MCHID}/certificates')
    sandbox.clock(100)
    sandbox.post('reset')
    assert sandbox.get('world') == before
    assert sandbox.get('users')['users'] == sandbox.get('orders')['orders'] == []
    assert sandbox.get('requests') == {'requests': [], 'counts': {}}
    assert sandbox.get('clock')['offset'] == 0


def test_a_merchant_can_be_added_and_changed(sandbox):
    data = sandbox.post('merchants', mchid='1900000888', appids=[APPID], trust_mode='certificate')
    assert data['trust_mode'] == 'certificate'
    changed = sandbox.call('PATCH', 'merchants/1900000888', {'api_v3_key': 'k' * 32}).json()
    assert changed['api_v3_key'] == 'k' * 32
    assert changed['merchant_serial'] == data['merchant_serial']


@pytest.mark.parametrize(('method', 'path', 'data', 'word'), [
    ('POST', 'apps', {}, 'appid'),
    ('POST', 'apps', {'appid': 'wx1', 'app_type': 'nonsense'}, 'app_type'),
    ('POST', 'merchants', {'mchid': 'x', 'appids': []}, 'mchid'),
    ('POST', 'merchants', {'mchid': '1900000888', 'appids': 'x'}, 'appids'),
    ('POST', 'merchants', {'mchid': '1900000888', 'appids': [], 'trust_mode': 'x'}, 'trust_mode'),
    ('PATCH', 'merchants/1', {}, 'merchant'),
    ('PATCH', f'merchants/{MCHID}', {'api_v3_key': 'short'}, 'api_v3_key'),
    ('POST', 'login_code', {'appid': 'wx1'}, 'wx1'),
    ('POST', 'login_code', {'appid': APPID, 'user': 'nobody'}, 'nobody'),
    ('POST', 'login_code', {'appid': APPID, 'expired': 'yes'}, 'expired'),
    ('POST', 'users', {'name': 'x'}, 'name'),
    ('PATCH', 'users/nobody', {}, 'nobody'),
    ('POST', 'clock', {'offset': '1'}, 'offset'),
    ('POST', 'clock', {'offset': True}, 'offset'),
    ('POST', 'clock', {'offset': 1e300}, 'offset'),
    ('POST', 'clock', [], 'object'),
    ('POST', 'request_payment', {'appid': APPID, 'user': 'x'}, 'payment'),
    ('POST', 'scan', {}, 'code_url'),
    ('POST', 'scan', {'code_url': 'weixin://x', 'user': 'nobody'}, 'nobody'),
    ('POST', 'settings', {'auto_refund': 1}, 'auto_refund'),
    ('POST', 'settings', {'refund_interval': -1}, 'refund_interval'),
    ('POST', 'funds', {'mchid': MCHID, 'balance': -1}, 'balance'),
    ('POST', 'funds', {'mchid': MCHID, 'balance': 1.5}, 'balance'),
    ('POST', 'funds', {'mchid': '1', 'balance': 1}, 'merchant'),
    ('PATCH', f'merchants/{MCHID}', {'products': ['JSAPI', 'CASH']}, 'products'),
    ('PATCH', f'merchants/{MCHID}', {'refund_notify_url': 'shop'}, 'url'),
    ('PATCH', f'merchants/{MCHID}', {'v2_sign_type': 'RSA'}, 'v2_sign_type'),
    ('PATCH', f'merchants/{MCHID}', {'api_v2_key': 'short'}, 'api_v2_key'),
    ('POST', 'settings', {'reverse_recalls': 0.5}, 'reverse_recalls'),
    ('POST', 'settings', {'v2_close_after': -1}, 'v2_close_after'),
    ('POST', 'faults', {'path': 'x', 'action': 'wrong_signature', 'defect': 'x'}, 'defect'),
    ('POST', 'payment_code', {'user': 'nobody'}, 'nobody'),
    ('POST', 'payment_code', {'failure': 'BAD_LUCK'}, 'failure'),
    ('POST', 'payment_password', {'mchid': MCHID, 'out_trade_no': 'NOTHING'}, 'NOTHING'),
    ('POST', 'comments', {'mchid': MCHID, 'out_trade_no': 'NOTHING'}, 'NOTHING'),
    ('POST', 'console_refund', {'mchid': MCHID, 'out_trade_no': 'NOTHING', 'amount': 1}, 'NOTHING'),
    ('POST', 'refund_outcome',
     {'mchid': MCHID, 'out_refund_no': 'NOTHING', 'status': 'SUCCESS'}, 'NOTHING'),
    ('POST', 'pay', {'mchid': MCHID, 'out_trade_no': 'NOTHING'}, 'NOTHING'),
])
def test_a_call_that_makes_no_sense_is_explained(sandbox, method, path, data, word):
    reply = sandbox.call(method, path, data)
    assert reply.status == 400
    assert set(reply.json()) == {'error'} and word in reply.json()['error']


def test_a_body_that_is_not_json_and_a_call_that_does_not_exist(sandbox):
    reply = send(sandbox.base, 'POST', '/_sandbox/users', b'{')
    assert reply.status == 400 and 'JSON' in reply.json()['error']
    assert sandbox.call('GET', 'nonsense').status == 404
    assert sandbox.call('DELETE', 'users').status == 405


def test_a_page_of_another_site_cannot_steer_the_sandbox(sandbox):
    headers = [('Origin', 'https://evil.example.com'), ('Content-Type', 'text/plain')]
    reply = send(sandbox.base, 'POST', '/_sandbox/reset', b'{}', headers)
    assert reply.status == 400
    reply = send(sandbox.base, 'POST', '/_sandbox/users', b'{}', [('Origin', sandbox.base)])
    assert reply.status == 200


def test_users_are_listed_and_can_be_renamed(sandbox, user):
    sandbox.call('PATCH', f"users/{user['user']}", {'nickname': "小红"})
    listed, = sandbox.get('users')['users']
    assert listed['nickname'] == "小红"
    assert listed['openids'] == user['openids'] and listed['unionid'] == user['unionid']


def test_the_log_counts_and_masks(sandbox, merchant, openid):
    code = sandbox.post('login_code', appid=APPID)['code']
    session = exchange(sandbox, code).json()['session_key']
    token = stable(sandbox)['access_token']
    sandbox.platform('GET', f'/cgi-bin/getcallbackip?access_token={token}')
    merchant.order(openid)
    merchant.query()
    merchant.query('NOTHING_1')
    log = sandbox.get('requests')
    text = json.dumps(log)
    secret = sandbox.app()['secret']
    for word in (secret, session, token):
        assert word not in text
    assert 'secret=***' in text
    assert log['counts'] == {
        '/sns/jscode2session': 1, '/cgi-bin/stable_token': 1, '/cgi-bin/getcallbackip': 1,
        '/v3/pay/transactions/jsapi': 1,
        '/v3/pay/transactions/out-trade-no/{out_trade_no}': 2,
    }
    last = log['requests'][-1]
    assert last['status'] == 404
    assert last['problems'] == ["404 ORDER_NOT_EXIST: this merchant has no order of this number"]
    assert 'signature="***"' in last['headers']['Authorization']
    assert sandbox.call('DELETE', 'requests').json() == {'requests': [], 'counts': {}}


def test_the_log_keeps_the_last_two_hundred(sandbox):
    for index in range(205):
        sandbox.platform('GET', f'/sns/jscode2session?n={index}')
    log = sandbox.get('requests')
    assert len(log['requests']) == 200
    assert log['requests'][-1]['query'] == 'n=204'
    assert log['counts']['/sns/jscode2session'] == 205


def test_a_body_that_is_too_large_or_of_unknown_length(sandbox):
    reply = send(sandbox.base, 'POST', '/v3/x', b'', [('Transfer-Encoding', 'chunked')])
    assert reply.status == 411
    connection = http.client.HTTPConnection(sandbox.base[7:], timeout=5)
    connection.putrequest('POST', '/v3/x')
    connection.putheader('Content-Length', str(10 ** 9))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_port_in_use_is_said_in_one_line(sandbox):
    port = sandbox.base.rpartition(':')[2]
    done = subprocess.run(
        [sys.executable, '-m', 'sandbox', '--port', port], cwd=ROOT,
        capture_output=True, text=True, timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot listen on") and done.stderr.count('\n') == 1


def test_the_tls_address_is_trusted_by_the_file_that_is_asked_for(tmp_path):
    file = tmp_path / 'ca.pem'
    running = subprocess.Popen(
        [sys.executable, '-m', 'sandbox', '--ca-file', str(file)], cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
    )
    try:
        lines = [running.stdout.readline().strip() for _index in range(3)]
        assert lines[2].startswith('TLS: https://127.0.0.1:')
        world = Sandbox(lines[0]).get('world')
        assert world['tls_url'] == lines[2].removeprefix('TLS: ')
        assert world['tls_ca_certificate'] == file.read_text()
        path, trusted = '/_sandbox/world', file.read_text()
        assert send_tls(world['tls_url'], path, None, trusted, method='GET').json() == world
        with pytest.raises(ssl.SSLCertVerificationError):
            send_tls(world['tls_url'], path, None, None, method='GET')
    finally:
        running.terminate()
        assert running.wait(10) == 0
        running.stdout.close()


def test_a_client_that_never_finishes_its_handshake_holds_up_nobody(sandbox):
    world = sandbox.get('world')
    parts = urlsplit(world['tls_url'])
    with socket.create_connection((parts.hostname, parts.port)):
        reply = send_tls(
            world['tls_url'], '/_sandbox/clock', None, world['tls_ca_certificate'], method='GET',
        )
        assert reply.status == 200


def test_the_sandbox_imports_nothing_of_the_addons():
    for file in (ROOT / 'sandbox').glob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                assert name.partition('.')[0] not in ('odoo', 'wechat', 'Crypto'), (file, name)
