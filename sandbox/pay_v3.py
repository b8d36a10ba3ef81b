# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""api.mch.weixin.qq.com, API v3: which path is which call."""

from . import orders, refunds_v3, security

_ORDER = '/v3/pay/transactions/out-trade-no/{out_trade_no}'
_REFUNDS = '/v3/refund/domestic/refunds'
ROUTES = [
    ('POST', '/v3/pay/transactions/jsapi', orders.create_jsapi),
    ('POST', '/v3/pay/transactions/native', orders.create_native),
    ('POST', '/v3/pay/transactions/h5', orders.create_h5),
    ('POST', '/v3/pay/transactions/app', orders.create_app),
    ('GET', _ORDER, orders.query_by_number),
    ('POST', f'{_ORDER}/close', orders.close),
    ('GET', '/v3/pay/transactions/id/{transaction_id}', orders.query_by_transaction),
    ('POST', _REFUNDS, refunds_v3.apply),
    ('GET', _REFUNDS + '/{out_refund_no}', refunds_v3.query),
    ('POST', _REFUNDS + '/{refund_id}/apply-abnormal-refund', refunds_v3.apply_abnormal),
    ('GET', '/v3/certificates', security.certificates),
    ('POST', '/v3/security/echo', security.echo),
]
