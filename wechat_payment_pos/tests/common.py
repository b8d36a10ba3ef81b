# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from uuid import uuid4

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon


class WechatPayPosCommon(WechatPayCommon, HttpCase):
    """A till in CNY that takes cash and WeChat Pay, a cashier, and an order of 48 yuan."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enable_post_process_patcher = False  # The accounting entry is tested, too.
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)
        company.currency_id = cls.currency_cny
        cls.provider.journal_id = cls.env['account.journal'].create({
            'name': "WeChat Pay", 'code': 'WXP', 'type': 'bank', 'company_id': company.id,
        })
        cls.cashier = new_test_user(
            cls.env, 'cashier', groups='base.group_user,point_of_sale.group_pos_user',
        )
        cls.cash_method = cls.env['pos.payment.method'].create({
            'name': "Cash",
            'journal_id': cls.env['account.journal'].create({
                'name': "Till", 'code': 'TILL', 'type': 'cash', 'company_id': company.id,
            }).id,
        })
        cls.wechat_method = cls.env['pos.payment.method'].create({
            'name': "WeChat Pay", 'is_online_payment': True,
            'online_payment_provider_ids': [Command.set(cls.provider.ids)],
        })
        cls.pos_config = cls.env['pos.config'].create({
            'name': "Tea Counter",
            'payment_method_ids': [Command.set((cls.cash_method + cls.wechat_method).ids)],
        })
        cls.product = cls.env['product.product'].create({
            'name': "Tea", 'type': 'service', 'list_price': 48, 'available_in_pos': True,
            'taxes_id': False,
        })
        cls.pos_config.with_user(cls.cashier).open_ui()
        cls.till = cls.pos_config.current_session_id
        cls.till.set_opening_control(0, None)

    def setUp(self):
        super().setUp()
        self.order = self._sync_order()

    def _sync_order(self, quantity=1, uuid=None, state='draft', cash=0):
        """Save an order as the till does; return it.

        :param str uuid: Of the order that is saved again.
        :param float cash: What was paid in cash.
        """
        total = quantity * 48
        uuid = uuid or str(uuid4())
        existing = self.env['pos.order'].search([('uuid', '=', uuid)])
        line = {
            'product_id': self.product.id, 'qty': quantity, 'price_unit': 48, 'discount': 0,
            'tax_ids': [], 'price_subtotal': total, 'price_subtotal_incl': total,
            'uuid': str(uuid4()),
        }
        self.env['pos.order'].with_user(self.cashier).sync_from_ui([{
            'uuid': uuid,
            'id': existing.id,
            'name': existing.name or '/',
            'session_id': self.till.id,
            'user_id': self.cashier.id,
            'access_token': existing.access_token or str(uuid4()),
            'partner_id': False,
            'state': state,
            'amount_tax': 0,
            'amount_total': total,
            'amount_paid': cash,
            'amount_return': 0,
            'date_order': fields.Datetime.to_string(fields.Datetime.now()),
            'fiscal_position_id': False,
            'lines': [
                *(Command.delete(line.id) for line in existing.lines), Command.create(line),
            ],
            'payment_ids': [Command.create({
                'amount': cash, 'name': fields.Datetime.now(),
                'payment_method_id': self.cash_method.id, 'uuid': str(uuid4()),
            })] if cash else [],
        }])
        return self.env['pos.order'].search([('uuid', '=', uuid)])

    def _post_process(self):
        """Run the post-processing as the scheduler does."""
        self.env.flush_all()
        self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()

    def _call_as(self, login, record, method, *args):
        """Call a method of a record as a client does, and return the JSON-RPC answer."""
        self.env.flush_all()
        self.authenticate(login, login)
        answer = self._rpc(
            f'/web/dataset/call_kw/{record._name}/{method}', model=record._name, method=method,
            args=[record.ids, *args], kwargs={},
        )
        self.authenticate(None, None)
        return answer

    def _call_till(self, method, *args):
        """Call a method of the order as the till does, and return the JSON-RPC answer."""
        return self._call_as('cashier', self.order, method, *args)

    def _at_till(self, amount=False):
        """Ask for the online payments of the order as the till does."""
        answer = self._call_till('get_and_set_online_payments_data', amount)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _rpc(self, path, **params):
        with mute_logger('odoo.http'):
            answer = self.url_open(path, headers={'User-Agent': 'Mozilla/5.0 (X11)'}, json={
                'jsonrpc': '2.0', 'method': 'call', 'params': params,
            }).json()
        self.env.invalidate_all()
        return answer

    def _choose_wechat_pay(self, amount=48):
        """Choose WeChat Pay on the order's page as the customer does; return the transaction."""
        answer = self._rpc(
            f'/pos/pay/transaction/{self.order.id}?access_token={self.order.access_token}',
            access_token=self.order.access_token, provider_id=self.provider.id,
            payment_method_id=self.env.ref('payment.payment_method_wechat_pay').id,
            token_id=None, amount=amount, flow='redirect', tokenization_requested=False,
            landing_route='/', is_validation=False,
        )
        self.assertIn('result', answer, answer.get('error'))
        return self.env['payment.transaction'].search(
            [('reference', '=', answer['result']['reference'])]
        )

    def _call(self, route, tx, **params):
        """Call a route of the payment page."""
        return self._rpc(
            f'/payment/wechat_pay/{route}', reference=tx.reference,
            access_token=tx._wechat_get_access_token(), **params,
        )

    def _start(self, amount=48):
        """Show the QR code of WeChat Pay to the customer; return the transaction."""
        tx = self._choose_wechat_pay(amount)
        answer = self._call('start', tx)
        self.assertIn('result', answer, answer.get('error'))
        return tx

    def _trade_state(self, tx):
        """Return the state of the order at WeChat Pay."""
        return self.fake.orders[tx.reference]['trade_state']
