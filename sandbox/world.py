# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that exists in the sandbox: apps, merchants, users, codes, tokens, orders.

All state is in memory, under one lock. Functions elsewhere take `world.lock` for as long as they
look and decide, and never while they talk to the network.
"""

import base64
import secrets
import threading
from dataclasses import dataclass, field

from .clock import Clock, beijing_day, rfc3339
from .keys import YEAR, Authority, Signer, new_key, private_pem, public_pem

MINIPROGRAM = 'wx0000000000000002'
SECOND_MINIPROGRAM = 'wx0000000000000003'
MERCHANT = '1900000001'
OPEN_PLATFORM = 'sandbox'
APP_TYPES = ('miniprogram', 'official_account', 'website', 'mobile', 'component')
TRUST_MODES = ('public_key', 'certificate')
# MICROPAY is the payment code of API v2, CODEPAY that of v3, which few merchants have (A5).
PRODUCTS = ('JSAPI', 'NATIVE', 'H5', 'APP', 'MICROPAY', 'CODEPAY')
FIRST_PRODUCTS = PRODUCTS[:-1]
SIGN_TYPES = ('MD5', 'HMAC-SHA256')
SETTINGS = {
    'auto_refund': False, 'allow_loopback_ip': False, 'refund_interval': 60,
    'push_limit': 5, 'push_retry_after': 0, 'v2_close_after': 300, 'reverse_after': 15,
    'reverse_recalls': 0,
    # Bills, red packets and transfers: `control_bills` and `control_payouts` say what they mean.
    'bill_ready_hour': 10, 'fee_rate': 0.006, 'bill_bom': False, 'bill_newline': 'CRLF',
    'payout_account': 'BASIC', 'red_packet_limit': 10, 'red_packet_sending': False,
    'red_packet_return_code': 'SUCCESS', 'transfer_minimum': 10, 'transfer_maximum': None,
    'transfer_short_of_funds': 'ACCEPTED', 'transfer_stays_transfering': False,
    'transfer_stays_canceling': False, 'transfer_notify_mchid': 'mch_id',
}
SESSION_KEY_INTERVAL = 300
DAY = 86400


class Refusal(Exception):
    """The control API cannot do what it was asked; the text says why."""


@dataclass
class App:
    """An application registered with the platform."""

    appid: str
    secret: str
    app_type: str = 'miniprogram'
    open_platform: str | None = None

    def public(self):
        """:return: what the control API shows (dict)."""
        return dict(vars(self))


@dataclass
class Merchant:
    """A merchant number with its keys and WeChat Pay's keys towards it."""

    mchid: str
    appids: list
    api_v3_key: str
    certificate: Signer
    public_key: Signer
    platform: list
    trust_mode: str = 'public_key'
    products: list = field(default_factory=lambda: list(FIRST_PRODUCTS))
    balance: int | None = None
    refund_notify_url: str = ''
    api_v2_key: str = field(default_factory=lambda: secrets.token_hex(16))
    h5_domains: list | None = None
    v2_sign_type: str = 'MD5'
    sub_merchants: list = field(default_factory=list)

    @property
    def is_partner(self):
        """:return: whether it is a service provider, who takes orders for sub-merchants only."""
        return bool(self.sub_merchants)

    def sub_merchant(self, mchid):
        """:return: a sub-merchant (dict `mchid`, `appids`), or None."""
        return next((item for item in self.sub_merchants if item['mchid'] == mchid), None)

    def signers(self):
        """:return: dict serial -> `Signer` of everything WeChat Pay may sign with."""
        return {signer.serial: signer for signer in [self.public_key, *self.platform]}

    def platform_signer(self, now):
        """:return: the platform certificate that signs at this moment: the newest in force."""
        valid = [item for item in self.platform if item.effective <= now < item.expire]
        return max(valid or self.platform, key=lambda item: item.effective)

    def notification_signer(self, now, kind=None):
        """:return: who signs notifications: the trust mode, or the kind or serial named."""
        if kind in self.signers():
            return self.signers()[kind]
        if (kind or self.trust_mode) == 'public_key':
            return self.public_key
        return self.platform_signer(now)


@dataclass
class User:
    """A person with WeChat: one openid per app, one unionid per Open Platform account."""

    user: str
    nickname: str
    blocked: bool = False
    account_abnormal: bool = False
    openids: dict = field(default_factory=dict)
    unionids: dict = field(default_factory=dict)
    session_keys: dict = field(default_factory=dict)


@dataclass
class LoginCode:
    """What wx.login gave."""

    code: str
    appid: str
    user: str
    expires: float
    used: bool = False


