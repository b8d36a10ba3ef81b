# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A customer with a phone: what a mini-program does against Odoo, and WeChat for its user."""

from .shop import APPID, Client


class Customer(Client):
    """One WeChat user in one mini-program.

    :param url: Odoo's address.
    :param sandbox: `servers.Sandbox`
    :param user: the sandbox's id of the WeChat user; None: a new one at the first login.
    """

    def __init__(self, url, sandbox, user=None, appid=APPID):
        super().__init__(url)
        self.sandbox = sandbox
        self.user = user
        self.appid = appid
        self.openid = None
        self.session = None

    def wx_login(self):
        """Return a fresh code, as wx.login gives one to the mini-program."""
        answer = self.sandbox.control('POST', 'login_code', {
            'appid': self.appid, **({'user': self.user} if self.user else {})})
        self.user, self.openid = answer['user'], answer['openid']
        return answer['code']

    def authenticate(self, code=None, **params):
        """Log in and keep the session whose id the answer names; returns the answer."""
        answer = self.rpc('/wechat/miniprogram/authenticate', code=code or self.wx_login(),
                          **params)
        self.session = answer
        return answer

    def call(self, model, method, *args, **kwargs):
        """Call a model's method in the language of the session, as its `user_context` says."""
        if self.session:
            kwargs.setdefault('context', self.session['user_context'])
        return super().call(model, method, *args, **kwargs)

    def products(self, domain=()):
        """Return the published products."""
        return self.call('product.product', 'search_read',
                         [['is_published', '=', True], *domain],
                         fields=['name', 'list_price', 'type', 'product_tmpl_id'], order='id')

    def add_to_cart(self, product, quantity=1):
        """Put a product (a dict of `products`) into the cart."""
        return self.rpc('/shop/cart/add', product_template_id=product['product_tmpl_id'][0],
                        product_id=product['id'], quantity=quantity)

    def order(self):
        """Return the customer's newest order."""
        return self.call('sale.order', 'search_read', [],
                         fields=['name', 'state', 'amount_total', 'currency_id'],
                         order='id desc', limit=1)[0]

    def choose_delivery(self, carrier_id):
        """Choose how the goods of the cart are delivered."""
        return self.rpc('/shop/set_delivery_method', dm_id=carrier_id)

    def prepay(self, order, **params):
        """Ask Odoo for what wx.requestPayment needs."""
        return self.rpc('/wechat/payment/prepay', model='sale.order', id=order['id'], **params)

    def request_payment(self, payment, notify=True):
        """Confirm the payment on the phone; returns what wx.requestPayment calls back with."""
        return self.sandbox.control('POST', 'request_payment', {
            'appid': self.appid, 'user': self.user, 'payment': payment, 'notify': notify})

    def status(self, reference):
        """Ask Odoo what became of a payment."""
        return self.rpc('/wechat/payment/status', reference=reference)
