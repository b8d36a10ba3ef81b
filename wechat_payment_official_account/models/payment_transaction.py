# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace
from urllib.parse import urlencode

from odoo import api, models
from odoo.tools import consteq

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.client import Client


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - INSIDE A MINI-PROGRAM === #

    def _wechat_get_handover_url(self):
        """Return the page of the mini-program on which this transaction is paid.

        It names the transaction and holds the token of its payment page, which opens nothing else:
        neither an amount nor the document's own token, which would show the whole document.

        :return: The path with its query; empty if there is no such page.
        :rtype: str
        """
        self.ensure_one()
        if not self.provider_id._wechat_has_miniprogram_page():
            return ''
        query = urlencode({
            'model': self._name, 'id': self.id, 'access_token': self._wechat_get_access_token(),
        })
        return f'{self.provider_id.sudo().wechat_miniprogram_page}?{query}'

    @api.model
    def _wechat_prepay(
        self, model, document_id, trade_type='JSAPI', access_token=None, session_app_id=None,
        client=None,
    ):
        """Override of `wechat_payment` to go on with the transaction of a payment page.

        The page is shown by the mini-program and waits for this very transaction, so it gets the
        mini-program's order rather than a second one beside it.
        """
        if model != self._name:
            return super()._wechat_prepay(
                model, document_id, trade_type=trade_type, access_token=access_token,
                session_app_id=session_app_id, client=client,
            )
        if trade_type != 'JSAPI':
            raise WeChatError(
                self.env._("This way of paying is not available: %(type)s.", type=trade_type),
                code='bad_request',
            )
        tx = self._wechat_find_handed_over(document_id, access_token)
        app, openid = self._wechat_find_payer(trade_type, session_app_id)
        if app not in tx.provider_id.wechat_app_ids:
            raise WeChatError(
                self.env._(
                    "The shop cannot take WeChat Pay in this app yet: no enabled and published"
                    " payment provider of its company lists the app."
                ),
                code='misconfigured',
            )
        tx = tx._wechat_start_checkout(
            replace(client or Client(), app_id=app.id, openid=openid), retry=True,
        )
        if not tx._wechat_is_open():
            raise WeChatError(self.env._("This document is already paid."), code='not_payable')
        if tx.wechat_user_id != self.env.user:
            # The same person under another user; the state is told to who asked last.
            tx.wechat_user_id = self.env.user
        return {
            'reference': tx.reference,
            'amount': tx.amount,
            'currency': tx.currency_id.name,
            'payment': tx._wechat_build_client_values(),
        }

    @api.model
    def _wechat_find_handed_over(self, transaction_id, access_token):
        """Return the transaction that a payment page handed over, or its successor.

        :param int transaction_id: The transaction's id.
        :param str access_token: The token of its payment page.
        :return: The transaction, in sudo mode.
        :rtype: payment.transaction
        :raise WeChatError: `not_payable` if there is none or the token is not its own.
        """
        tx = self.sudo().browse(transaction_id).exists()
        is_opened = (
            tx.provider_code == 'wechat_pay' and tx.operation != 'refund' and access_token
            and consteq(tx._wechat_get_access_token().encode(), access_token.encode())
        )
        if not is_opened:
            raise WeChatError(
                self.env._("This payment link is not valid. Please start the payment again."),
                code='not_payable',
            )
        return tx._wechat_find_successor() or tx