@dataclass
class Order:
    """An order; `parameters` is the body it was made with, as v3 or v2 has it.

    Of a service provider's order `mchid`, `appid` and `openid` are the provider's own, and `sub_…`
    those of the sub-merchant. `cashiers` are the appids in which a prepay_id opens the cashier.
    """

    mchid: str
    appid: str
    out_trade_no: str
    parameters: dict
    created: float
    pay_until: float
    product: str = 'JSAPI'
    openid: str = ''
    version: int = 3
    sign_type: str = ''
    sub_mchid: str = ''
    sub_appid: str = ''
    cashiers: tuple = ()
    state: str = 'NOTPAY'
    transaction_id: str = ''
    success_time: float = 0.0
    revoked_time: float = 0.0
    coupon: int = 0
    code_url: str = ''
    scanned_by: str = ''
    refunds: list = field(default_factory=list)
    notifications: list = field(default_factory=list)

    @property
    def total(self):
        """:return: the amount in fen."""
        if self.version == 2:
            return int(self.parameters['total_fee'])
        return self.parameters['amount']['total']

    @property
    def description(self):
        """:return: what the customer is told it is for."""
        return self.parameters['body' if self.version == 2 else 'description']

    @property
    def attach(self):
        """:return: the merchant's own data, '' if there is none."""
        return self.parameters.get('attach', '')

    @property
    def paid(self):
        """:return: whether the money was taken, refunded since or not."""
        return self.state in ('SUCCESS', 'REFUND')

    @property
    def by_code(self):
        """:return: whether it is paid by a payment code, so that it is reversed, not closed."""
        return self.product in ('MICROPAY', 'CODEPAY')

    @property
    def trade_type(self):
        """:return: what query and notification call the product (A4.5)."""
        return {'H5': 'MWEB', 'CODEPAY': 'MICROPAY'}.get(self.product, self.product)

    @property
    def notify_url(self):
        """:return: where the merchant wants to be told; '' for payment codes."""
        return self.parameters.get('notify_url', '')


