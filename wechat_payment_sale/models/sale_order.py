# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    wechat_can_charge_code = fields.Boolean(
        compute='_compute_wechat_can_charge_code',
        help="Whether a cashier may charge this order by the customer's payment code.",
    )

    # === COMPUTE METHODS === #

    @api.depends('state', 'currency_id', 'amount_total', 'amount_paid', 'invoice_ids', 'company_id')
    def _compute_wechat_can_charge_code(self):
        takes_codes = self.env['payment.provider']._wechat_companies_take_codes(self.company_id)
        for order in self:
            order.wechat_can_charge_code = (
                (order.state in ('draft', 'sent') or order._wechat_is_payable_at_till())
                and order.currency_id.name == 'CNY'
                and order.currency_id.compare_amounts(order.amount_total, order.amount_paid) > 0
                and order.company_id in takes_codes
            )

    # === ACTION METHODS === #

    def action_wechat_charge_code(self):
        """Open the cashier's screen for this order.

        :return: The client action.
        :rtype: dict
        """
        return self.env['payment.transaction']._wechat_open_cashier(self)

    # === BUSINESS METHODS === #

    def _wechat_is_payable_at_till(self):
        """Tell whether this confirmed order may still be paid: what is invoiced is paid there.

        :rtype: bool
        """
        self.ensure_one()
        return self.state == 'sale' and not self.sudo().invoice_ids.filtered(
            lambda move: move.state != 'cancel'
        )

    def _send_order_notification_mail(self, mail_template, **kwargs):
        """Override of `sale` to leave the mail out when it had failed before."""
        if self.env.context.get('wechat_without_mail'):
            return
        super()._send_order_notification_mail(mail_template, **kwargs)
