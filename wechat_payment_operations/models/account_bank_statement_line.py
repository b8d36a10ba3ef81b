# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class AccountBankStatementLine(models.Model):
    _inherit = 'account.bank.statement.line'

    wechat_bill_id = fields.Many2one(
        string="WeChat Pay Bill", comodel_name='wechat.pay.bill', readonly=True, copy=False,
        index='btree_not_null', ondelete='set null',
    )
    wechat_flow_no = fields.Char(
        string="Fund-Flow Number", readonly=True, copy=False,
        help="资金流水单号 of WeChat Pay: what was imported once is not imported again.",
    )

    _wechat_flow_no_uniq = models.UniqueIndex(
        "(company_id, wechat_flow_no) WHERE wechat_flow_no IS NOT NULL",
        "This movement of money is in the journal already.",
    )
