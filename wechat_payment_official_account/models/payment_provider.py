# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

# A page of a mini-program: folders and a name, without what a query begins with.
_PAGE = re.compile(r'/[0-9A-Za-z_\-./]+')


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    wechat_miniprogram_page = fields.Char(
        string="Payment Page of the Mini-Program",
        default='/pages/pay/pay',
        help="Where web pages that your mini-program shows (web-view) send the customer to pay:"
             " WeChat allows payments in the mini-program itself only. The demo mini-program has"
             " such a page. Leave it empty if yours has none.",
    )

    @api.constrains('wechat_miniprogram_page')
    def _check_wechat_miniprogram_page(self):
        for provider in self:
            page = provider.wechat_miniprogram_page
            if page and not _PAGE.fullmatch(page):
                raise ValidationError(self.env._(
                    "The payment page of the mini-program must be a path as in its app.json, with a"
                    " slash before it: /pages/pay/pay"
                ))

    # === BUSINESS METHODS - PAGES INSIDE WECHAT === #

    def _wechat_get_page_apps(self):
        """Return the official accounts in which this provider's customers can be known.

        :return: The apps, in sudo mode.
        :rtype: wechat.app
        """
        self.ensure_one()
        return self.sudo().wechat_app_ids.filtered(
            lambda app: app.app_type == 'official_account' and app.active
        )

    def _wechat_has_miniprogram_page(self):
        """Tell whether a page inside a mini-program can send the customer on to pay.

        :rtype: bool
        """
        self.ensure_one()
        provider = self.sudo()
        return bool(provider.wechat_miniprogram_page) and any(
            app.app_type == 'miniprogram' for app in provider.wechat_app_ids
        )
