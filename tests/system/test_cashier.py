# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A cashier scans payment codes: several servers, a power cut, and the screen in a browser."""

import contextlib
import threading

import pytest
import requests

from devtools.shop import Client, RpcError

from . import browser
from .test_several_servers import side_by_side

PAY = '/v3/pay/transactions/codepay'
MODEL = 'payment.transaction'


@pytest.fixture
def till(system):
    """The shop, whose merchant takes payment codes by API v3."""
    shop = system.shop
    shop.admin.call('payment.provider', 'write', [shop.ids['provider_id']],
                    {'wechat_code_pay_version': 'v3'})
    merchant = system.sandbox.control('GET', 'world')['merchants'][0]
    system.sandbox.control('PATCH', f'merchants/{merchant["mchid"]}', {
        'products': [*{*merchant['products'], 'CODEPAY'}]})
    return system


def show_code(till, **values):
    return till.sandbox.control('POST', 'payment_code', values)['code']


def cashier(till, server):
    client = Client(server.url)
    client.login(till.shop.database)
    return client


def new_order(till):
    """Return the id of a quotation that somebody made at the counter."""
    product = till.admin.call('product.product', 'search', [
        ['type', '=', 'service'], ['sale_ok', '=', True]], limit=1)[0]
    partner = till.admin.call('res.partner', 'create', [{'name': "Guest"}])
    return till.admin.call('sale.order', 'create', [{
        'partner_id': partner[0] if isinstance(partner, list) else partner,
        'order_line': [[0, 0, {'product_id': product, 'price_unit': 8.8, 'tax_ids': [[5]]}]],
    }])[0]


def counts(till, ending):
    """Return how often the sandbox was called at the paths that end so."""
    found = till.sandbox.control('GET', 'requests')['counts']
    return sum(count for path, count in found.items() if path.endswith(ending))


def test_two_cashiers_at_once_charge_an_order_once(till):
    order = new_order(till)
    cashiers = [cashier(till, server) for server in (till.first, till.second) * 2]
    codes = [show_code(till, user=till.sandbox.control('POST', 'users', {})['user'])
             for _cashier in cashiers]

    def charge(client, code):
        try:
            return client.call(MODEL, 'wechat_charge_code', code, 'sale.order', order)['state']
        except RpcError as error:
            return error.code

    answers = side_by_side(*[lambda pair=pair: charge(*pair)
                             for pair in zip(cashiers, codes, strict=True)])
    assert answers.count('done') == 1, answers
    assert set(answers) <= {'done', 'wechat_busy', 'not_payable'}
    assert counts(till, PAY) == 1
    found = till.admin.call(MODEL, 'search_read', [['sale_order_ids', 'in', [order]]],
                            fields=['state'])
    assert [item['state'] for item in found] == ['done']


def test_one_code_that_is_sent_twice_at_once_is_one_payment(till):
    clients = [cashier(till, server) for server in (till.first, till.second) * 2]
    code = show_code(till)

    def charge(client):
        try:
            return client.call(MODEL, 'wechat_charge_code', code, amount=6.6)['reference']
        except RpcError as error:
            return error.code

    answers = set(side_by_side(*[lambda client=client: charge(client) for client in clients]))
    found = till.admin.call(MODEL, 'search_read', [
        ['wechat_trade_type', '=', 'MICROPAY'], ['amount', '=', 6.6]],
        fields=['reference', 'state'])
    assert [item['state'] for item in found] == ['done']
    assert answers <= {found[0]['reference'], 'wechat_busy'}
    assert counts(till, PAY) == 1


def test_the_screens_of_two_servers_take_each_step_once(till):
    clients = [cashier(till, server) for server in (till.first, till.second)]
    reference = clients[0].call(
        MODEL, 'wechat_charge_code', show_code(till, password=True), amount=3)['reference']
    before = counts(till, '{out_trade_no}')
    till.admin.call(MODEL, 'write', till.admin.call(
        MODEL, 'search', [['reference', '=', reference]]),
        {'wechat_next_query': '2026-01-01 00:00:00'})
    side_by_side(*[lambda client=client: client.call(MODEL, 'wechat_poll_code', reference)
                   for client in clients * 3])
    assert counts(till, '{out_trade_no}') == before + 1
    order = till.wechat_order(reference)
    till.sandbox.control('POST', 'payment_password', {
        'mchid': order['mchid'], 'out_trade_no': reference})
    till.wait(lambda: clients[1].call(MODEL, 'wechat_poll_code', reference)['state'] == 'done')


def test_after_a_power_cut_during_the_call_the_payment_is_found(till):
    server = till.shop.start_odoo()
    client = cashier(till, server)
    till.sandbox.control('POST', 'faults', {'action': 'delay', 'path': PAY, 'seconds': 4})

    def charge():
        with contextlib.suppress(requests.RequestException):
            client.call(MODEL, 'wechat_charge_code', show_code(till), amount=4.4)

    thread = threading.Thread(target=charge)
    thread.start()

    def find():
        return till.admin.call(MODEL, 'search_read', [
            ['wechat_trade_type', '=', 'MICROPAY'], ['amount', '=', 4.4]],
            fields=['reference', 'state'])

    def is_called():
        return till.sandbox.control('GET', 'faults')['faults'][0]['hits']

    reference = till.wait(find)[0]['reference']
    till.wait(is_called)
    server.kill()
    thread.join()
    till.wait(lambda: till.wechat_order(reference))
    assert find()[0]['state'] == 'draft'

    def settled():
        till.run_cron('wechat_payment.cron_wechat_settle')
        return find()[0]['state'] == 'done'

    till.wait(settled, 40)
    assert counts(till, '/reverse') == 0


