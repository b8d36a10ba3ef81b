# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields, models

from odoo.addons.wechat_payment.protocol.refunds import REFUND_INTERVAL


class PaymentTransaction(models.Model):
    """Refunds of one payment that come faster than WeChat Pay takes them (A6.1).

    A refund that would be refused for that is made as any other, counts, and waits: the scheduled
    action sends it when the minute is over.
    """

    _inherit = 'payment.transaction'

    wechat_refund_sent = fields.Datetime(
        string="Sent to WeChat Pay", readonly=True, copy=False,
        help="When the refund was last sent, or found if it was made elsewhere. Empty: it waits.",
    )

    # === BUSINESS METHODS - REFUNDS: ONE A MINUTE === #

    def _wechat_is_waiting_refund(self):
        """Tell whether this refund has not been sent yet because another one was, just before.

        :rtype: bool
        """
        self.ensure_one()
        return self.state == 'pending' and not self.wechat_refund_sent and bool(
            self._wechat_is_open_refund() and not self.wechat_is_external_refund
        )

    def _wechat_find_refund_due(self):
        """Return when this refund may be sent, if it may not be sent now.

        Refunds that were refused do not count at WeChat Pay; those that wait go first.

        :return: The moment; `None` if it may be sent.
        :rtype: datetime|None
        """
        self.ensure_one()
        others = self.sudo().search([
            ('source_transaction_id', '=', self.source_transaction_id.id),
            ('operation', '=', 'refund'), ('state', '!=', 'error'), ('id', '!=', self.id),
        ])
        times = others.filtered('wechat_refund_sent').mapped('wechat_refund_sent')
        if not times:
            return None
        ahead = others.filtered(lambda tx: tx.id < self.id and tx._wechat_is_waiting_refund())
        due = max(times) + timedelta(seconds=REFUND_INTERVAL * (1 + len(ahead)))
        return due if due > fields.Datetime.now() else None

    def _wechat_claim_refund_turn(self):
        """Note that this refund is sent now, or have it wait, with the payment's row locked.

        :return: Whether it is to be sent.
        :rtype: bool
        """
        self.ensure_one()
        due = self._wechat_find_refund_due()
        if not due:
            self.wechat_refund_sent = fields.Datetime.now()
            self._wechat_schedule_query()
            return True
        was_waiting = self._wechat_is_waiting_refund()
        self.write({'wechat_refund_sent': False, 'wechat_next_query': due})
        message = self.env._(
            "WeChat Pay wants a minute between two refunds of one payment. This one is sent by"
            " itself when the minute is over; nothing more is to be done."
        )
        if self.state == 'draft':
            self._set_pending(state_message=message)
        elif not was_waiting:  # Else the message stays as the clerk got it, in their language.
            self.state_message = message
        self.env.ref('wechat_payment.cron_wechat_settle').sudo()._trigger(at=due)
        return False
