# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # What was paid or refunded on a day, however many years there are (`wechat_pay_bill_match`).
    _wechat_paid_on_idx = models.Index(
        "(provider_id, COALESCE(wechat_success_time, last_state_change))"
        " WHERE state = 'done' AND operation IS DISTINCT FROM 'refund'"
    )
    _wechat_refunded_on_idx = models.Index(
        "(provider_id, COALESCE(wechat_refund_sent, create_date))"
        " WHERE state = 'done' AND operation = 'refund'"
    )
