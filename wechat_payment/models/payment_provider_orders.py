# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused


class PaymentProvider(models.Model):
    """Between whom orders are, and how they are asked for and closed, in both versions."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - PARTIES === #

    def _wechat_has_version(self, version):
        """Tell whether the keys of a version of the interface are there.

        :param str version: `v3` or `v2`.
        :rtype: bool
        """
        self.ensure_one()
        provider = self.sudo()
        if version == provider.wechat_api_version:
            return True  # Checked when they were saved.
        if version == 'v2':
            return provider._wechat_has_v2()
        return bool(
            provider.wechat_api_v3_key and provider.wechat_merchant_private_key
            and provider.wechat_merchant_serial and provider._wechat_get_verification_keys()
        )

    def _wechat_get_parties(self, app):
        """Return between whom an order is, by the names of API v3 (A4.2, A4.3).

        A service provider's customers pay in its own apps, or in the sub-merchant's one, which the
        provider's settings name.

        :param wechat.app app: The app in which the customer pays.
        :return: {appid, mchid}; of a service provider {sp_appid, sp_mchid, sub_mchid} and, if the
            app is the sub-merchant's, sub_appid.
        :rtype: dict
        :raise WeChatError: `misconfigured` if a service provider lists no app of its own.
        """
        self.ensure_one()
        provider = self.sudo()
        if not provider._wechat_is_partner():
            return {'appid': app.appid, 'mchid': provider.wechat_mch_id}
        is_sub_app = app.appid == provider.wechat_sub_appid
        sp_app = app if not is_sub_app else provider._wechat_get_sp_apps()[:1]
        if not sp_app:
            raise WeChatError(
                self.env._(
                    "The payment provider %(name)s lists only the sub-merchant's app. Add an app of"
                    " the service provider (bound to merchant number %(number)s) to its apps.",
                    name=provider.name, number=provider.wechat_mch_id,
                ),
                code='misconfigured',
            )
        parties = {
            'sp_appid': sp_app.appid,
            'sp_mchid': provider.wechat_mch_id,
            'sub_mchid': provider.wechat_sub_mch_id,
        }
        return {**parties, 'sub_appid': app.appid} if is_sub_app else parties

    def _wechat_get_v2_parties(self, app):
        """Return between whom an order is, by the names of API v2 (B2).

        :param wechat.app app: The app in which the customer pays.
        :return: {appid, mch_id}; of a service provider also sub_mch_id and, if the app is the
            sub-merchant's, sub_appid.
        :rtype: dict
        :raise WeChatError: `misconfigured` if a service provider lists no app of its own.
        """
        names = {
            'appid': 'appid', 'mchid': 'mch_id', 'sp_appid': 'appid', 'sp_mchid': 'mch_id',
            'sub_mchid': 'sub_mch_id', 'sub_appid': 'sub_appid',
        }
        return {names[name]: value for name, value in self._wechat_get_parties(app).items()}

    def _wechat_get_sp_apps(self):
        """Return the apps of a service provider that are its own, not the sub-merchant's.

        :rtype: wechat.app
        """
        provider = self.sudo()
        return provider.wechat_app_ids.filtered(lambda app: app.appid != provider.wechat_sub_appid)

    def _wechat_get_merchant_query(self):
        """Return the merchant numbers of a query string, of close and of reverse (A4.3).

        :return: {mchid}; of a service provider {sp_mchid, sub_mchid}.
        :rtype: dict
        """
        self.ensure_one()
        provider = self.sudo()
        if provider._wechat_is_partner():
            return {
                'sp_mchid': provider.wechat_mch_id, 'sub_mchid': provider.wechat_sub_mch_id,
            }
        return {'mchid': provider.wechat_mch_id}

    def _wechat_get_order_path(self):
        """Return what the paths of all calls about orders begin with in API v3 (A4.3).

        :rtype: str
        """
        self.ensure_one()
        kind = 'partner/' if self._wechat_is_partner() else ''
        return f'/v3/pay/{kind}transactions'

    # === BUSINESS METHODS - ORDERS === #

    def _wechat_fetch_order(self, tx):
        """Ask WeChat Pay for the order of a transaction (A4.5).

        :param payment.transaction tx: The payment.
        :return: WeChat Pay's order, verified, by the names of v3; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        try:
            return self._wechat_request(
                'GET', f'{self._wechat_get_order_path()}/out-trade-no/{tx.reference}',
                params=self._wechat_get_merchant_query(),
            )
        except WeChatPayRefused as error:
            if error.status != 404:
                raise
            return {}