class World:
    """The state of one sandbox."""

    def __init__(self):
        self.lock = threading.RLock()
        self.clock = Clock()
        self.address = self.backup_address = self.tls_address = ''
        self.authority = Authority()
        self._first_apps = [
            App(MINIPROGRAM, secrets.token_hex(16), open_platform=OPEN_PLATFORM),
            App(SECOND_MINIPROGRAM, secrets.token_hex(16), open_platform=OPEN_PLATFORM),
        ]
        self._first_merchant = self._make_merchant(
            MERCHANT, [MINIPROGRAM, SECOND_MINIPROGRAM], 'public_key',
        )
        self.reset()

    def reset(self):
        """Go back to the start: same apps, merchant and keys, nothing else."""
        with self.lock:
            self.clock.offset = 0.0
            self.apps = {app.appid: App(**vars(app)) for app in self._first_apps}
            first = self._first_merchant
            self.merchants = {first.mchid: Merchant(**{
                **vars(first),
                'appids': list(first.appids),
                'platform': list(first.platform),
                'products': list(first.products),
                'sub_merchants': list(first.sub_merchants),
            })}
            self.users = {}
            self._openids = {}
            self._transactions = {}
            self.codes = {}
            self.tokens = {}
            self.current_tokens = {}
            self.quotas = {}
            self.call_counters = {}
            self.clearings = {}
            self.ip_allow_lists = {}
            self.tickets = {}
            self.accounts = {}
            self.miniprograms = {}
            self.components = {}
            self.phone_codes = {}
            self.phone_numbers = {}
            self.oauth_codes = {}
            self.oauth_access_tokens = {}
            self.oauth_refresh_tokens = {}
            self.oauth_domains = {}
            self.oauth_snapshots = set()
            self.push_configs = {}
            self.chat_windows = {}
            self.chat_times = {}
            self.chat_typing = set()
            self.customer_messages = []
            self.orders = {}
            self.prepays = {}
            self.code_urls = {}
            self.h5_pages = {}
            self.refunds = {}
            self.payment_codes = {}
            self.comments = []
            self.mass_orders = []
            self.bill_files = {}
            self.bill_defects = {}
            self.billed_states = {}
            self.opening_balances = {}
            self.top_ups = []
            self.red_packets = {}
            self.transfers = {}
            self.transfer_scenes = {}
            self.transfer_ips = {}
            self.real_names = {}
            self.settings = dict(SETTINGS)
            self._numbers = {}

    def number(self, name):
        """:return: the next number of a series, from 1."""
        with self.lock:
            self._numbers[name] = self._numbers.get(name, 0) + 1
            return self._numbers[name]

    # === Apps and merchants === #

    def add_app(self, appid, secret=None, app_type='miniprogram', open_platform=None):
        """Register an app, or replace the one with this appid.

        :return: the `App`
        """
        if app_type not in APP_TYPES:
            raise Refusal(f"app_type must be one of {', '.join(APP_TYPES)}")
        app = App(appid, secret or secrets.token_hex(16), app_type, open_platform)
        with self.lock:
            self.apps[appid] = app
        return app

    def _make_merchant(self, mchid, appids, trust_mode):
        now = self.clock.now()
        public = Signer(f'PUB_KEY_ID_01{mchid}{beijing_day(now)}00000000000001', new_key())
        return Merchant(
            mchid=mchid,
            appids=list(appids),
            api_v3_key=secrets.token_hex(16),
            certificate=self.authority.certified(mchid, now - DAY),
            public_key=public,
            platform=[self.authority.certified("WeChat Pay of the sandbox", now - DAY)],
            trust_mode=trust_mode,
        )

    def add_merchant(self, mchid, appids, trust_mode='public_key'):
        """Register a merchant with fresh keys.

        :return: the `Merchant`
        """
        if trust_mode not in TRUST_MODES:
            raise Refusal(f"trust_mode must be one of {', '.join(TRUST_MODES)}")
        merchant = self._make_merchant(mchid, appids, trust_mode)
        with self.lock:
            self.merchants[mchid] = merchant
        return merchant

    def merchant(self, mchid):
        """:return: the `Merchant` for the control API.
        :raise Refusal: no such merchant
        """
        if mchid not in self.merchants:
            raise Refusal(f"there is no merchant {mchid!r}")
        return self.merchants[mchid]

    def add_platform_certificate(self, merchant, effective_in=0, expire_in=None, replace=False):
        """Start a rotation: one more platform certificate (A2.2).

        :param float effective_in: seconds until it is in force
        :param float expire_in: seconds until it expires; None: five years after that
        :param bool replace: the older ones are gone
        :return: its `Signer`
        """
        lifetime = 5 * YEAR if expire_in is None else expire_in - effective_in
        if lifetime < 1:
            raise Refusal("expire_in must be later than effective_in")
        now = self.clock.now()
        signer = self.authority.certified("WeChat Pay of the sandbox", now + effective_in, lifetime)
        with self.lock:
            if replace:
                merchant.platform.clear()
            merchant.platform.append(signer)
        return signer

    # === Users === #

    def add_user(self, nickname=None):
        """:return: a new `User` who has opened no app yet."""
        with self.lock:
            number = self.number('user')
            user = User(f'user{number}', nickname or f'User {number}')
            self.users[user.user] = user
            return user

    def user(self, name):
        """:return: the `User` of this name.
        :raise Refusal: no such user
        """
        if name not in self.users:
            raise Refusal(f"there is no user {name!r}")
        return self.users[name]

    def openid(self, user, appid):
        """:return: the user's openid in an app, made when first asked for (28 characters)."""
        with self.lock:
            if appid not in user.openids:
                user.openids[appid] = 'o' + secrets.token_urlsafe(24)[:27]
                self._openids[appid, user.openids[appid]] = user
            return user.openids[appid]

    def unionid(self, user, appid):
        """:return: the user's unionid, or None if the app has no Open Platform account."""
        with self.lock:
            platform = self.apps[appid].open_platform
            if not platform:
                return None
            if platform not in user.unionids:
                user.unionids[platform] = 'oU' + secrets.token_urlsafe(24)[:26]
            return user.unionids[platform]

    def user_of_openid(self, openid, appid):
        """:return: the `User` whose openid in this app it is, or None."""
        with self.lock:
            return self._openids.get((appid, openid))

    def new_session_key(self, user, appid):
        """Give the user a new session_key in an app; the old one is dead.

        :return: Base64 of 16 bytes
        """
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        with self.lock:
            user.session_keys[appid] = (key, self.clock.now())
        return key

    def session_key(self, user, appid):
        """:return: the user's valid session_key in an app, or None."""
        return user.session_keys.get(appid, (None, 0))[0]

    def login(self, user, appid):
        """What wx.login does: a code, and now and then a new session_key (1.3).

        :return: the `LoginCode`, good for five minutes
        """
        with self.lock:
            if appid not in self.apps:
                raise Refusal(f"there is no app {appid!r}")
            now = self.clock.now()
            self.openid(user, appid)
            self.unionid(user, appid)
            made = user.session_keys.get(appid, (None, 0))[1]
            if appid not in user.session_keys or now - made > SESSION_KEY_INTERVAL:
                self.new_session_key(user, appid)
            code = LoginCode('0' + secrets.token_urlsafe(24)[:31], appid, user.user, now + 300)
            self.codes[code.code] = code
            return code

    # === Orders === #

    def order(self, mchid, out_trade_no):
        """:return: the `Order`, brought up to date, or None."""
        with self.lock:
            self._take(mchid, out_trade_no)
            order = self.orders.get((mchid, out_trade_no))
            return order and self.settle(order)

    def order_of_transaction(self, mchid, transaction_id):
        """:return: the paid `Order` with this transaction id, or None."""
        with self.lock:
            self._take(mchid, transaction_id)
            return self._transactions.get((mchid, transaction_id))

    def refund(self, mchid, out_refund_no):
        """:return: the `Refund`, or None."""
        with self.lock:
            self._take(mchid, out_refund_no)
            return self.refunds.get((mchid, out_refund_no))

    def _take(self, mchid, number):
        for mass in self.mass_orders:
            mass.take(self, mchid, number)

    def enter(self, order):
        """Put a paid order that was made elsewhere into the book."""
        self.orders[order.mchid, order.out_trade_no] = order
        self._transactions[order.mchid, order.transaction_id] = order

    def settle(self, order):
        """Let time work: an unpaid order closes by itself after seven days (A4.5)."""
        if order.state == 'NOTPAY' and not order.by_code:
            last = max(order.created + 7 * DAY, order.pay_until)
            if self.clock.now() > last:
                order.state = 'CLOSED'
        return order

    def scan(self, code_url, user):
        """Open a Native order with the scanner of somebody's phone (A4.1, A4.4).

        :return: the `Order`, from now on this user's to pay
        :raise Refusal: what WeChat would show instead
        """
        with self.lock:
            order, expires = self.code_urls.get(code_url, (None, 0))
            if not order:
                raise Refusal("this code_url does not exist")
            if order.code_url != code_url:
                raise Refusal("this code_url was replaced by a newer one of the same order")
            if self.clock.now() > expires:
                raise Refusal("this code_url is older than two hours")
            self.check_payable(order)
            if order.scanned_by not in ('', user.user):
                raise Refusal("another person has scanned this order")
            order.scanned_by = user.user
            return order

    def check_payable(self, order):
        """Raise `Refusal` if an order cannot be paid now, with the reason."""
        self.settle(order)
        if order.paid:
            raise Refusal("the order is already paid")
        if order.state == 'CLOSED':
            raise Refusal("the order is closed")
        if order.by_code:
            raise Refusal("the order is paid by a payment code only")
        if self.clock.now() > order.pay_until:
            raise Refusal("the order can no longer be paid: its time_expire has passed")

    def pay(self, order, user=None):
        """Take the payer's money.

        :param User user: who pays; None: whoever must, or the first person there is
        :raise Refusal: the order cannot be paid, with the reason
        """
        with self.lock:
            self.check_payable(order)
            if order.openid:
                if user and user.openids.get(order.appid) != order.openid:
                    raise Refusal("the order was made for another payer")
            else:
                if user and order.scanned_by not in ('', user.user):
                    raise Refusal("another person has scanned this order")
                user = user or self.users.get(order.scanned_by) or self._anybody()
                order.openid = self.openid(user, order.appid)
            self.take_money(order)

    def take_money(self, order):
        """The order is paid from now on."""
        order.state = 'SUCCESS'
        order.success_time = self.clock.now()
        order.transaction_id = self.new_transaction_id()
        self._transactions[order.mchid, order.transaction_id] = order

    def sub_openid(self, order):
        """:return: the payer's openid under the sub-merchant's appid; '' if there is none."""
        user = order.sub_appid and self.user_of_openid(order.openid, order.appid)
        return self.openid(user, order.sub_appid) if user else ''

    def _anybody(self):
        return next(iter(self.users.values()), None) or self.add_user()

    def new_transaction_id(self):
        """:return: a number as WeChat Pay gives (28 digits)."""
        day = beijing_day(self.clock.now())
        return f"4200{secrets.randbelow(10 ** 6):06d}{day}{self.number('transaction'):010d}"


def merchant_view(merchant):
    """:return: a merchant's credentials, as the control API shows them (dict)."""
    return {
        'mchid': merchant.mchid,
        'appids': merchant.appids,
        'api_v3_key': merchant.api_v3_key,
        'merchant_serial': merchant.certificate.serial,
        'merchant_private_key': private_pem(merchant.certificate.private_key),
        'merchant_certificate': merchant.certificate.certificate,
        'public_key_id': merchant.public_key.serial,
        'public_key': public_pem(merchant.public_key.public_key),
        'platform_certificates': [{
            'serial_no': signer.serial,
            'certificate': signer.certificate,
            'effective_time': rfc3339(signer.effective),
            'expire_time': rfc3339(signer.expire),
        } for signer in merchant.platform],
        'trust_mode': merchant.trust_mode,
        'products': merchant.products,
        'h5_domains': merchant.h5_domains,
        'balance': merchant.balance,
        'refund_notify_url': merchant.refund_notify_url,
        'api_v2_key': merchant.api_v2_key,
        'v2_sign_type': merchant.v2_sign_type,
        'sub_merchants': merchant.sub_merchants,
    }
