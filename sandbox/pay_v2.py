# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""api.mch.weixin.qq.com, API v2: which path is which call."""

from . import v2_bills, v2_micropay, v2_orders, v2_red_packets, v2_refunds, v2_reports
from .v2_call import Call


def _payout(handler, fields, appid='wxappid'):
    return Call(
        handler, fields, certificate=True, sign_type='MD5', appid=appid, style='payout',
    )


_MONEY = '/mmpaymkttransfers'
PATHS = {
    '/pay/unifiedorder': Call(v2_orders.unified_order, v2_orders.UNIFIED_ORDER),
    '/pay/orderquery': Call(v2_orders.query, v2_orders.QUERY),
    '/pay/closeorder': Call(v2_orders.close, v2_orders.CLOSE),
    '/pay/micropay': Call(v2_micropay.pay, v2_micropay.MICROPAY),
    '/secapi/pay/reverse': Call(v2_micropay.reverse, v2_micropay.REVERSE, certificate=True),
    '/secapi/pay/refund': Call(v2_refunds.apply, v2_refunds.REFUND, certificate=True),
    '/pay/refundquery': Call(v2_refunds.query, v2_refunds.QUERY),
    '/pay/downloadbill': Call(v2_bills.trade_bill, v2_bills.TRADE_BILL, style='bill'),
    '/pay/downloadfundflow': Call(
        v2_bills.fund_flow, v2_bills.FUND_FLOW, certificate=True, sign_type='HMAC-SHA256',
        style='bill',
    ),
    '/payitil/report': Call(v2_reports.report, v2_reports.REPORT),
    '/billcommentsp/batchquerycomment': Call(
        v2_reports.comments, v2_reports.COMMENTS, certificate=True, sign_type='HMAC-SHA256',
    ),
    f'{_MONEY}/sendredpack': _payout(v2_red_packets.send, v2_red_packets.NORMAL),
    f'{_MONEY}/sendgroupredpack': _payout(v2_red_packets.send_group, v2_red_packets.GROUP),
    f'{_MONEY}/sendminiprogramhb': _payout(
        v2_red_packets.send_miniprogram, v2_red_packets.MINIPROGRAM,
    ),
    f'{_MONEY}/gethbinfo': _payout(v2_red_packets.query, v2_red_packets.QUERY, 'appid'),
}
