# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev demo`: start everything, play one customer who was never here, keep it running."""

import itertools
import signal
import time

from .console import Failure, say
from .customer import Customer
from .shop import LOGIN, PASSWORD, RpcError, Shop

PATIENCE = 60  # seconds for what Odoo does in the background after a payment


class Player:
    """Plays the customer and prints each step with its time."""

    def __init__(self, shop, odoo):
        self.shop = shop
        self.odoo = odoo
        self.numbers = itertools.count(1)

    def step(self, title, function, show):
        """Do one step and print it with what came of it.

        :param show: function from the step's result to the text that is printed.
        :raise Failure: the step failed.
        """
        start = time.monotonic()
        try:
            result = function()
        except RpcError as error:
            raise Failure(f'{title}: Odoo answered {error}') from error
        took = (time.monotonic() - start) * 1000
        say(f'{next(self.numbers):2}. {title}  [{took:.0f} ms]\n      {show(result)}')
        return result

    def play(self):
        """Play one customer from wx.login to the confirmed order.

        :raise Failure: something is not as it must be.
        """
        customer = Customer(self.odoo.url, self.shop.sandbox)
        known = self.shop.admin.call('wechat.identity', 'search_count', [])
        code = self.step('wx.login gives the mini-program a code', customer.wx_login, str)
        session = self.step(
            'POST /wechat/miniprogram/authenticate',
            lambda: customer.authenticate(code, user_info={'nickName': "Xiao Ming 小明"}),
            lambda answer: f'user {answer["uid"]} “{answer["name"]}”, new: '
                           f'{answer["is_new_user"]}, session {answer["session_id"][:8]}…')
        self.check(session['is_new_user'], 'the customer was in the database before')
        self.check(self.shop.admin.call('wechat.identity', 'search_count', []) == known + 1,
                   'there is not exactly one identity more')
        products = self.step(
            'call_kw search_read on product.product', customer.products,
            lambda found: '; '.join(f'{p["name"]} {p["list_price"]:.2f}' for p in found))
        goods = next(product for product in products if product['type'] == 'consu')
        service = next(product for product in products if product['type'] == 'service')
        for product, quantity in ((goods, 2), (service, 1)):
            self.step(f'POST /shop/cart/add: {quantity} × {product["name"]}',
                      lambda product=product, quantity=quantity:
                      customer.add_to_cart(product, quantity),
                      lambda answer: f'{answer["cart_quantity"]} in the cart')
        carrier = self.shop.admin.call('delivery.carrier', 'search',
                                       [['is_published', '=', True]], limit=1)[0]
        self.step('POST /shop/set_delivery_method: free delivery',
                  lambda: customer.choose_delivery(carrier),
                  lambda answer: f'free: {answer["is_free_delivery"]}')
        order = self.step(
            'call_kw search_read on sale.order', customer.order,
            lambda found: f'{found["name"]}: {found["amount_total"]:.2f} '
                          f'{found["currency_id"][1]}, {found["state"]}')
        prepaid = self.step(
            'POST /wechat/payment/prepay', lambda: customer.prepay(order),
            lambda answer: f'{answer["amount"]:.2f} {answer["currency"]} under '
                           f'{answer["reference"]}, package {answer["payment"]["package"]}')
        self.check(prepaid['amount'] == order['amount_total'], 'another amount is to be paid')
        self.step(
            'wx.requestPayment: the customer confirms, WeChat Pay notifies Odoo',
            lambda: self.confirmed(customer, prepaid['payment']),
            lambda answer: f'{answer["errMsg"]}, transaction {answer["transaction_id"]}; '
                           f'notification answered {answer["notification"]["status"]}')
        status = self.step(
            'POST /wechat/payment/status', lambda: customer.status(prepaid['reference']),
            lambda answer: f'{answer["reference"]}: {answer["state"]}')
        self.check(status['state'] == 'done', 'the payment is not done')
        self.step('Odoo confirms the order in the background',
                  lambda: self.wait_for_order(customer, order),
                  lambda found: f'{found["name"]}: {found["state"]}')

    def confirmed(self, customer, payment):
        """Confirm on the phone; the answer must be good and the notification taken."""
        answer = customer.request_payment(payment)
        self.check(answer['errMsg'] == 'requestPayment:ok', answer['errMsg'])
        self.check(answer['notification']['status'] in (200, 204),
                   f'Odoo refused the notification: {answer["notification"]}')
        return answer

    def wait_for_order(self, customer, order):
        """Wait until the order is confirmed; return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = customer.order()
            if found['id'] == order['id'] and found['state'] == 'sale':
                return found
            time.sleep(0.3)
        raise Failure(f'The order {order["name"]} was not confirmed within {PATIENCE} s.')

    def check(self, condition, text):
        """Raise `Failure` with the text unless the condition holds."""
        if not condition:
            raise Failure(f'This is not as it must be: {text}.')


def main(arguments):
    """Play the demo.

    :param list arguments: `--once`: end after the customer has paid.
    :return: exit status.
    """
    unknown = set(arguments) - {'--once'}
    if unknown:
        raise Failure(f'Unknown: {" ".join(sorted(unknown))}. There is only --once.')
    with Shop('demo') as shop:
        start = time.monotonic()
        odoo = shop.start_odoo(crons=1)
        say(f'▸ Odoo and the sandbox are running ({time.monotonic() - start:.1f} s)\n')
        Player(shop, odoo).play()
        say('\nThe customer has paid, the order is confirmed.\n')
        say(f'Odoo      {odoo.url}/odoo  (login {LOGIN}, password {PASSWORD}; '
            f'shop: {odoo.url}/shop)')
        say(f'Sandbox   {shop.sandbox.url}/  (WeChat users and open orders)')
        say(f'Phone     {shop.sandbox.url}/miniprogram  (the demo mini-program, to be walked)')
        if '--once' in arguments:
            return 0
        say('\nBoth keep running until you press Ctrl-C.')
        try:
            while odoo.process.poll() is None and shop.sandbox.process.poll() is None:
                time.sleep(0.5)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the second one would leave things open
            say('\nStopping …')
            return 0
        raise Failure(f'A server ended by itself. Its log: {odoo.log} or {shop.sandbox.log}')
