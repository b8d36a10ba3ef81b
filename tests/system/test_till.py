# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A till of the point of sale in one browser, the customer's phone in another, WeChat between."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from .browser import Browser

PHONE = ('Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)'
         ' Chrome/130.0 Mobile Safari/537.36')
IN_WECHAT = f'{PHONE} MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN'
ACCOUNT = 'wx00000000000000a7'
# WeChat as a page sees it: what it was asked is kept, and the test tells the answer.
BRIDGE = """
    window.asked = [];
    window.WeixinJSBridge = {
        invoke(name, values, answer) {
            window.asked.push([name, values]);
            window.tell = message => answer({ err_msg: `get_brand_wcpay_request:${message}` });
        },
    };
"""
QR_CODE = '.modal img[src*="/report/barcode/QR/"]'
PAID = "document.querySelector('.feedback-screen, .receipt-screen')"


def press(browser, selector, text, until, seconds=20):
    """Press a button until a JavaScript expression is true: it may not work from the start.

    :param str selector: the button's selector, with `text` in it.
    :param seconds: how long to wait for the button.
    """
    find = (f'[...document.querySelectorAll({json.dumps(selector)})].find((item) => '
            f'item.checkVisibility() && item.textContent.includes({json.dumps(text)}))')
    browser.wait(find, seconds)
    browser.wait(
        f'({until}) || (Date.now() - (window.lastPress || 0) > 3000'
        f' && (window.lastPress = Date.now()) && {find}?.click())', 60)
    browser.run('window.lastPress = 0')


class Till:
    """A till in the browser of a cashier, who is the administrator here."""

    def __init__(self, system, browser):
        self.system = system
        self.browser = browser
        config = self._configure(system.admin.call)
        # No page with scripts: to leave one that is starting can block the till's database in the
        # browser, and the till waits for that for ever.
        browser.open(f'{system.first.url}/web/health')
        browser.run(
            "fetch('/web/session/authenticate', {method: 'POST', headers: {'Content-Type':"
            f" 'application/json'}}, body: JSON.stringify({{params: {{db: '{system.shop.database}',"
            " login: 'admin', password: 'admin'}})}).then(answer => answer.json())")
        browser.open(f'{system.first.url}/pos/ui/{config}')
        # Odoo bundles the till's assets when they are asked for the first time.
        self.press('.open-register-btn', "", '.modal', seconds=180)
        self.press('.modal-footer button', "Open Register", 'body:not(:has(.modal))')

    def press(self, selector, text, result, **kwargs):
        """Press a button of the till until there is its result, named by a selector."""
        press(self.browser, selector, text, f'document.querySelector({json.dumps(result)})',
              **kwargs)

    @staticmethod
    def _configure(call):
        """Make a till in CNY that takes cash and WeChat Pay; return its id."""
        journal, = call('account.journal', 'create', [{
            'name': "Till", 'code': 'TILL', 'type': 'cash'}])
        cash, = call('pos.payment.method', 'create', [{'name': "Cash", 'journal_id': journal}])
        online, = call('pos.payment.method', 'create', [{
            'name': "WeChat Pay", 'is_online_payment': True}])
        call('product.product', 'create', [{
            'name': "Pot of tea", 'type': 'service', 'list_price': 48, 'taxes_id': [],
            'available_in_pos': True}])
        config, = call('pos.config', 'create', [{
            'name': "Tea Counter", 'payment_method_ids': [[6, 0, [cash, online]]]}])
        return config

    def show_code(self):
        """Sell a pot of tea and show the QR code; return the address in it."""
        self.press('article.product', "Pot of tea", '.orderline')
        self.press('.pay-order-button', "", '.payment-screen')
        return self.ask_for_payment()

    def ask_for_payment(self):
        """Choose WeChat Pay, press Validate, return the address in the QR code that is shown."""
        self.press('.paymentmethods .paymentmethod', "WeChat Pay", '.paymentline')
        self.press('.validation-button.next.highlight', "", QR_CODE)
        self.browser.wait(f"document.querySelector('{QR_CODE}').naturalWidth")
        source = self.browser.run(f"document.querySelector('{QR_CODE}').getAttribute('src')")
        return unquote(urlsplit(source).path.partition('/QR/')[2])

    def next_order(self):
        """Leave the receipt."""
        self.browser.wait(PAID)
        if self.browser.run("Boolean(document.querySelector('.feedback-screen'))"):
            self.press('.feedback-screen', "", '.receipt-screen')
        self.press('.receipt-screen .button.next', "", '.product-screen')

    def order(self, address):
        """Return the order whose code has this address, as the books have it."""
        order_id = int(urlsplit(address).path.rpartition('/')[2])
        found, = self.system.admin.call(
            'pos.order', 'read', [order_id], ['state', 'amount_paid', 'payment_ids'])
        return found

    def transaction(self, address):
        """Return the last payment of the order whose code has this address."""
        order_id = int(urlsplit(address).path.rpartition('/')[2])
        return self.system.admin.call(
            'payment.transaction', 'search_read', [['pos_order_id', '=', order_id]],
            fields=['reference', 'state', 'wechat_trade_type', 'is_post_processed', 'payment_id'],
            order='id desc', limit=1)[0]


