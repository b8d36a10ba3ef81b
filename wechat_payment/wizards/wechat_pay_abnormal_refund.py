# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

# The debit cards that can be paid to (A6.3).
BANKS = [
    ('CMB_DEBIT', "China Merchants Bank"),
    ('COMM_DEBIT', "Bank of Communications"),
    ('ABC_DEBIT', "Agricultural Bank of China"),
    ('CCB_DEBIT', "China Construction Bank"),
    ('ICBC_DEBIT', "Industrial and Commercial Bank of China"),
    ('BOC_DEBIT', "Bank of China"),
    ('PAB_DEBIT', "Ping An Bank"),
    ('SPDB_DEBIT', "Shanghai Pudong Development Bank"),
    ('CITIC_DEBIT', "China CITIC Bank"),
    ('CEB_DEBIT', "China Everbright Bank"),
    ('CMBC_DEBIT', "China Minsheng Bank"),
    ('CIB_DEBIT', "Industrial Bank"),
    ('GDB_DEBIT', "China Guangfa Bank"),
    ('PSBC_DEBIT', "Postal Savings Bank of China"),
    ('NBCB_DEBIT', "Bank of Ningbo"),
]


class WechatPayAbnormalRefund(models.TransientModel):
    """Completes a refund that the customer's card or account did not take."""

    _name = 'wechat.pay.abnormal.refund'
    _description = "WeChat Pay: Complete Abnormal Refund"

    transaction_id = fields.Many2one(
        string="Refund", comodel_name='payment.transaction', required=True, readonly=True,
        ondelete='cascade',
    )
    currency_id = fields.Many2one(related='transaction_id.currency_id')
    amount = fields.Monetary(compute='_compute_amount')
    payee = fields.Selection(
        string="Pay To", required=True, default='merchant',
        selection=[
            ('merchant', "The merchant's bank account; we pay the customer ourselves"),
            ('customer', "A bank card of the customer"),
        ],
    )
    bank_type = fields.Selection(string="Bank", selection=BANKS)
    bank_account = fields.Char(string="Card Number", size=64)
    real_name = fields.Char(
        string="Card Holder", size=64, help="The name as the bank has it.",
    )

    @api.depends('transaction_id')
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = -wizard.transaction_id.amount  # Refunds are negative.

    def action_complete(self):
        """Send the account to WeChat Pay, encrypted; keep nothing of it.

        :return: The notification for the user.
        :rtype: dict
        """
        self.ensure_one()
        tx = self.transaction_id._wechat_check_button()
        bank_account = None
        if self.payee == 'customer':
            bank_account = {
                'bank_type': self.bank_type,
                'bank_account': (self.bank_account or '').replace(' ', ''),
                'real_name': (self.real_name or '').strip(),
            }
        # Personal data: it leaves the database with the first commit, whatever comes.
        self.write({'bank_account': False, 'real_name': False})
        if bank_account and not all(bank_account.values()):
            raise UserError(self.env._(
                "Enter the bank, the card number and the name of the card holder."
            ))
        tx._wechat_complete_abnormal_refund(bank_account)
        return tx._wechat_build_answer(tx.wechat_refund_status, '')
