# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class PaymentTransaction(models.Model):
    """Where other addons learn what became of a payment or a refund."""

    _inherit = 'payment.transaction'

    wechat_purpose = fields.Char(
        string="Purpose", readonly=True, index='btree_not_null',
        help="A word by which other addons know the payments that are theirs. A refund has the"
             " word of its payment.",
    )

    def _wechat_on_result(self, kind, order):
        """React to the result of a payment or a refund. A hook: it does nothing by itself.

        It is called exactly once for each result, after the transaction's state was changed and
        inside the same database transaction, whoever brought the result (notification, query,
        scheduled action, clerk). An exception undoes the result: WeChat Pay notifies again, or is
        asked again. So do here what must happen with the result and only with it, quickly, since
        WeChat Pay waits 5 s for the answer; leave mails and calls to a triggered scheduled action.

        The results: a payment is `done`, or `cancel` as it was closed or expired unpaid; a refund
        is `done`, or `cancel` as WeChat Pay gave it up. A payment that was closed here and paid
        nevertheless has two results. What is refused (`error`) is none: it may be repeated.

        The transaction is in sudo mode, its row is locked. Override it so::

            def _wechat_on_result(self, kind, order):
                super()._wechat_on_result(kind, order)
                if self.wechat_purpose == 'wallet' and kind == 'payment' and self.state == 'done':
                    ...

        :param str kind: `payment` or `refund`.
        :param dict order: What WeChat Pay said: the verified order (A4.5), or the verified refund
            as an answer (A6.1) or a notification (A7.1) tells it; empty if WeChat Pay has never
            seen the order of a payment that expired.
        :return: None
        """
        self.ensure_one()