@pytest.fixture
def page(till):
    if not browser.program():
        pytest.skip('There is no Chromium on this machine.')
    with browser.Browser(width=1100, height=800, language='en') as opened:
        opened.open(f'{till.first.url}/web/login')
        opened.run(
            "document.querySelector('input[name=login]').value = 'admin';"
            "document.querySelector('input[name=password]').value = 'admin';"
            "document.querySelector('form.oe_login_form').submit()")
        opened.wait("document.querySelector('.o_main_navbar')", 60)
        yield opened
        # Fonts of the web are none of ours.
        assert [problem for problem in opened.problems if 'fonts.g' not in problem] == []


def phase(name):
    return f"document.querySelector('.o_wechat_cashier[data-phase={name}]')"


def scan(page, code):
    """Do what a scanner does: digits and Enter, where the cursor is."""
    page.wait("document.activeElement.id === 'wechat_cashier_code'", 60)
    page.write(code)
    page.press('Enter')


def test_a_cashier_takes_an_amount_and_waits_for_the_password(till, page):
    page.open(f'{till.first.url}/odoo/wechat-cashier')
    page.wait("document.activeElement.id === 'wechat_cashier_amount'", 60)
    page.write('12.50')
    page.press('Enter')
    scan(page, '12345')
    page.wait("document.querySelector('.o_wechat_cashier_problem')")
    assert counts(till, PAY) == 0
    scan(page, show_code(till, password=True))
    page.wait(phase('password'))
    found = till.admin.call(MODEL, 'search_read', [
        ['wechat_trade_type', '=', 'MICROPAY'], ['amount', '=', 12.5]], fields=['reference'])
    assert len(found) == 1
    reference = found[0]['reference']
    till.sandbox.control('POST', 'payment_password', {
        'mchid': till.wechat_order(reference)['mchid'], 'out_trade_no': reference})
    page.wait(phase('done'))
    assert till.transaction(reference)['state'] == 'done'
    page.click('.o_wechat_cashier_next')
    page.wait("document.activeElement.id === 'wechat_cashier_amount'")


def test_a_cashier_charges_an_order_from_its_form_at_the_second_attempt(till, page):
    order = new_order(till)
    page.open(f'{till.first.url}/odoo/sales/{order}')
    page.click('button[name=action_wechat_charge_code]')
    scan(page, show_code(till, failure='NOTENOUGH'))
    page.wait(phase('error'))
    page.click('.o_wechat_cashier_again')
    scan(page, show_code(till))
    page.wait(phase('done'))
    assert '8.80' in page.run("document.querySelector('.o_wechat_cashier_amount').textContent")
    page.click('.o_wechat_cashier_close')
    page.wait("!document.querySelector('.modal')")
    till.wait(lambda: till.admin.call(
        'sale.order', 'read', [order], fields=['state'])[0]['state'] == 'sale')


def test_an_order_that_was_changed_behind_the_screen_is_charged_when_the_new_amount_is_shown(
    till, page,
):
    order = new_order(till)
    page.open(f'{till.first.url}/odoo/sales/{order}')
    page.click('button[name=action_wechat_charge_code]')
    page.wait("document.activeElement.id === 'wechat_cashier_code'", 60)
    line = till.admin.call('sale.order.line', 'search', [['order_id', '=', order]])
    till.admin.call('sale.order.line', 'write', line, {'price_unit': 9.9})
    scan(page, show_code(till))
    page.wait("document.querySelector('.o_wechat_cashier_problem')?.textContent.includes('9.90')")
    page.wait("document.querySelector('.o_wechat_cashier_amount').textContent.includes('9.90')")
    assert counts(till, PAY) == 0
    scan(page, show_code(till))
    page.wait(phase('done'))
    assert counts(till, PAY) == 1


def test_a_connection_that_is_lost_during_the_call_charges_once(till, page):
    page.open(f'{till.first.url}/odoo/wechat-cashier')
    page.wait("document.activeElement.id === 'wechat_cashier_amount'", 60)
    page.write('7.70')
    page.press('Enter')
    # The first call is made, but its answer never comes to the browser.
    page.run('''(() => {
        const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (body) {
            if (String(body).includes('wechat_charge_code')) {
                XMLHttpRequest.prototype.send = send;
                const lost = new XMLHttpRequest();
                lost.open('POST', '/web/dataset/call_kw/payment.transaction/wechat_charge_code');
                lost.setRequestHeader('Content-Type', 'application/json');
                lost.send(body);
                window.setTimeout(() => this.dispatchEvent(new Event('error')));
                return;
            }
            return send.call(this, body);
        };
    })()''')
    scan(page, show_code(till))
    page.wait(phase('done'), 30)
    found = till.admin.call(MODEL, 'search_read', [
        ['wechat_trade_type', '=', 'MICROPAY'], ['amount', '=', 7.7]], fields=['state'])
    assert [item['state'] for item in found] == ['done']
    assert counts(till, PAY) == 1
