# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.protocol import amounts


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - PREPAY === #

    @api.model
    def _wechat_prepay(
        self, model, document_id, trade_type='JSAPI', access_token=None, session_app_id=None,
        client=None,
    ):
        """Return what a client needs to pay a document (design, "Prepay in detail").

        Asked again with nothing changed, this is the same transaction with fresh client values.

        :param str model: The document's model.
        :param int document_id: The document's id.
        :param str trade_type: How the customer pays: `JSAPI`, `APP`, `NATIVE` or `H5`.
        :param str access_token: The document's portal token, for who cannot read it otherwise.
        :param int session_app_id: The `wechat.app` of the caller's session, if any.
        :param Client client: What is known of the caller's device; H5 needs it.
        :return: {reference, amount (major units), currency (ISO code), payment (client values)}
        :rtype: dict
        :raise WeChatError: With the code word that says why the document cannot be paid now.
        """
        if trade_type not in const.TRADE_TYPE_RESULTS:
            raise WeChatError(
                self.env._("This way of paying is not available: %(type)s.", type=trade_type),
                code='bad_request',
            )
        payer_app, openid = self.env['wechat.app'], ''
        if trade_type == 'JSAPI':
            payer_app, openid = self._wechat_find_payer(trade_type, session_app_id)
        for _attempt in range(3):
            payable = self._wechat_find_payable(model, document_id, access_token)
            provider = self._wechat_find_provider(payable, trade_type, payer_app)
            app = payer_app or self._wechat_choose_app(provider, trade_type)
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
            tx = self._wechat_create_order(payable, provider, app, openid, trade_type, client)
        answer = {
            'reference': tx.reference, 'amount': tx.amount, 'currency': tx.currency_id.name,
        }
        tx._wechat_place_order()
        return {**answer, 'payment': tx._wechat_build_client_values()}

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
        identities = self.env['wechat.identity'].sudo().search_fetch([
            ('user_id', '=', self.env.uid),
            ('app_id.app_type', 'in', const.TRADE_TYPE_APP_TYPES[trade_type]),
        ], ['app_id', 'openid'])
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
    def _wechat_find_provider(self, payable, trade_type, app):
        """Return the first provider that may take the document's payment in the app.

        :param Payable payable: What is to be paid.
        :param str trade_type: How the customer pays.
        :param wechat.app app: The app in which the customer pays; empty if any will do.
        :return: The provider, in sudo mode.
        :rtype: payment.provider
        :raise WeChatError: `misconfigured` if there is none.
        """
        providers = self.env['payment.provider'].sudo().with_context(
            wechat_prepay=True
        )._get_compatible_providers(
            payable.company.id, payable.partner.id, payable.amount,
            currency_id=payable.currency.id,
        ).filtered(lambda p: p.code == 'wechat_pay' and (
            payable.providers is None or p in payable.providers
        ) and (
            app in p.wechat_app_ids if app else self._wechat_choose_app(p, trade_type)
        ))
        if not providers:
            raise WeChatError(
                self.env._(
                    "The shop cannot take WeChat Pay in this app yet: no enabled and published"
                    " payment provider of its company lists the app."
                ),
                code='misconfigured',
            )
        return providers[0].with_context(wechat_prepay=False)

    @api.model
    def _wechat_choose_app(self, provider, trade_type):
        """Return the app that the order of a payment outside WeChat names.

        :param payment.provider provider: The provider.
        :param str trade_type: How the customer pays: `APP` needs a mobile app, others any.
        :return: The app, in sudo mode; empty if the provider lists none that fits.
        :rtype: wechat.app
        """
        app_types = const.TRADE_TYPE_APP_TYPES.get(trade_type)
        return provider.sudo().wechat_app_ids.filtered(
            lambda app: not app_types or app.app_type in app_types
        )[:1]

    def _wechat_find_same_order(self, payable, provider, app, openid, trade_type):
        """Return the one of these open transactions that is what is asked for.

        With too little time left to pay it, none is.

        :rtype: payment.transaction
        """
        rest = fields.Datetime.add(fields.Datetime.now(), minutes=const.ORDER_REST)
        return self.filtered(lambda tx: (
            tx.provider_id == provider
            and tx.wechat_app_id == app
            and (tx.wechat_openid or '') == openid
            and tx.wechat_trade_type == trade_type
            and tx._wechat_is_of_provider_version()
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
            # Closing has been refused before; it will be until then.
            is_too_early = tx.wechat_is_close_pending and tx._wechat_get_first_close()
            if tx._wechat_is_open() and not is_too_early:
                order = tx._wechat_close()
            if not tx._wechat_is_open():
                continue
            is_paid = order.get('trade_state') in const.PAID_TRADE_STATES
            if is_paid and not tx._wechat_is_being_reversed(order):
                # The alert must stay although the request fails.
                tx._wechat_commit()
                raise WeChatError(
                    self.env._(
                        "A payment of this document does not agree with it. Please contact the"
                        " shop before paying again."
                    ),
                    code='not_payable',
                )
            if order and tx.wechat_is_close_pending:
                # The plan to close it must stay although the request fails.
                tx._wechat_commit()
                raise WeChatError(tx._wechat_describe_close_delay(), code='wechat_busy')
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

    def _wechat_describe_close_delay(self):
        """Return what who waits for the order to be closed should know: v2 has them wait (B2.3).

        :rtype: str
        """
        self.ensure_one()
        due = self._wechat_get_first_close() or fields.Datetime.now()
        seconds = (due - fields.Datetime.now()).total_seconds()
        return self.env._(
            "Payment %(reference)s can still be paid: WeChat Pay closes a payment no sooner than"
            " five minutes after it was begun. It is then closed by itself. Please try again in"
            " %(minutes)s minutes, or pay this one now.",
            reference=self.reference, minutes=int(seconds // 60) + 1,
        )
