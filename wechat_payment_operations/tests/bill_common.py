# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import gzip
import hashlib
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.tests import HttpCase

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID

TRADE_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
FUNDFLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)


class TradeLine(dict):
    """A line of a trade bill by column, with the values that most have."""

    def __init__(self, time, **values):
        super().__init__({
            '交易时间': time, '公众账号ID': 'wx0000000000000002', '商户号': MCHID,
            '特约商户号': '0', '交易类型': 'JSAPI', '交易状态': 'SUCCESS', '付款银行': 'OTHERS',
            '货币种类': 'CNY', '应结订单金额': '0.00', '代金券金额': '0.00', '微信退款单号': '0',
            '商户退款单号': '0', '退款金额': '0.00', '充值券退款金额': '0.00', '手续费': '0.00000',
            '费率': '0.60%', '订单金额': '0.00', '申请退款金额': '0.00', **values,
        })


def build_bill(header, lines, summary):
    """Return the text of a bill.

    :param str header: The columns.
    :param list lines: Lines by column.
    :param dict summary: The sums by name.
    """
    rows = [
        ','.join('`' + str(line.get(name, '')) for name in header.split(',')) for line in lines
    ]
    sums = ','.join(f'`{value}' for value in summary.values())
    return '\r\n'.join([header, *rows, ','.join(summary), sums, ''])


def build_trade_bill(lines, **summary):
    """Return the text of a trade bill with right sums."""
    def total(name):
        return sum(Decimal(line[name]) for line in lines)

    return build_bill(TRADE_HEADER, lines, {
        '总交易单数': len(lines), '应结订单总金额': total('应结订单金额'),
        '退款总金额': total('退款金额'), '手续费总金额': total('手续费'),
        '订单总金额': total('订单金额'), '申请退款总金额': total('申请退款金额'), **summary,
    })


def build_fundflow_bill(lines):
    """Return the text of a fund-flow bill with right sums."""
    sums = {
        way: sum(Decimal(line['收支金额(元)']) for line in lines if line['收支类型'] == way)
        for way in ('收入', '支出')
    }
    return build_bill(FUNDFLOW_HEADER, lines, {
        '资金流水总笔数': len(lines), '收入金额': sums['收入'], '支出金额': sums['支出'],
    })


