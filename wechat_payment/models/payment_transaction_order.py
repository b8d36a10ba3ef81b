# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ipaddress
import json
import secrets
import time
from datetime import timezone

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import (
    amounts,
    order_numbers,
    signing,
    v2_client_values,
    v2_orders,
)

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# What the client values are made of, fetched together after a commit.
CLIENT_VALUE_FIELDS = (
    'provider_id', 'wechat_app_id', 'wechat_trade_type', 'wechat_prepay_id', 'wechat_pay_url',
    'wechat_api_version', 'wechat_order_body',
)


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - THE ORDER === #

    @api.model
    def _wechat_create_order(self, payable, provider, app, openid, trade_type, client=None):
        """Create the transaction with everything that its order call says, now and repeated.

        :param Payable payable: What is to be paid.
        :param payment.provider provider: Who takes the payment.
        :param wechat.app app: The app that the order names.
        :param str openid: The payer, for JSAPI.
        :param str trade_type: How the customer pays.
        :param Client client: What is known of the customer's device; H5 needs it.
        :return: The draft transaction, in sudo mode.
        :rtype: payment.transaction
        :raise WeChatError: `misconfigured` if the payment method is off or the notification
            address is none that WeChat Pay can call.
        """
        payment_method = self._wechat_find_payment_method(provider, payable)
        if not payment_method:
            raise provider._wechat_misconfigured('payment_method')
        tx = self.sudo().create({
            'provider_id': provider.id,
            'payment_method_id': payment_method.id,
            'reference': self._compute_reference('wechat_pay', **payable.create_values),
            'amount': payable.amount,
            'currency_id': payable.currency.id,
            'partner_id': payable.partner.id,
            'operation': 'online_direct',
            'wechat_user_id': self.env.uid,
            'wechat_purpose': payable.purpose,
            **payable.create_values,
        })
        tx._wechat_prepare_order(app, openid, trade_type, payable.description, client)
        # The document's chatter tells what became of the payment, not that it was begun: a message
        # would take as long as all the rest of this.
        return tx

    @api.model
    def _wechat_find_payment_method(self, provider, payable):
        """Return the payment method of WeChat Pay, if the provider has it on for such a payment.

        What core's `_get_compatible_payment_methods` finds, without reading all the others.

        :param payment.provider provider: Who takes the payment.
        :param Payable payable: What is to be paid.
        :return: The payment method, in sudo mode; empty if there is none.
        :rtype: payment.method
        """
        domain = Domain([
            ('is_primary', '=', True), ('code', 'in', list(const.DEFAULT_PAYMENT_METHOD_CODES)),
            ('provider_ids', 'in', provider.ids),
        ]) & (
            Domain('supported_currency_ids', '=', False)
            | Domain('supported_currency_ids', 'in', payable.currency.ids)
        )
        if country := payable.partner.country_id:
            domain &= (
                Domain('supported_country_ids', '=', False)
                | Domain('supported_country_ids', 'in', country.ids)
            )
        return self.env['payment.method'].sudo().search_fetch(domain, ['code'], limit=1)

    def _wechat_prepare_order(self, app, openid, trade_type, description, client=None):
        """Fix what the order call says; from now on it is only repeated.

        :param wechat.app app: The app that the order names.
        :param str openid: The payer, for JSAPI.
        :param str trade_type: How the customer pays.
        :param str description: What the customer reads in the bill.
        :param Client client: What is known of the customer's device; H5 needs it.
        :return: None
        :raise WeChatError: `misconfigured` if the notification or the customer's address is none
            that WeChat Pay takes.
        """
        self.ensure_one()
        self.provider_id._wechat_check_notify_url()
        self.write({
            'wechat_app_id': app.id,
            'wechat_openid': openid,
            'wechat_trade_type': trade_type,
            'wechat_api_version': self.provider_id.wechat_api_version,
            'wechat_time_expire': fields.Datetime.add(
                fields.Datetime.now(), minutes=const.ORDER_LIFETIME,
            ),
        })
        order = self._wechat_build_order(description, client)
        if self.wechat_api_version == 'v2':
            order = self._wechat_build_v2_order(order, client)
        self.wechat_order_body = self.provider_id._wechat_serialize(order)
        self._wechat_schedule_query()

    def _wechat_build_order(self, description, client=None):
        """Return the body of the order call of v3 (A4.2, A4.3).

        :param str description: What the customer reads in the bill.
        :param Client client: What is known of the customer's device; H5 needs it.
        :rtype: dict
        :raise WeChatError: `misconfigured` if the customer's address is not the customer's.
        """
        self.ensure_one()
        parties = self.provider_id._wechat_get_parties(self.wechat_app_id)
        time_expire = self.wechat_time_expire.replace(tzinfo=timezone.utc).astimezone(
            v2_orders.BEIJING
        )
        order = {
            **parties,
            'description': order_numbers.build_description(description) or self.reference,
            'out_trade_no': self.reference,
            'time_expire': time_expire.isoformat(timespec='seconds'),
            'notify_url': self.provider_id._wechat_get_notify_url(),
            'amount': {
                'total': amounts.to_fen(self.amount),
                'currency': self.currency_id.name,
            },
        }
        if self.wechat_trade_type == 'JSAPI':
            # Of the app in which the customer pays: the merchant's, or one of the two of a service
            # provider's order (A4.3).
            name = 'sub_openid' if 'sub_appid' in parties else (
                'sp_openid' if 'sp_appid' in parties else 'openid'
            )
            order['payer'] = {name: self.wechat_openid}
        elif self.wechat_trade_type == 'H5':
            if not client or not client.is_acceptable(self._wechat_is_sandbox()):
                raise WeChatError(
                    self.env._(
                        "WeChat Pay needs the customer's own address, but Odoo sees %(address)s."
                        " Behind a proxy, Odoo must run with proxy_mode.",
                        address=client.address if client else self.env._("none"),
                    ),
                    code='misconfigured',
                )
            order['scene_info'] = {
                'payer_client_ip': client.address,
                'h5_info': {'type': client.h5_type},
            }
        return order

    def _wechat_build_v2_order(self, order, client=None):
        """Return the parameters of the order call of v2 (B2.1).

        :param dict order: The body of v3's call.
        :param Client client: What is known of the customer's device.
        :return: The parameters, with the type of signature in which they are sent each time.
        :rtype: dict
        """
        provider = self.provider_id
        try:
            address = str(ipaddress.ip_address(client.address if client else ''))
        except ValueError:
            address = '127.0.0.1'  # Nobody knows the customer's: the caller's own.
        return {
            **v2_orders.build_order(
                order, provider._wechat_get_v2_parties(self.wechat_app_id),
                self.wechat_trade_type, address,
                site=(
                    provider._wechat_get_site_url(),
                    order_numbers.build_description(self.company_id.name),
                ),
            ),
            'sign_type': provider.wechat_v2_sign_type,
        }

    def _wechat_is_v2_order(self):
        """Tell whether the order was made by API v2.

        :rtype: bool
        """
        self.ensure_one()
        return self.wechat_api_version == 'v2' and bool(self.sudo().wechat_order_body)

    def _wechat_is_of_provider_version(self):
        """Tell whether the order was made in the version in which the provider makes new ones.

        :rtype: bool
        """
        self.ensure_one()
        version = self.wechat_api_version or 'v3'  # Before there was another.
        return version == self.provider_id.sudo().wechat_api_version

    def _wechat_get_v2_sign_type(self):
        """Return the type of signature in which the order was made, by API v2.

        :rtype: str
        """
        self.ensure_one()
        order = json.loads(self.sudo().wechat_order_body)
        return order.get('sign_type') or self.provider_id.sudo().wechat_v2_sign_type

    @api.model
    def _wechat_is_sandbox(self):
        """Tell whether WeChat Pay is played by a server on this machine.

        :rtype: bool
        """
        url = self.env['wechat.app']._api_url('wechat.pay_url')
        return self.env['payment.provider']._wechat_is_loopback_url(url)

    def _wechat_has_live_result(self):
        """Tell whether what the order call returned can still be handed out.

        :rtype: bool
        """
        self.ensure_one()
        if not (self.wechat_prepay_id or self.wechat_pay_url):
            return False
        rest = fields.Datetime.add(fields.Datetime.now(), seconds=const.RESULT_REST)
        return not self.wechat_prepay_expire or self.wechat_prepay_expire > rest

    def _wechat_place_order(self):
        """Make the order call, or repeat it to the letter; keep what it returns while it lives.

        :return: None
        :raise WeChatPayRefused: If WeChat Pay refused; the transaction is in error then.
        :raise WeChatUnknown: If the outcome is open; the transaction stays as it is.
        :raise WeChatError: `not_payable` if the order turned out to be paid.
        """
        self.ensure_one()
        if self.wechat_is_close_pending:
            self.wechat_is_close_pending = False  # The customer pays after all.
        if self._wechat_has_live_result():
            return
        name = const.TRADE_TYPE_RESULTS[self.wechat_trade_type]
        provider = self.provider_id
        self._wechat_commit()
        try:
            result = provider._wechat_send_order(self)
        except WeChatPayRefused as error:
            self._wechat_handle_refused_order(error)
            self._wechat_commit()
            raise
        self.write({
            'wechat_prepay_id' if name == 'prepay_id' else 'wechat_pay_url': result,
            'wechat_prepay_expire': fields.Datetime.add(
                fields.Datetime.now(), seconds=const.RESULT_LIFETIMES[name],
            ),
        })

    def _wechat_handle_refused_order(self, error):
        """Settle a transaction whose order call was refused.

        A repeated call is also refused because the order is paid or closed: WeChat Pay is asked
        before anything is called an error.

        :param WeChatPayRefused error: The refusal.
        :return: None
        :raise WeChatError: `not_payable` if the order turned out to be paid.
        """
        order = {}
        # What was ordered before may be paid, whatever has become of the credentials since.
        if error.code != 'misconfigured' or self.wechat_prepay_expire:
            try:
                order = self._wechat_close()
            except WeChatError as close_error:
                _logger.warning(
                    "Could not close order %s after its refusal: %s", self.reference, close_error,
                )
                return  # It may be paid, or be paid yet: there must be no other one.
        if self.state == 'done':
            self._wechat_commit()
            raise WeChatError(
                self.env._("This document is already paid."), code='not_payable',
            ) from None
        if self._wechat_is_open() and order.get('trade_state') == 'NOTPAY':
            return  # It can be paid until WeChat Pay closes it: there must be no other one.
        self._set_error(str(error))
        self.wechat_next_query = False

    def _wechat_build_client_values(self):
        """Return what the client passes on to pay: fresh time, nonce and signature (A4.4, B2.1).

        :return: For JSAPI {appId, timeStamp, nonceStr, package, signType, paySign}, for APP
            {appId, partnerId, prepayId, packageValue, nonceStr, timeStamp, sign}, for NATIVE
            {code_url}, for H5 {h5_url}.
        :rtype: dict
        """
        self.ensure_one()
        self.fetch(CLIENT_VALUE_FIELDS)
        if self.wechat_trade_type in ('NATIVE', 'H5'):
            return {const.TRADE_TYPE_RESULTS[self.wechat_trade_type]: self.wechat_pay_url}
        fresh = {'timestamp': int(time.time()), 'nonce': secrets.token_hex(16)}
        self.wechat_app_id.fetch(['appid'])
        if self._wechat_is_v2_order():
            return self._wechat_build_v2_client_values(fresh)
        private_key = self.provider_id.wechat_merchant_private_key
        if self.wechat_trade_type == 'APP':
            return signing.build_app_payment(
                self.wechat_app_id.appid, self.provider_id.wechat_mch_id, self.wechat_prepay_id,
                private_key, **fresh,
            )
        return signing.build_jsapi_payment(
            self.wechat_app_id.appid, self.wechat_prepay_id, private_key, **fresh,
        )

    def _wechat_build_v2_client_values(self, fresh):
        """Return what the client passes on to pay an order of v2, by v3's names (B2.1).

        :param dict fresh: Time and nonce.
        :return: See `_wechat_build_client_values`; `signType` is the order's.
        :rtype: dict
        """
        provider = self.provider_id
        key, sign_type = provider.wechat_api_v2_key, self._wechat_get_v2_sign_type()
        if self.wechat_trade_type == 'APP':
            return v2_client_values.build_app_payment(
                self.wechat_app_id.appid, provider.wechat_mch_id, self.wechat_prepay_id,
                key, sign_type, **fresh,
            )
        return v2_client_values.build_jsapi_payment(
            self.wechat_app_id.appid, self.wechat_prepay_id, key, sign_type, **fresh,
        )
