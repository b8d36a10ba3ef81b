# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is fixed by WeChat Pay or by the contract, each with its source (shared protocol names)."""

from odoo.addons.payment.const import SENSITIVE_KEYS as PAYMENT_SENSITIVE_KEYS

# What the loggers of the payment engine must never show: credentials, what a client pays with, and
# encrypted or personal data of customers (D18).
SENSITIVE_KEYS = {
    'Authorization', 'signature', 'paySign', 'sign', 'package', 'prepay_id', 'prepayId', 'code_url',
    'h5_url', 'ciphertext', 'encrypted_echo_message', 'openid', 'sp_openid', 'sub_openid',
    'bank_account', 'real_name', 'user_name',
    'wechat_api_v3_key', 'wechat_merchant_private_key', 'wechat_api_v3_key_input',
    'wechat_merchant_private_key_input', 'wechat_order_body', 'wechat_prepay_id',
    # API v2, its notifications, payment codes and red packets.
    'wechat_api_v2_key', 'wechat_api_v2_key_input', 'req_info', 'mweb_url', 'auth_code',
    're_openid', 're_user_name', 'user_truename', 'user_creid',
}
PAYMENT_SENSITIVE_KEYS.update(SENSITIVE_KEYS)

# Where the same API answers from another site (A1.1).
PAY_URL = 'https://api.mch.weixin.qq.com'
PAY_BACKUP_URL = 'https://api2.mch.weixin.qq.com'

# Platform certificates are fetched again after this many hours; WeChat Pay asks for 12 at most, and
# new ones come some ten days before the old ones expire (A2.2).
CERTIFICATES_MAX_AGE = 11
# An unknown key name makes us fetch them, but not more often than this, in minutes (A1.5).
CERTIFICATES_MIN_AGE = 5
# With less than this left, in days, and none that follows, the administrator is told.
CERTIFICATES_WARNING = 3

# Keys that are entered in forms and never shown again: payment.provider fields less `wechat_`.
ENTERED_KEYS = (
    'api_v3_key', 'api_v2_key', 'merchant_private_key', 'merchant_certificate', 'pay_public_key',
)

# What may be wrong with API v2, by the reasons of `_wechat_describe_problem`: a call of API v3 that
# succeeds says nothing of it.
V2_REASONS = {
    'v2_key_missing', 'v2_not_taken', 'v2_sign_type', 'v2_same_keys', 'v2_signature', 'api_v2',
    'client_certificate_missing', 'client_certificate',
}

# The payment method of Odoo's payment engine that is enabled with the provider.
DEFAULT_PAYMENT_METHOD_CODES = {'wechat_pay'}

# Mainland merchants: CNY only (C, amounts and currencies).
SUPPORTED_CURRENCIES = {'CNY'}

# Trade states of an order (A4.5) by what they make of a transaction. All others change nothing:
# NOTPAY and USERPAYING wait, PAYERROR concerns payment codes and is not final for us.
PAID_TRADE_STATES = {'SUCCESS', 'REFUND'}  # REFUND: the order was paid, some of it went back.
CLOSED_TRADE_STATES = {'CLOSED', 'REVOKED'}

# Which trade types can be asked for, and what WeChat Pay returns for each (A4.1).
TRADE_TYPE_RESULTS = {
    'JSAPI': 'prepay_id', 'APP': 'prepay_id', 'NATIVE': 'code_url', 'H5': 'h5_url',
}

# How long what was returned can be used, in seconds (A4.1). After that the order call is repeated.
RESULT_LIFETIMES = {'prepay_id': 7200, 'code_url': 7200, 'h5_url': 300}
# With less than this left, in seconds, it is not handed out any more.
RESULT_REST = 60

# The types of app a customer pays in, for the trade types that need a certain one (A4.1).
TRADE_TYPE_APP_TYPES = {'JSAPI': ('miniprogram', 'official_account'), 'APP': ('mobile',)}

# An order can be paid this long, in minutes: as long as its prepay_id lives (A4.1).
ORDER_LIFETIME = 120
# With less than this left, in minutes, a new number is made rather than the old one repeated.
ORDER_REST = 5

# An order of v2 that is to be closed is closed this long after it could be, in seconds: our time
# is that of the record, WeChat Pay's that of the call.
CLOSE_MARGIN = 20

# When WeChat Pay is asked for an order that no notification settled: seconds after the order, as
# WeChat Pay suggests (A4.5); after that every half hour until the order has expired.
QUERY_PLAN = (5, 30, 60, 180, 300, 600, 1800)

# Payment codes (A5), in seconds: how long a customer may take to enter the password, when a payment
# may be reversed at the earliest, when a number that WeChat Pay does not know is looked for again.
CODE_PATIENCE = 30
REVERSE_AFTER = 15
CODE_LOOK_AGAIN = 300
# How many steps are taken every 5 s, before the plan above is followed.
CODE_QUERIES = 12
# Reversals are taken this many days (B2.7).
REVERSE_DAYS = 7

# At most one query in this many seconds and transaction, whatever clients ask for.
STATUS_INTERVAL = 2

# Notifications larger than this are refused unread (D2).
MAX_NOTIFICATION_BYTES = 64 * 1024
