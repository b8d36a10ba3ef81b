# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo's customer, and what a mini-program does with its session."""

import requests

from devtools.demo import Player
from devtools.servers import OdooServer


def call_partner(url, headers):
    """Read the name of the session's own partner; returns the whole answer."""
    return requests.post(f'{url}/web/session/get_session_info', headers=headers, timeout=30, json={
        'jsonrpc': '2.0', 'method': 'call', 'params': {}})


def test_the_customer_of_the_demo_logs_in_orders_and_pays(system):
    Player(system.shop, system.first).play()
    problems = [entry['problems'] for entry in
                system.sandbox.control('GET', 'requests')['requests'] if entry['problems']]
    assert not problems, 'the sandbox found fault with what Odoo sent'


def test_the_session_id_of_the_answer_is_the_cookie_and_works_on_the_next_request(system):
    customer = system.customer()
    answer = customer.authenticate()
    assert customer.http.cookies['session_id'] == answer['session_id']
    # A mini-program has no cookie jar: it sends the header itself, and nothing else.
    for server in (system.first, system.second):
        told = call_partner(server.url, {'Cookie': f'session_id={answer["session_id"]}'})
        assert told.json()['result']['uid'] == answer['uid']
        assert told.json()['result']['partner_id'] == answer['partner_id']


def test_a_session_is_gone_on_every_server_after_logout(system):
    customer = system.customer()
    session_id = customer.authenticate()['session_id']
    assert customer.rpc('/wechat/miniprogram/logout') is True
    for server in (system.first, system.second):
        told = call_partner(server.url, {'Cookie': f'session_id={session_id}'}).json()
        assert 'error' in told or not told['result'].get('uid')


def test_login_and_payment_work_with_several_worker_processes(system):
    server = OdooServer(system.shop.source, system.shop.database, 'odoo-workers', workers=2)
    with server:
        customer, order = system.buyer(server)
        told = [call_partner(server.url, {
            'Cookie': f'session_id={customer.session["session_id"]}'}).json() for _ in range(6)]
        assert {answer['result']['uid'] for answer in told} == {customer.session['uid']}
        prepaid = customer.prepay(order)
        assert customer.request_payment(prepaid['payment'], notify=False)['errMsg'] == (
            'requestPayment:ok')
        assert system.notify(prepaid['reference'], url=server.url)[0] in (200, 204)
        assert customer.status(prepaid['reference'])['state'] == 'done'


def test_an_order_of_goods_is_confirmed_and_its_amount_is_what_was_paid(system):
    customer, order = system.buyer(kind='consu')
    prepaid = customer.prepay(order)
    assert prepaid['amount'] == order['amount_total'] == 9.9
    assert prepaid['currency'] == 'CNY'
    assert system.wechat_order(prepaid['reference'])['amount']['total'] == 990
    assert customer.request_payment(prepaid['payment'])['errMsg'] == 'requestPayment:ok'
    system.wait_for_order(customer)
    assert customer.order()['id'] == order['id']
