# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError


class WechatPayFindRefund(models.TransientModel):
    """Records a refund that was made outside Odoo, by its number."""

    _name = 'wechat.pay.find.refund'
    _description = "WeChat Pay: Find Refund"

    transaction_id = fields.Many2one(
        string="Payment", comodel_name='payment.transaction', required=True, readonly=True,
        ondelete='cascade',
    )
    out_refund_no = fields.Char(
        string="Merchant Refund Number", required=True, size=64,
        help="商户退款单号: pay.weixin.qq.com, Transaction Center ▸ Refunds.",
    )

    def action_find(self):
        """Ask WeChat Pay for the refund and record it.

        :return: The notification for the user.
        :rtype: dict
        :raise UserError: If there is no such refund of this payment.
        """
        self.ensure_one()
        tx = self.transaction_id._wechat_check_button()
        refund = tx._wechat_find_unknown_refund(self.out_refund_no.strip())
        if not refund or refund.source_transaction_id != tx:
            raise UserError(self.env._(
                "WeChat Pay knows no refund of this payment under number %(number)s. Compare it"
                " with pay.weixin.qq.com, Transaction Center ▸ Refunds.",
                number=self.out_refund_no,
            ))
        return refund._wechat_build_answer(refund.wechat_refund_status, '')
