# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    wechat_fetch_bills = fields.Boolean(
        string="Fetch Bills Daily", default=True,
        help="Yesterday's trade bill and fund-flow bill are fetched after 10:00 Beijing time and"
             " compared with the payments and refunds known here.",
    )
    wechat_statement_mode = fields.Selection(
        string="Bank Statement Lines", default='line', required=True,
        selection=[
            ('line', "One for each movement of money"),
            ('day', "One for each day and kind of movement"),
            ('none', "None"),
        ],
        help="What the fund-flow bill becomes in the provider's journal. With many payments a day,"
             " one line for each day and kind keeps the journal readable.",
    )

    # === BUSINESS METHODS === #

    def _wechat_get_bill_types(self):
        """Return which bills this merchant has.

        A service provider's fund-flow bill is about its own account, not the sub-merchant's.

        :rtype: list[str]
        """
        self.ensure_one()
        return ['trade'] if self.sudo()._wechat_is_partner() else ['trade', 'fundflow']
