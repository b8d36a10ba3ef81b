# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from urllib.parse import urljoin

from odoo import models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import v2_orders

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


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

    def _wechat_get_expected_parties(self, app, order):
        """Return between whom an order must be that WeChat Pay tells (A4.3, D7).

        :param wechat.app app: The app that our order named; empty if it is not known.
        :param dict order: What WeChat Pay told, by the names of v3.
        :return: The expected values by name. Where several would be right, it is the one that was
            told if it is among them.
        :rtype: dict
        """
        self.ensure_one()
        provider = self.sudo()
        appids = (app or provider.wechat_app_ids).mapped('appid')
        expected = provider._wechat_get_merchant_query()
        if not provider._wechat_is_partner():
            return {**expected, 'appid': _choose(order.get('appid'), appids)}
        sub_appid = provider.wechat_sub_appid or None
        if app and app.appid == sub_appid:
            return {
                **expected,
                'sp_appid': _choose(
                    order.get('sp_appid'), provider._wechat_get_sp_apps().mapped('appid'),
                ),
                'sub_appid': sub_appid,
            }
        return {
            **expected,
            'sp_appid': _choose(
                order.get('sp_appid'), [appid for appid in appids if appid != sub_appid],
            ),
            # Our order did not name it; that it is told nevertheless would be no other's payment.
            'sub_appid': sub_appid if order.get('sub_appid') else None,
        }

    def _wechat_get_site_url(self):
        """Return the address of the shop's site, which H5 orders of v2 name (B2.1).

        :rtype: str
        """
        self.ensure_one()
        return urljoin(self._wechat_get_notify_url(), '/')

    # === BUSINESS METHODS - ORDERS === #

    def _wechat_send_order(self, tx):
        """Make the order call of a transaction, or repeat it to the letter (A4.1, B2.1, A11).

        :param payment.transaction tx: The payment, with its stored body.
        :return: The prepay ID, or what the customer scans (Native) or opens (H5).
        :rtype: str
        :raise WeChatPayRefused: If WeChat Pay refused: nothing was ordered by this call.
        :raise WeChatUnknown: If the outcome is open.
        :raise WeChatError: As the transport does.
        """
        self.ensure_one()
        trade_type, body = tx.wechat_trade_type, tx.wechat_order_body
        if tx._wechat_is_v2_order():
            params = json.loads(body)
            answer = self._wechat_request_v2(
                v2_orders.ORDER_PATH, params, sign_type=params.pop('sign_type'), repeatable=True,
            )
            result = answer.get(v2_orders.RESULTS[trade_type])
        else:
            answer = self._wechat_request(
                'POST', f'{self._wechat_get_order_path()}/{trade_type.lower()}',
                payload=body, repeatable=True,  # Identical to the byte.
            )
            result = answer.get(const.TRADE_TYPE_RESULTS[trade_type])
        is_text = isinstance(result, str) and bool(result)
        if not is_text or trade_type == 'H5' and not result.startswith(('https://', 'http://')):
            raise self._wechat_unreadable_order()
        return result

    def _wechat_fetch_order(self, tx):
        """Ask WeChat Pay for the order of a transaction (A4.5, B2.2).

        :param payment.transaction tx: The payment.
        :return: WeChat Pay's order, verified, by the names of v3; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        if tx._wechat_get_api_version() == 'v2':
            return self._wechat_fetch_v2_order(tx)
        try:
            return self._wechat_request(
                'GET', f'{self._wechat_get_order_path()}/out-trade-no/{tx.reference}',
                params=self._wechat_get_merchant_query(),
            )
        except WeChatPayRefused as error:
            if error.status != 404:
                raise
            return {}

    def _wechat_fetch_v2_order(self, tx):
        """Ask WeChat Pay for the order of a transaction by API v2 (B2.2).

        :param payment.transaction tx: The payment.
        :return: See `_wechat_fetch_order`.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        try:
            answer = self._wechat_request_v2(
                v2_orders.QUERY_PATH, self._wechat_build_v2_query(tx), repeatable=True,
            )
        except WeChatPayRefused as error:
            if error.wechat_code not in v2_orders.NO_SUCH_ORDER_CODES:
                raise
            return {}
        try:
            return v2_orders.read_order(answer)
        except v2_orders.V2OrderError as error:
            _logger.warning("WeChat Pay's order %s cannot be read: %s.", tx.reference, error)
            raise self._wechat_unreadable_order() from None

    def _wechat_close_order(self, tx):
        """Ask WeChat Pay to close the order of a transaction (A4.5, B2.3).

        :param payment.transaction tx: The payment.
        :return: None
        :raise WeChatError: As the transport does.
        """
        self.ensure_one()
        if tx._wechat_get_api_version() == 'v2':
            self._wechat_request_v2(
                v2_orders.CLOSE_PATH, self._wechat_build_v2_query(tx), repeatable=True,
            )
            return
        self._wechat_request(
            'POST', f'{self._wechat_get_order_path()}/out-trade-no/{tx.reference}/close',
            payload=self._wechat_get_merchant_query(), repeatable=True,
        )

    def _wechat_build_v2_query(self, tx):
        """Return the parameters of a v2 call about an order: between whom, and its number (B2.2).

        :param payment.transaction tx: The payment.
        :rtype: dict
        :raise WeChatError: `misconfigured` if a service provider lists no app of its own.
        """
        app = tx.sudo().wechat_app_id or self.sudo().wechat_app_ids[:1]
        return {**self._wechat_get_v2_parties(app), 'out_trade_no': tx.reference}

    def _wechat_unreadable_order(self):
        """Return the error for an answer that does not hold what it must.

        :rtype: WeChatUnknown
        """
        return WeChatUnknown(
            self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
            code='wechat_unavailable',
        )


def _choose(told, values):
    """Return what was told if it is one of the values, else all of them for an alert."""
    return told if told in values else '/'.join(values)
