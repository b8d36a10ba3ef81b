# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class AccountMove(models.Model):
    _inherit = 'account.move'

    wechat_can_charge_code = fields.Boolean(
        compute='_compute_wechat_can_charge_code',
        help="Whether a cashier may charge this invoice by the customer's payment code.",
    )

    # === COMPUTE METHODS === #

    @api.depends('move_type', 'state', 'currency_id', 'amount_residual', 'company_id')
    def _compute_wechat_can_charge_code(self):
        takes_codes = self.env['payment.provider']._wechat_companies_take_codes(self.company_id)
        for move in self:
            move.wechat_can_charge_code = (
                move.move_type == 'out_invoice' and move.state == 'posted'
                and move.currency_id.name == 'CNY'
                and move.currency_id.compare_amounts(move.amount_residual, 0) > 0
                and move.company_id in takes_codes
            )

    # === ACTION METHODS === #

    def action_wechat_charge_code(self):
        """Open the cashier's screen for this invoice.

        :return: The client action.
        :rtype: dict
        """
        return self.env['payment.transaction']._wechat_open_cashier(self)
