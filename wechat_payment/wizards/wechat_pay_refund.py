# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.payment import utils as payment_utils

MAX_REASON_LENGTH = 80  # A6.1


class WechatPayRefund(models.TransientModel):
    """Refunds a payment from its transaction, whether or not accounting is installed."""

    _name = 'wechat.pay.refund'
    _description = "WeChat Pay Refund"

    transaction_id = fields.Many2one(
        string="Payment", comodel_name='payment.transaction', required=True, readonly=True,
        ondelete='cascade',
    )
    currency_id = fields.Many2one(related='transaction_id.currency_id')
    amount_left = fields.Monetary(string="Left to Refund", compute='_compute_amount_left')
    amount = fields.Monetary(
        compute='_compute_amount', store=True, readonly=False, required=True,
    )
    reason = fields.Char(
        size=MAX_REASON_LENGTH,
        help="The customer reads it in WeChat (not for a part of 1 yuan or less).",
    )

    @api.depends('transaction_id')
    def _compute_amount_left(self):
        for wizard in self:
            tx = wizard.transaction_id
            wizard.amount_left = tx._wechat_get_refundable_amount() if tx else 0

    @api.depends('transaction_id')
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.amount_left

    def action_refund(self):
        """Refund the amount; core checks the user's rights and the state.

        :return: The notification for the user.
        :rtype: dict
        """
        self.ensure_one()
        payment_utils.check_rights_on_recordset(self.transaction_id)
        return self.transaction_id.with_context(
            wechat_refund_reason=(self.reason or '').strip(),
        ).action_refund(amount_to_refund=self.amount)
