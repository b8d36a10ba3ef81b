# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.wechat_payment_operations.const import ASK_BATCH, DIFFERENCE_STATES


class WechatPayBillLine(models.Model):
    """One payment, refund or movement of money, as a bill tells it or as Odoo misses it there."""

    _name = 'wechat.pay.bill.line'
    _description = "WeChat Pay Bill Line"
    _order = 'time desc, id desc'
    _rec_name = 'number'

    bill_id = fields.Many2one(
        comodel_name='wechat.pay.bill', required=True, readonly=True,
        ondelete='cascade',
    )
    # Written along with each line: what one searches and groups by.
    provider_id = fields.Many2one(
        comodel_name='payment.provider', required=True, readonly=True,
        ondelete='restrict',
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, readonly=True,
    )
    bill_date = fields.Date(string="Day", required=True, readonly=True)
    bill_type = fields.Selection(
        required=True, readonly=True,
        selection=[('trade', "Trade bill"), ('fundflow', "Fund-flow bill")],
    )
    line_no = fields.Integer(
        string="No.", readonly=True, help="The place in the bill; 0: it is not in the bill.",
    )
    kind = fields.Selection(
        required=True, readonly=True,
        selection=[
            ('payment', "Payment"),
            ('refund', "Refund"),
            ('reversal', "Reversal"),
            ('refund_return', "Refund returned"),
            ('fee', "Fee"),
            ('fee_return', "Fee returned"),
            ('red_packet', "Red packet"),
            ('red_packet_return', "Red packet returned"),
            ('transfer', "Transfer"),
            ('transfer_return', "Transfer returned"),
            ('top_up', "Top-up"),
            ('withdrawal', "Withdrawal"),
            ('other', "Other"),
        ],
    )
    time = fields.Datetime(readonly=True)
    # What the bill says.
    number = fields.Char(
        string="Merchant Number", readonly=True,
        help="商户订单号, 商户退款单号 or 业务凭证号: the number that this shop gave.",
    )
    out_trade_no = fields.Char(string="Order", readonly=True)
    wechat_number = fields.Char(
        string="WeChat Pay Number", readonly=True,
        help="微信订单号, 微信退款单号 or 微信支付业务单号.",
    )
    wechat_transaction_id = fields.Char(string="WeChat Pay Order Number", readonly=True)
    flow_no = fields.Char(string="Fund-Flow Number", readonly=True)
    amount = fields.Monetary(
        readonly=True, help="What came in; negative: what went out.",
    )
    settled_amount = fields.Monetary(
        string="Settled", readonly=True, help="The amount without coupons that others paid.",
    )
    fee = fields.Float(digits=(16, 5), readonly=True)
    balance = fields.Monetary(readonly=True)
    bill_currency = fields.Char(string="Currency in the Bill", readonly=True)
    trade_type = fields.Char(readonly=True)
    status = fields.Char(string="State in the Bill", readonly=True)
    description = fields.Char(readonly=True)
    # What Odoo says.
    transaction_id = fields.Many2one(
        comodel_name='payment.transaction', readonly=True,
        ondelete='set null', index='btree_not_null',
    )
    odoo_amount = fields.Monetary(string="Amount in Odoo", readonly=True)
    odoo_state = fields.Selection(
        string="State in Odoo", readonly=True, selection=lambda self: (
            self.env['payment.transaction']._fields['state']._description_selection(self.env)
        ),
    )
    match_state = fields.Selection(
        string="Comparison", readonly=True,
        selection=[
            ('matched', "Agrees"),
            ('missing_in_odoo', "Not in Odoo"),
            ('missing_in_wechat', "Not in the bill"),
            ('amount_differs', "Other amount"),
            ('state_differs', "Other state"),
            ('duplicate', "Twice in the bill"),
            ('no_counterpart', "Nothing to compare"),
        ],
    )
    is_difference = fields.Boolean(
        string="Differs", compute='_compute_is_difference', search='_search_is_difference',
    )
    advice = fields.Char(string="What To Do", compute='_compute_advice')
    is_ask_pending = fields.Boolean(string="To Be Asked", readonly=True)
    answer = fields.Text(string="What WeChat Pay Said", readonly=True)
    asked_on = fields.Datetime(readonly=True)

    _bill_line_no_idx = models.UniqueIndex("(bill_id, line_no) WHERE line_no > 0")
    _bill_missing_idx = models.UniqueIndex("(bill_id, transaction_id) WHERE line_no = 0")
    _difference_idx = models.Index(
        "(bill_id, match_state) WHERE match_state NOT IN ('matched', 'no_counterpart')"
    )
    _wechat_number_idx = models.Index("(provider_id, wechat_number, kind)")
    _number_idx = models.Index("(provider_id, number)")
    _to_ask_idx = models.Index("(id) WHERE is_ask_pending")

    # === COMPUTE METHODS === #

    @api.depends('match_state')
    def _compute_is_difference(self):
        for line in self:
            line.is_difference = line.match_state in DIFFERENCE_STATES

    def _search_is_difference(self, operator, value):
        if operator != 'in':
            return NotImplemented
        if set(value) >= {True, False}:
            return Domain.TRUE
        return Domain('match_state', 'in' if True in value else 'not in', DIFFERENCE_STATES)

    @api.depends('number', 'wechat_number')
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.number or line.wechat_number or line.flow_no or ''

    @api.depends('match_state', 'kind')
    @api.depends_context('lang')
    def _compute_advice(self):
        advices = self._get_advices()
        for line in self:
            line.advice = advices.get(line.match_state, '')

    def _get_advices(self):
        """Return what a person should do, by state.

        :rtype: dict
        """
        return {
            'missing_in_odoo': self.env._(
                "WeChat Pay has it, Odoo does not. Press Ask WeChat Pay: a refund of a known"
                " payment is recorded. A payment of another shop or system is not mended here."
            ),
            'missing_in_wechat': self.env._(
                "Odoo has it, the bill does not. Press Ask WeChat Pay: if WeChat Pay knows it, it"
                " is in another day's bill; if not, look who marked it as paid."
            ),
            'amount_differs': self.env._(
                "The same number with another amount. Compare with pay.weixin.qq.com, Transaction"
                " Center, before you deliver or refund."
            ),
            'state_differs': self.env._(
                "Odoo has not learned what became of it. Press Ask WeChat Pay: its answer is"
                " applied to the transaction."
            ),
            'duplicate': self.env._(
                "The bill names it a second time. Ask WeChat Pay's support which of the two counts."
            ),
        }

    # === ACTION METHODS === #

    def action_ask(self):
        """Ask WeChat Pay about these lines now, and apply what it says.

        :return: A notification with the answer.
        :rtype: dict
        """
        bills = self.bill_id
        bills._check_may_reconcile()
        lines = self.sudo()
        if len(lines) > ASK_BATCH:
            lines.is_ask_pending = True
            for bill in lines.bill_id:
                bill._count()
            self.env.ref('wechat_payment_operations.cron_wechat_ask').sudo()._trigger()
            return self._notify(self.env._(
                "WeChat Pay is asked about these lines in the background."
            ))
        lines._ask()
        answers = '\n'.join(f'{line.display_name}: {line.answer}' for line in lines)
        return self._notify(
            answers, 'warning' if any(line.is_difference for line in lines.exists()) else 'info',
        )

    @api.model
    def _notify(self, message, kind='info'):
        """Return the action that shows a message and reads the lines anew.

        :param str message: The message.
        :param str kind: `info` or `warning`.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'sticky': True,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_view_transaction(self):
        """Open the transaction.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'payment.transaction',
            'res_id': self.transaction_id.id,
            'view_mode': 'form',
        }
