# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
import time
from datetime import timedelta, timezone

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, order_numbers, signing

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

BEIJING = timezone(timedelta(hours=8))

# What the client values are made of, fetched together after a commit.
CLIENT_VALUE_FIELDS = (
    'provider_id', 'wechat_app_id', 'wechat_trade_type', 'wechat_prepay_id', 'wechat_pay_url',
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
            'wechat_time_expire': fields.Datetime.add(
                fields.Datetime.now(), minutes=const.ORDER_LIFETIME,
            ),
        })
        self.wechat_order_body = self.provider_id._wechat_serialize(
            self._wechat_build_order(description, client)
        )
        self._wechat_schedule_query()

    def _wechat_build_order(self, description, client=None):
        """Return the body of the order call (A4.2).

        :param str description: What the customer reads in the bill.
        :param Client client: What is known of the customer's device; H5 needs it.
        :rtype: dict
        :raise WeChatError: `misconfigured` if the customer's address is not the customer's.
        """
        self.ensure_one()
        time_expire = self.wechat_time_expire.replace(tzinfo=timezone.utc).astimezone(BEIJING)
        order = {
            'appid': self.wechat_app_id.appid,
            'mchid': self.provider_id.wechat_mch_id,
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
            order['payer'] = {'openid': self.wechat_openid}
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
        if self._wechat_has_live_result():
            return
        trade_type, body = self.wechat_trade_type, self.wechat_order_body
        provider = self.provider_id
        self._wechat_commit()
        try:
            answer = provider._wechat_request(
                'POST', f'/v3/pay/transactions/{trade_type.lower()}',
                payload=body, repeatable=True,  # Identical to the byte (A11).
            )
        except WeChatPayRefused as error:
            self._wechat_handle_refused_order(error)
            self._wechat_commit()
            raise
        name = const.TRADE_TYPE_RESULTS[trade_type]
        result = answer.get(name)
        is_web_address = isinstance(result, str) and result.startswith(('https://', 'http://'))
        if not isinstance(result, str) or not result or (name == 'h5_url' and not is_web_address):
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            )
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
        if error.code != 'misconfigured':
            try:
                self._wechat_close()
            except WeChatError as close_error:
                _logger.warning(
                    "Could not close order %s after its refusal: %s", self.reference, close_error,
                )
        if self.state == 'done':
            self._wechat_commit()
            raise WeChatError(
                self.env._("This document is already paid."), code='not_payable',
            ) from None
        self._set_error(str(error))
        self.wechat_next_query = False

    def _wechat_build_client_values(self):
        """Return what the client passes on to pay: fresh time, nonce and signature (A4.4).

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
        private_key = self.provider_id.wechat_merchant_private_key
        if self.wechat_trade_type == 'APP':
            return signing.build_app_payment(
                self.wechat_app_id.appid, self.provider_id.wechat_mch_id, self.wechat_prepay_id,
                private_key, **fresh,
            )
        return signing.build_jsapi_payment(
            self.wechat_app_id.appid, self.wechat_prepay_id, private_key, **fresh,
        )
