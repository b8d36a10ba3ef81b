# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    def _send_order_notification_mail(self, mail_template, **kwargs):
        """Override of `sale` to leave the mail out when it had failed before."""
        if self.env.context.get('wechat_without_mail'):
            return
        super()._send_order_notification_mail(mail_template, **kwargs)