class WechatBillCommon(WechatPayCommon):
    """A provider with payments of yesterday, and a WeChat Pay that has bills."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.day = cls.env['wechat.pay.bill']._get_beijing_today() - timedelta(1)
        cls.noon = datetime.combine(cls.day, datetime.min.time()) + timedelta(hours=4)  # 12:00.
        # The journal is another test's.
        cls.provider.wechat_statement_mode = 'none'

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.bill = self._create_bill()

    def _create_bill(self, bill_type='trade', days_ago=0):
        return self.env['wechat.pay.bill'].create({
            'provider_id': self.provider.id, 'bill_type': bill_type,
            'bill_date': self.day - timedelta(days_ago),
        })

    # === PAYMENTS === #

    def _pay(self, amount=19.99, time=None, **values):
        """Return a transaction that was paid at a time (UTC), by default yesterday at noon."""
        tx = self._create_wechat_order(amount)
        order = self.fake.pay(tx.reference, success_time=(
            f'{(time or self.noon).isoformat()}+00:00'
        ))
        tx._wechat_apply_order(order)
        self.assertEqual(tx.state, 'done')
        if values:
            tx.write(values)
        return tx

    def _refund(self, tx, amount, status='SUCCESS', time=None):
        """Return a refund of a payment in a state, made by this Odoo."""
        refund = tx._create_child_transaction(amount, is_refund=True)
        self.fake.refund(tx.reference, refund.reference, round(amount * 100))
        refund.write({
            'wechat_refund_sent': time or self.noon + timedelta(hours=1),
            'wechat_refund_id': self.fake.refunds[refund.reference]['refund_id'],
        })
        refund._set_pending()
        if status == 'SUCCESS':
            self.fake.refunds[refund.reference]['status'] = status
            refund._wechat_apply_refund(self.fake.refunds[refund.reference])
            self.assertEqual(refund.state, 'done')
        return refund

    # === LINES === #

    def _line(self, tx, **values):
        """Return the bill's line of a payment."""
        amount = f'{tx.amount:.2f}'
        return TradeLine(self._beijing(tx.wechat_success_time or self.noon), **{
            '微信订单号': tx.provider_reference or '4200000000000000000000000001',
            '商户订单号': tx.reference, '应结订单金额': amount, '订单金额': amount,
            '手续费': f'{tx.amount * 0.006:.5f}', '商品名称': "Tea", **values,
        })

    def _refund_line(self, refund, **values):
        """Return the bill's line of a refund."""
        source = refund.source_transaction_id
        amount = f'{-refund.amount:.2f}'
        return TradeLine(self._beijing(refund.wechat_refund_sent), **{
            '交易状态': 'REFUND', '微信订单号': source.provider_reference,
            '商户订单号': source.reference, '微信退款单号': refund.wechat_refund_id,
            '商户退款单号': refund.reference, '退款金额': amount, '申请退款金额': amount,
            '退款类型': 'ORIGINAL', '退款状态': 'SUCCESS', '手续费': f'{refund.amount * 0.006:.5f}',
            **values,
        })

    def _foreign_line(self, number='EXTRA0001', **values):
        """Return the bill's line of a payment that Odoo does not know."""
        return TradeLine(self._beijing(self.noon), **{
            '微信订单号': f'42{number}', '商户订单号': number, '应结订单金额': '1.00',
            '订单金额': '1.00', **values,
        })

    @staticmethod
    def _beijing(time):
        return (time + timedelta(hours=8)).strftime('%Y-%m-%d %H:%M:%S')

    # === WECHAT PAY === #

    def _serve(self, text, bill_type='trade', **answer):
        """Let WeChat Pay have a bill; `answer` changes what it says of it.

        `body`: the bytes that are downloaded in place of the right ones; `status`: of the download.
        """
        data = text.encode() if isinstance(text, str) else text
        body = answer.pop('body', gzip.compress(data))
        status = answer.pop('status', 200)
        self.fake.override(rf'GET /v3/bill/{bill_type}bill$', lambda _request: self.fake.signed({
            'hash_type': 'SHA1', 'hash_value': hashlib.sha1(data).hexdigest(),
            'download_url': f'{self.fake.url}/v3/billdownload/file?token={bill_type}-a%2Fb~c',
            **answer,
        }))
        self.fake.override(
            'GET /v3/billdownload/file$',
            lambda _request: (status, {'Content-Type': 'application/octet-stream'}, body),
        )

    def _refuse(self, code, status=400, bill_type='trade'):
        """Let WeChat Pay refuse a bill."""
        self.fake.override(
            rf'GET /v3/bill/{bill_type}bill$', lambda _request: self.fake.error(status, code),
        )

    # === ODOO === #

    @contextmanager
    def _committing(self):
        """Open an environment whose commits do not end the test's transaction."""
        self.env.flush_all()
        with ExitStack() as stack:
            if not isinstance(self, HttpCase):  # Which is in test mode already.
                stack.enter_context(self.enter_registry_test_mode())
            yield self.env(cr=stack.enter_context(self.registry.cursor()))

    def _fetch_bill(self, bill=None):
        """Fetch a bill as the button and the scheduled action do."""
        bill = self.bill if bill is None else bill
        with self._committing() as env:
            bill.with_env(env)._fetch()
        self.env.invalidate_all()
        return bill

    def _load(self, *lines, **summary):
        """Let WeChat Pay have a trade bill of these lines, and fetch it."""
        self._serve(build_trade_bill(lines, **summary))
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        return self.bill.line_ids.sorted('line_no')

    def _states(self, bill=None):
        """Return how many lines are in which state."""
        lines = (self.bill if bill is None else bill).line_ids
        return {
            state: len(lines.filtered(lambda line, state=state: line.match_state == state))
            for state in set(lines.mapped('match_state'))
        }
