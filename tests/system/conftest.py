# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One shop with two Odoo servers and a sandbox for all tests; each test brings its customers."""

import time

import pytest

from devtools.customer import Customer
from devtools.shop import RpcError, Shop


class System:
    """What the tests have: the shop, its servers, WeChat, and short words for them."""

    def __init__(self, shop):
        self.shop = shop
        self.sandbox = shop.sandbox
        # Scheduled actions run in the first server only, as in a real installation.
        self.first = shop.start_odoo(crons=1)
        self.second = shop.start_odoo()
        self.admin = shop.admin

    def customer(self, server=None, user=None):
        """Return a customer who talks to a server (the first one)."""
        return Customer((server or self.first).url, self.sandbox, user=user)

    def buyer(self, server=None, kind='service'):
        """Return a customer who has logged in and filled the cart, and the order."""
        customer = self.customer(server)
        customer.authenticate()
        product = next(item for item in customer.products() if item['type'] == kind)
        customer.add_to_cart(product)
        if kind == 'consu':
            customer.choose_delivery(self.carrier())
        return customer, customer.order()

    def carrier(self):
        """Return the id of the published free carrier."""
        return self.admin.call('delivery.carrier', 'search', [['is_published', '=', True]],
                               limit=1)[0]

    def transaction(self, reference):
        """Return the transaction as an administrator reads it."""
        fields = ['state', 'amount', 'provider_reference', 'is_post_processed', 'wechat_alert',
                  'wechat_post_process_error', 'payment_id', 'sale_order_ids']
        found = self.admin.call('payment.transaction', 'search_read',
                                [['reference', '=', reference]], fields=fields)
        assert len(found) == 1
        return found[0]

    def wechat_order(self, reference):
        """Return the order as WeChat Pay knows it; None if it does not."""
        orders = self.sandbox.control('GET', 'orders')['orders']
        return next((item for item in orders if item['out_trade_no'] == reference), None)

    def notify(self, reference, url=None, **values):
        """Let WeChat Pay send the notification of an order; returns the HTTP statuses."""
        if url:
            values['url'] = f'{url}/payment/wechat_pay/notify/{self.shop.ids["provider_id"]}'
        mchid = self.wechat_order(reference)['mchid']
        answers = self.sandbox.control('POST', 'notify', {
            'mchid': mchid, 'out_trade_no': reference, **values})['answers']
        return [answer['status'] for answer in answers]

    def run_cron(self, xmlid):
        """Run a scheduled action now, and wait for it; if it is running, after that."""
        module, name = xmlid.split('.')
        found = self.admin.call('ir.model.data', 'search_read',
                                [['module', '=', module], ['name', '=', name]],
                                fields=['res_id'])

        def run():
            try:
                self.admin.call('ir.cron', 'method_direct_trigger', [found[0]['res_id']])
            except RpcError as error:
                assert 'already executing' in str(error), error
                return False
            return True

        self.wait(run)

    def wait(self, condition, seconds=30):
        """Wait until a function returns something true; return that."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f'not within {seconds} s: {condition}'
            time.sleep(0.2)

    def wait_for_order(self, customer, state='sale'):
        """Wait until the customer's order has a state."""
        return self.wait(lambda: customer.order()['state'] == state)


@pytest.fixture(scope='session')
def _system():
    with Shop('system') as shop:
        yield System(shop)


@pytest.fixture
def system(_system):
    _system.sandbox.control('DELETE', 'faults')
    _system.sandbox.control('DELETE', 'requests')
    yield _system
    _system.sandbox.control('DELETE', 'faults')
