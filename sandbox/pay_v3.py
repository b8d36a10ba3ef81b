# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""api.mch.weixin.qq.com, API v3: which path is which call."""

from . import bills, codepay, orders, refunds_v3, security, transfers_v3

_REFUNDS = '/v3/refund/domestic/refunds'
_TRANSFERS = '/v3/fund-app/mch-transfer/transfer-bills'


def _transactions(base):
    """:return: the routes of orders below a path."""
    order = base + '/out-trade-no/{out_trade_no}'
    return [
        ('POST', f'{base}/jsapi', orders.create_jsapi),
        ('POST', f'{base}/native', orders.create_native),
        ('POST', f'{base}/h5', orders.create_h5),
        ('POST', f'{base}/app', orders.create_app),
        ('POST', f'{base}/codepay', codepay.pay),
        ('GET', order, orders.query_by_number),
        ('POST', f'{order}/close', orders.close),
        ('POST', f'{order}/reverse', codepay.reverse),
        ('GET', base + '/id/{transaction_id}', orders.query_by_transaction),
    ]


ROUTES = [
    *_transactions('/v3/pay/transactions'),
    *_transactions('/v3/pay/partner/transactions'),
    ('POST', _REFUNDS, refunds_v3.apply),
    ('GET', _REFUNDS + '/{out_refund_no}', refunds_v3.query),
    ('POST', _REFUNDS + '/{refund_id}/apply-abnormal-refund', refunds_v3.apply_abnormal),
    ('GET', '/v3/bill/tradebill', bills.trade_bill),
    ('GET', '/v3/bill/fundflowbill', bills.fund_flow_bill),
    ('GET', '/v3/billdownload/file', bills.download),
    ('POST', _TRANSFERS, transfers_v3.create),
    ('GET', _TRANSFERS + '/out-bill-no/{out_bill_no}', transfers_v3.query),
    ('GET', _TRANSFERS + '/transfer-bill-no/{transfer_bill_no}', transfers_v3.query_by_bill),
    ('POST', _TRANSFERS + '/out-bill-no/{out_bill_no}/cancel', transfers_v3.cancel_by_number),
    ('GET', '/v3/certificates', security.certificates),
    ('POST', '/v3/security/echo', security.echo),
]
