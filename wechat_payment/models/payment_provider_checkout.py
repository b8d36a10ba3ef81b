# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ipaddress
from urllib.parse import urlsplit

from odoo import api, models

from odoo.addons.payment import utils as payment_utils


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === BUSINESS METHODS - CHECKOUT === #

    @api.model
    def _get_compatible_providers(
        self, *args, is_validation=False, is_express_checkout=False, report=None, **kwargs
    ):
        """Override of `payment` to offer WeChat Pay only where it can be paid.

        `/wechat/payment/prepay` asks for itself and says what is missing; Odoo's own payment form
        must not offer what fails afterwards.
        """
        providers = super()._get_compatible_providers(
            *args, is_validation=is_validation, is_express_checkout=is_express_checkout,
            report=report, **kwargs,
        )
        if self.env.context.get('wechat_prepay'):
            return providers
        unfiltered_providers = providers
        providers = providers.filtered(
            lambda p: p.code != 'wechat_pay'
            or not (is_validation or is_express_checkout) and p._wechat_can_check_out()
        )
        payment_utils.add_to_report(
            report, unfiltered_providers - providers, available=False,
            reason=self.env._("no app, or no public https address for notifications"),
        )
        return providers

    def _wechat_can_check_out(self):
        """Tell whether a customer can pay this provider on a web page.

        :rtype: bool
        """
        self.ensure_one()
        provider = self.sudo()
        return bool(provider.wechat_app_ids) and provider._wechat_is_public_base_url(
            provider._wechat_get_notify_url()
        )

    def _wechat_check_notify_url(self):
        """Check that WeChat Pay can be given the notification address.

        :return: None
        :raise WeChatError: `misconfigured` if it cannot.
        """
        self.ensure_one()
        notify_url = self._wechat_get_notify_url()
        if not self._wechat_is_public_base_url(notify_url):
            raise self._wechat_misconfigured('notify_url', notify_url)

    def _wechat_get_return_base_url(self, host):
        """Return the base address at which the customer's browser continues.

        The Host header chooses among the addresses that are configured, so that the customer comes
        back to the site they left; it never makes an address of its own (design, rule 9).

        :param str host: The host, with its port, that the browser asked for.
        :return: A base address without a trailing slash.
        :rtype: str
        """
        self.ensure_one()
        base_urls = [
            self.env['ir.config_parameter'].sudo().get_param('web.base.url', ''),
            self.sudo().wechat_notify_base_url or '',
        ]
        if 'website' in self.env:
            base_urls += [domain for domain in self.env['website'].sudo().search([]).mapped(
                'domain'
            ) if domain]
        fitting = [url for url in base_urls if urlsplit(url).netloc == host]
        return (fitting or base_urls)[0].rstrip('/')

    @api.model
    def _wechat_is_loopback_url(self, url):
        """Tell whether an address is on this machine.

        :param str url: An address.
        :rtype: bool
        """
        host = urlsplit(url).hostname or ''
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == 'localhost'