@pytest.fixture(scope='module')
def till(_system):
    with Browser(width=1200, height=800, language='en-US') as browser:
        yield Till(_system, browser)


@pytest.fixture
def phone(system):
    with Browser(width=390, height=780, language='zh-CN') as browser:
        browser.send('Network.setUserAgentOverride', userAgent=PHONE, acceptLanguage='zh-CN')
        yield browser


def choose_wechat_pay(phone, address):
    """Open what the code holds and press Pay, until WeChat opens; one method is chosen already."""
    phone.open(address)
    press(phone, 'button[name="o_payment_submit_button"]', "",
          "!location.pathname.startsWith('/pos/pay/')")
    phone.wait("document.querySelector('#pay')", 40)


def test_a_customer_pays_on_the_phone_and_the_till_goes_on_by_itself(system, till, phone):
    address = till.show_code()
    assert parse_qs(urlsplit(address).query)['access_token']
    choose_wechat_pay(phone, address)
    phone.click('#pay')
    till.browser.wait(PAID)
    order, transaction = till.order(address), till.transaction(address)
    assert order['state'] == 'paid'
    assert order['amount_paid'] == 48
    assert transaction['wechat_trade_type'] == 'H5'
    assert transaction['state'] == 'done'
    assert transaction['payment_id']
    # WeChat goes back to the shop by itself.
    phone.wait("location.pathname.startsWith('/pos/pay/confirmation/')", 40)
    assert transaction['reference'] in phone.run('document.body.innerText')
    till.next_order()


def test_a_code_that_the_cashier_gives_up_cannot_be_paid_any_more(system, till, phone):
    address = till.show_code()
    choose_wechat_pay(phone, address)
    reference = till.transaction(address)['reference']
    till.press('.modal .btn-close', "", 'body:not(:has(.modal))')
    system.wait(lambda: till.transaction(address)['state'] == 'cancel')
    assert system.wechat_order(reference)['trade_state'] == 'CLOSED'
    phone.click('#pay')
    phone.wait("document.querySelector('#result.refused')")
    assert till.order(address)['state'] == 'draft'
    # The customer pays after all: with a new code, the same order.
    assert till.ask_for_payment() == address
    choose_wechat_pay(phone, address)
    phone.click('#pay')
    till.browser.wait(PAID)
    assert till.transaction(address)['reference'] != reference
    assert till.order(address)['amount_paid'] == 48
    till.next_order()


@pytest.fixture
def account(system):
    """An official account in which the shop's customers are known; it is gone afterwards."""
    secret = system.sandbox.control('POST', 'apps', {
        'appid': ACCOUNT, 'app_type': 'official_account'})['secret']
    merchant = system.sandbox.control('GET', 'world')['merchants'][0]
    system.sandbox.control('PATCH', f'merchants/{merchant["mchid"]}', {
        'appids': [*merchant['appids'], ACCOUNT]})
    app, = system.admin.call('wechat.app', 'create', [{
        'name': "Tea House", 'app_type': 'official_account', 'appid': ACCOUNT, 'secret': secret}])
    provider = [system.shop.ids['provider_id']]
    system.admin.call('payment.provider', 'write', provider, {'wechat_app_ids': [[4, app]]})
    yield ACCOUNT
    system.admin.call('payment.provider', 'write', provider, {'wechat_app_ids': [[3, app]]})


def test_a_customer_inside_wechat_pays_the_order_of_the_till_there(system, till, phone, account):
    user = system.sandbox.control('POST', 'users', {})['user']
    phone.send('Network.setUserAgentOverride', userAgent=IN_WECHAT, acceptLanguage='zh-CN')
    phone.send('Page.addScriptToEvaluateOnNewDocument', source=BRIDGE)
    phone.send('Network.setCookie', name='sandbox_phone', value=user, url=system.sandbox.url)
    address = till.show_code()
    phone.open(address)
    press(phone, 'button[name="o_payment_submit_button"]', "", 'window.asked?.length')
    (name, payment), = phone.run('window.asked')
    assert (name, payment['appId']) == ('getBrandWCPayRequest', account)
    assert system.sandbox.control('POST', 'request_payment', {
        'appid': account, 'user': user, 'payment': payment})['errMsg'] == 'requestPayment:ok'
    phone.run("tell('ok')")
    till.browser.wait(PAID)
    order, transaction = till.order(address), till.transaction(address)
    assert (order['state'], order['amount_paid']) == ('paid', 48)
    assert (transaction['wechat_trade_type'], transaction['state']) == ('JSAPI', 'done')
    phone.wait("location.pathname.startsWith('/pos/pay/confirmation/')", 40)
    till.next_order()
