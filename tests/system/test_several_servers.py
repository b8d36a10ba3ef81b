# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two Odoo servers on one database behave as one."""

import time
from concurrent.futures import ThreadPoolExecutor

from devtools.servers import run_shell, start_shell
from devtools.shop import RpcError

TOKEN_SCRIPT = '''
import pathlib, time
from concurrent.futures import ThreadPoolExecutor
from odoo.modules.registry import Registry
from odoo import api

barrier, ready = pathlib.Path({barrier!r}), pathlib.Path({ready!r})
database, app_id = env.cr.dbname, {app_id}
env.cr.rollback()

def fetch(_number):
    with Registry(database).cursor() as cr:
        return api.Environment(cr, 1, {{}})['wechat.app'].browse(app_id)._get_token()

ready.touch()
while not barrier.exists():
    time.sleep(0.01)
with ThreadPoolExecutor(50) as pool:
    print('TOKENS', *pool.map(fetch, range(50)))
'''


def side_by_side(*functions):
    """Run functions at once and return what they return, in order."""
    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(f) for f in functions]]


def test_first_logins_of_one_openid_at_once_on_two_servers_give_one_user(system):
    user = system.sandbox.control('POST', 'users', {})['user']
    servers = [system.first, system.second] * 3
    customers = [system.customer(server, user=user) for server in servers]
    codes = [customer.wx_login() for customer in customers]
    answers = side_by_side(*[
        lambda customer=customer, code=code: customer.authenticate(code)
        for customer, code in zip(customers, codes, strict=True)])
    assert len({answer['uid'] for answer in answers}) == 1
    assert sum(answer['is_new_user'] for answer in answers) == 1
    openid = customers[0].openid
    assert system.admin.call('wechat.identity', 'search_count', [['openid', '=', openid]]) == 1
    for customer, answer in zip(customers, answers, strict=True):
        assert customer.call('res.partner', 'read', [answer['partner_id']],
                             fields=['name'])[0]['id'] == answer['partner_id']


def test_a_token_that_two_servers_with_fifty_threads_each_need_is_fetched_once(system, tmp_path):
    shop = system.shop
    run_shell(shop.source, shop.database, 'token', (
        "env['wechat.token'].sudo().search([]).unlink()\nenv.cr.commit()\n"))
    system.sandbox.control('DELETE', 'requests')
    # WeChat takes its time, so that all of them ask while the first one is waiting.
    system.sandbox.control('POST', 'faults', {
        'path': '/cgi-bin/stable_token', 'action': 'delay', 'seconds': 1, 'times': 5})
    barrier = tmp_path / 'go'
    ready = [tmp_path / f'ready-{number}' for number in range(2)]
    processes = [
        start_shell(shop.source, shop.database, 'token', TOKEN_SCRIPT.format(
            barrier=str(barrier), ready=str(path), app_id=shop.ids['app_id']))
        for path in ready]
    try:
        system.wait(lambda: all(path.exists() for path in ready), 60)
        barrier.touch()
        tokens = []
        for process in processes:
            process.stdin = None
            output, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            line = next(line for line in output.splitlines() if line.startswith('TOKENS '))
            tokens += line.split()[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert len(tokens) == 100
    assert len(set(tokens)) == 1
    counts = system.sandbox.control('GET', 'requests')['counts']
    assert counts['/cgi-bin/stable_token'] == 1


def test_one_notification_at_two_servers_at_once_settles_the_payment_once(system):
    customer, order = system.buyer()
    prepaid = customer.prepay(order)
    reference = prepaid['reference']
    customer.request_payment(prepaid['payment'], notify=False)
    statuses = side_by_side(*[
        lambda url=server.url: system.notify(reference, url=url, repeat=3, parallel=True)
        for server in (system.first, system.second)])
    answered = [status for some in statuses for status in some]
    assert any(status in (200, 204) for status in answered)
    # Whoever came second may have been told to come again, or not in time; it is taken then.
    assert all(status in (None, 200, 204) or status >= 500 for status in answered), answered
    assert system.notify(reference, url=system.second.url)[0] in (200, 204)
    system.wait_for_order(customer)
    transaction = system.transaction(reference)
    assert transaction['state'] == 'done'
    assert not transaction['wechat_alert']
    assert system.admin.call('payment.transaction', 'search_count',
                             [['sale_order_ids', 'in', [order['id']]]]) == 1
    payments = system.admin.call('account.payment', 'search_count',
                                 [['payment_transaction_id', '=', transaction['id']]])
    assert payments == 1


def test_prepay_at_once_on_two_servers_makes_one_order(system):
    customer, order = system.buyer()
    other = system.customer(system.second, user=customer.user)
    other.authenticate()

    def prepay(client, document, delay):
        time.sleep(delay)
        try:
            return client.prepay(document)['reference']
        except RpcError as error:
            assert error.code in ('wechat_busy', 'not_payable'), error
            return None

    # A row that is locked but never changed would let a request through that began before the
    # first one's commit and reaches the row after it: try a second one at different times.
    documents = [order] + [
        {'id': system.admin.call('sale.order', 'copy', [order['id']])[0]} for _number in range(19)]
    for number, document in enumerate(documents):
        references = side_by_side(*[
            lambda client=client, document=document, delay=delay: prepay(client, document, delay)
            for client, delay in (
                (customer, 0), (other, number * .003), (other, .01 + number * .003))])
        assert len(set(references) - {None}) == 1, references
        transactions = system.admin.call(
            'payment.transaction', 'search_count',
            [['sale_order_ids', 'in', [document['id']]], ['state', 'in', ['draft', 'pending']]])
        assert transactions == 1
    known = [item for item in system.sandbox.control('GET', 'orders')['orders']
             if item['openid'] == customer.openid and item['trade_state'] == 'NOTPAY']
    assert len(known) == len(documents)
