# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
import time
from datetime import timedelta, timezone

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, order_numbers, signing

_logger = get_payment_logger(__name__)

BEIJING = timezone(timedelta(hours=8))


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - PREPAY === #

    @api.model
    def _wechat_prepay(
        self, model, document_id, trade_type='JSAPI', access_token=None, session_app_id=None,
    ):
        """Return what a client needs to pay a document (design, "Prepay in detail").

        Asked again with nothing changed, this is the same transaction with fresh client values.

        :param str model: The document's model.
        :param int document_id: The document's id.
        :param str trade_type: How the customer pays; here `JSAPI`.
        :param str access_token: The document's portal token, for who cannot read it otherwise.
        :param int session_app_id: The `wechat.app` of the caller's session, if any.
        :return: {reference, amount (major units), currency (ISO code), payment (client values)}
        :rtype: dict
        :raise WeChatError: With the code word that says why the document cannot be paid now.
        """
        if trade_type not in const.TRADE_TYPE_APP_TYPES:
            raise WeChatError(
                self.env._("This way of paying is not available: %(type)s.", type=trade_type),
                code='bad_request',
            )
        app, openid = self._wechat_find_payer(trade_type, session_app_id)
        for _attempt in range(3):
            payable = self._wechat_find_payable(model, document_id, access_token)
            provider = self._wechat_find_provider(payable, app)
            open_txs = payable.transactions.filtered(lambda tx: tx._wechat_is_open())
            tx = open_txs._wechat_find_same_order(payable, provider, app, openid, trade_type)
            if open_txs == tx:
                break
            # The calls must not hold the document's lock, and see what changed meanwhile.
            self._wechat_commit()
            (open_txs - tx)._wechat_retire()
            self._wechat_commit()
        else:
            raise WeChatError(
                self.env._("The document is being paid right now. Please try again in a moment."),
                code='wechat_busy',
            )
        if not tx:
            tx = self._wechat_create_order(payable, provider, app, openid, trade_type)
        tx._wechat_place_order()
        return {
            'reference': tx.reference,
            'amount': tx.amount,
            'currency': tx.currency_id.name,
            'payment': tx._wechat_build_client_values(),
        }

    def _wechat_commit(self):
        """Make the number, and everything needed to repeat its call, survive whatever comes.

        A time-out is not a refusal (design, rule 4): a JSON-RPC error would roll the number back
        while WeChat Pay knows it. This helper is for that and for nothing else.

        :return: None
        """
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()

    # === BUSINESS METHODS - PREPAY: WHO, WHAT, BY WHOM === #

    @api.model
    def _wechat_find_payer(self, trade_type, session_app_id=None):
        """Return the app and openid of the caller, from their own login only.

        :param str trade_type: How the customer pays.
        :param int session_app_id: The app of the caller's session, if any.
        :return: The app in sudo mode, and the caller's openid in it.
        :rtype: tuple[wechat.app, str]
        :raise WeChatError: `not_linked` if the caller has no, or no certain, identity.
        """
        identities = self.env['wechat.identity'].sudo().search([
            ('user_id', '=', self.env.uid),
            ('app_id.app_type', 'in', const.TRADE_TYPE_APP_TYPES[trade_type]),
        ])
        if session_app_id:
            identities = identities.filtered(lambda i: i.app_id.id == session_app_id)
        if len(identities) != 1:
            raise WeChatError(
                self.env._(
                    "Your account is not linked with WeChat here. Log in through WeChat, then pay"
                    " again."
                ),
                code='not_linked',
            )
        return identities.app_id, identities.openid

    @api.model
    def _wechat_find_payable(self, model, document_id, access_token):
        """Return the document as something one can pay, its row locked.

        :param str model: The document's model, as a client names it.
        :param int document_id: The document's id.
        :param str access_token: The document's portal token, if the client has one.
        :rtype: Payable
        :raise WeChatError: `bad_request` for a model that cannot be paid, `not_payable` for a
            document that cannot be paid (now).
        """
        resolve = None
        if model in self.env:
            resolve = getattr(self, f'_wechat_payable_{model.replace(".", "_")}', None)
        if not resolve:
            raise WeChatError(
                self.env._("Documents of this kind cannot be paid here."), code='bad_request',
            )
        payable = resolve(document_id, access_token)
        if payable.currency.name not in const.SUPPORTED_CURRENCIES:
            raise WeChatError(
                self.env._(
                    "WeChat Pay takes CNY only; this document is in %(currency)s.",
                    currency=payable.currency.name,
                ),
                code='not_payable',
            )
        try:
            amounts.to_fen(payable.amount)
        except ValueError:
            raise WeChatError(
                self.env._("There is nothing to pay on this document."), code='not_payable',
            ) from None
        return payable

    @api.model
    def _wechat_find_provider(self, payable, app):
        """Return the first provider that may take the document's payment in the app.

        :param Payable payable: What is to be paid.
        :param wechat.app app: The app in which the customer pays.
        :return: The provider, in sudo mode.
        :rtype: payment.provider
        :raise WeChatError: `misconfigured` if there is none.
        """
        providers = self.env['payment.provider'].sudo().with_context(
            wechat_prepay=True
        )._get_compatible_providers(
            payable.company.id, payable.partner.id, payable.amount,
            currency_id=payable.currency.id,
        ).filtered(lambda p: p.code == 'wechat_pay' and app in p.wechat_app_ids)
        if not providers:
            raise WeChatError(
                self.env._(
                    "The shop cannot take WeChat Pay in this app yet: no enabled and published"
                    " payment provider of its company lists the app."
                ),
                code='misconfigured',
            )
        return providers[0].with_context(wechat_prepay=False)

    def _wechat_find_same_order(self, payable, provider, app, openid, trade_type):
        """Return the one of these open transactions that is what is asked for.

        With too little time left to pay it, none is.

        :rtype: payment.transaction
        """
        rest = fields.Datetime.add(fields.Datetime.now(), minutes=const.ORDER_REST)
        return self.filtered(lambda tx: (
            tx.provider_id == provider
            and tx.wechat_app_id == app
            and tx.wechat_openid == openid
            and tx.wechat_trade_type == trade_type
            and tx.wechat_user_id.id == self.env.uid
            and tx.currency_id == payable.currency
            and tx.currency_id.compare_amounts(tx.amount, payable.amount) == 0
            and tx.wechat_time_expire > rest
        ))[:1]

    def _wechat_retire(self):
        """Make sure that these open orders can never be paid: query, close, query again.

        :return: None
        :raise WeChatError: If that cannot be made sure, or one of them turns out to be paid in a
            way that does not agree with it.
        """
        for tx in self:
            order = tx._wechat_query()
            if tx._wechat_is_open():
                order = tx._wechat_close()
            if not tx._wechat_is_open():
                continue
            if order.get('trade_state') in const.PAID_TRADE_STATES:
                # The alert must stay although the request fails.
                tx._wechat_commit()
                raise WeChatError(
                    self.env._(
                        "A payment of this document does not agree with it. Please contact the"
                        " shop before paying again."
                    ),
                    code='not_payable',
                )
            if order:
                raise WeChatError(
                    self.env._("The earlier payment is not closed yet. Please try again in a"
                               " moment."),
                    code='wechat_busy',
                )
            tx._set_canceled(state_message=self.env._(
                "Replaced by another payment; it had never reached WeChat Pay."
            ))
            tx.wechat_next_query = False

    # === BUSINESS METHODS - PREPAY: THE ORDER === #

    @api.model
    def _wechat_create_order(self, payable, provider, app, openid, trade_type):
        """Create the transaction with everything that its order call says, now and repeated.

        :return: The draft transaction, in sudo mode.
        :rtype: payment.transaction
        :raise WeChatError: `misconfigured` if the payment method is off or the notification
            address is none that WeChat Pay can call.
        """
        payment_method = self.env['payment.method'].sudo()._get_compatible_payment_methods(
            provider.ids, payable.partner.id, currency_id=payable.currency.id,
        ).filtered(lambda m: m.code in const.DEFAULT_PAYMENT_METHOD_CODES)[:1]
        if not payment_method:
            raise provider._wechat_misconfigured('payment_method')
        notify_url = provider._wechat_get_notify_url()
        if not provider._wechat_is_public_base_url(notify_url):
            raise provider._wechat_misconfigured('notify_url', notify_url)
        time_expire = fields.Datetime.add(fields.Datetime.now(), minutes=const.ORDER_LIFETIME)
        tx = self.sudo().create({
            'provider_id': provider.id,
            'payment_method_id': payment_method.id,
            'reference': self._compute_reference('wechat_pay', **payable.create_values),
            'amount': payable.amount,
            'currency_id': payable.currency.id,
            'partner_id': payable.partner.id,
            'operation': 'online_direct',
            'wechat_app_id': app.id,
            'wechat_openid': openid,
            'wechat_user_id': self.env.uid,
            'wechat_trade_type': trade_type,
            'wechat_time_expire': time_expire,
            **payable.create_values,
        })
        tx.wechat_order_body = provider._wechat_serialize(
            tx._wechat_build_order(payable.description)
        )
        tx._wechat_schedule_query()
        tx._log_sent_message()
        return tx

    def _wechat_build_order(self, description):
        """Return the body of the order call (A4.2).

        :param str description: What the customer reads in the bill.
        :rtype: dict
        """
        self.ensure_one()
        time_expire = self.wechat_time_expire.replace(tzinfo=timezone.utc).astimezone(BEIJING)
        return {
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
            'payer': {'openid': self.wechat_openid},
        }

    def _wechat_place_order(self):
        """Make the order call, or repeat it to the letter; keep the prepay_id.

        The prepay_id lives as long as the order, so that it need not be asked for again.

        :return: None
        :raise WeChatPayRefused: If WeChat Pay refused; the transaction is in error then.
        :raise WeChatUnknown: If the outcome is open; the transaction stays as it is.
        :raise WeChatError: `not_payable` if the order turned out to be paid.
        """
        self.ensure_one()
        if self.wechat_prepay_id:
            return
        self._wechat_commit()
        try:
            answer = self.provider_id._wechat_request(
                'POST', '/v3/pay/transactions/jsapi', payload=self.wechat_order_body,
            )
        except WeChatPayRefused as error:
            self._wechat_handle_refused_order(error)
            self._wechat_commit()
            raise
        prepay_id = answer.get('prepay_id')
        if not isinstance(prepay_id, str) or not prepay_id:
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            )
        self.wechat_prepay_id = prepay_id

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

        :return: {appId, timeStamp, nonceStr, package, signType, paySign}
        :rtype: dict
        """
        self.ensure_one()
        return signing.build_jsapi_payment(
            self.wechat_app_id.appid,
            self.wechat_prepay_id,
            self.provider_id.wechat_merchant_private_key,
            timestamp=int(time.time()),
            nonce=secrets.token_hex(16),
        )
