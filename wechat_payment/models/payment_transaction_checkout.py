# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
from urllib.parse import quote, urlencode

from odoo import api, fields, models
from odoo.tools import consteq

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.qr_code import build_qr_image

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

PAGE_PATH = '/payment/wechat_pay/pay'


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    wechat_successor_id = fields.Many2one(
        string="Replaced By", comodel_name='payment.transaction', readonly=True, copy=False,
        index='btree_not_null',
        help="The transaction by which the same payment went on under a new number.",
    )

    # === BUSINESS METHODS - PAYMENT FLOW === #

    def _get_specific_rendering_values(self, processing_values):
        """Override of `payment` to send the customer to the payment page.

        Note: `self.ensure_one()` from `_get_processing_values`. WeChat Pay is not called here: the
        page does it when it opens.
        """
        if self.provider_code != 'wechat_pay':
            return super()._get_specific_rendering_values(processing_values)
        return {
            'api_url': f'{PAGE_PATH}/{self.reference}',
            'access_token': self._wechat_get_access_token(),
        }

    def _wechat_get_access_token(self):
        """Return what opens the payment page of this transaction, and no other.

        :rtype: str
        """
        self.ensure_one()
        return payment_utils.generate_access_token(
            self.reference, self.amount, self.currency_id.id, env=self.env,
        )

    def _wechat_get_page_path(self):
        """Return the path of the payment page.

        :rtype: str
        """
        query = urlencode({'access_token': self._wechat_get_access_token()})
        return f'{PAGE_PATH}/{self.reference}?{query}'

    def _wechat_get_page_values(self):
        """Return what a payment page needs to be the page of this transaction.

        :return: {reference, access_token, path}
        :rtype: dict
        """
        self.ensure_one()
        return {
            'reference': self.reference,
            'access_token': self._wechat_get_access_token(),
            'path': self._wechat_get_page_path(),
        }

    @api.model
    def _wechat_find_by_access_token(self, reference, access_token):
        """Return the transaction that an access token opens.

        :param str reference: The transaction's reference.
        :param str access_token: The token of its payment page.
        :return: The transaction in sudo mode; empty if there is none or the token is not its own.
        :rtype: payment.transaction
        """
        if not isinstance(reference, str) or not isinstance(access_token, str):
            return self.sudo().browse()
        tx = self.sudo().search(
            [('reference', '=', reference), ('provider_code', '=', 'wechat_pay')], limit=1,
        )
        is_opened = tx and consteq(tx._wechat_get_access_token().encode(), access_token.encode())
        return tx if is_opened else tx.browse()

    # === BUSINESS METHODS - DOCUMENTS === #

    @api.model
    def _wechat_get_document_fields(self):
        """Return the fields that link a transaction to what it pays; the bridges add theirs.

        Their records have `name`.

        :rtype: list[str]
        """
        return []

    def _wechat_get_documents(self):
        """Return the documents that this transaction pays.

        :return: One recordset per kind of document, none of them empty.
        :rtype: list[models.Model]
        """
        self.ensure_one()
        return [self[name] for name in self._wechat_get_document_fields() if self[name]]

    def _wechat_find_document_problem(self):
        """Return why the documents cannot be paid with this transaction (any more).

        The bridges override it.

        :return: A text for the customer, or `None`.
        :rtype: str|None
        """
        self.ensure_one()

    def _wechat_get_cancel_route(self):
        """Return where a customer goes who does not pay.

        :rtype: str
        """
        self.ensure_one()
        return self.landing_route or '/my/home'

    def _wechat_get_description(self):
        """Return what the customer reads in the bill.

        :rtype: str
        """
        names = [
            name for documents in self._wechat_get_documents()
            for name in documents.mapped('name') if name
        ]
        return f'{self.company_id.name} {", ".join(names) or self.reference}'

    # === BUSINESS METHODS - CHECKOUT === #

    def _wechat_start_checkout(self, client, retry=False):
        """Place the order of the payment page, and make sure that no other one can be paid.

        Open orders of the same documents are closed first, and an order that cannot be used any
        more (expired, or made for another kind of device) is replaced by one with a new number.

        :param Client client: What is known of the customer's device.
        :param bool retry: Whether the customer wants to pay again after a refusal or cancellation.
        :return: This transaction, or the one that replaced it.
        :rtype: payment.transaction
        :raise WeChatError: With a code word and what to do.
        """
        self.ensure_one()
        for _attempt in range(3):
            self._wechat_lock_checkout()
            if self.state in ('done', 'authorized') or self.state != 'draft' and not (
                retry or self.state == 'pending'
            ):
                return self
            problem = self._wechat_find_document_problem()
            is_usable = not problem and self._wechat_is_usable(client)
            open_txs = self._wechat_get_siblings().filtered(lambda tx: tx._wechat_is_open())
            if not is_usable and self._wechat_is_open():
                open_txs |= self
                retry = True  # It is to be replaced when it is closed.
            if problem and self not in open_txs:
                raise WeChatError(problem, code='not_payable')
            if not open_txs:
                break
            # The calls must not hold the documents' locks, and see what changed meanwhile.
            self._wechat_commit()
            open_txs._wechat_retire()
            self._wechat_commit()
        else:
            raise WeChatError(
                self.env._("The document is being paid right now. Please try again in a moment."),
                code='wechat_busy',
            )
        tx = self if is_usable else self._wechat_replace()
        if not tx.wechat_order_body:
            app = self.env['wechat.app'].sudo().browse(client.app_id) or (
                tx._wechat_choose_app(tx.provider_id, client.trade_type)
            )
            if not app:
                raise WeChatError(
                    self.env._("The shop cannot take WeChat Pay yet: its payment provider lists no"
                               " app."),
                    code='misconfigured',
                )
            if not self.env.user._is_public():
                tx.wechat_user_id = self.env.uid
            tx._wechat_prepare_order(
                app, client.openid, client.trade_type, tx._wechat_get_description(), client,
            )
        tx._wechat_place_order()
        return tx

    def _wechat_lock_checkout(self):
        """Lock the documents without waiting, then this transaction.

        :return: None
        :raise WeChatError: `wechat_busy` if somebody else holds a document.
        """
        for documents in self._wechat_get_documents():
            self._wechat_lock_documents(documents)
        self._wechat_lock()

    def _wechat_get_siblings(self):
        """Return the other transactions of the same documents.

        :rtype: payment.transaction
        """
        siblings = self.browse()
        for name in self._wechat_get_document_fields():
            if self[name]:
                siblings |= self.search([(name, 'in', self[name].ids)])
        return siblings - self

    def _wechat_is_usable(self, client):
        """Tell whether this transaction can (still) be paid as the customer's device pays.

        :param Client client: What is known of the customer's device.
        :rtype: bool
        """
        if self.state not in ('draft', 'pending'):
            return False
        if not self.wechat_order_body:
            return True
        rest = fields.Datetime.add(fields.Datetime.now(), seconds=const.RESULT_REST)
        return (
            self.wechat_trade_type == client.trade_type
            and self._wechat_is_of_provider_version()
            and (self.wechat_openid or '') == client.openid
            and (not client.openid or self.wechat_app_id.id == client.app_id)
            and self.wechat_time_expire > rest
        )

    def _wechat_replace(self):
        """Create a transaction with a new number for the same payment.

        :return: The draft transaction.
        :rtype: payment.transaction
        """
        self.ensure_one()
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in self._wechat_get_document_fields() if self[name]
        }
        reference = self._compute_reference(
            'wechat_pay', prefix=None if values else self.reference.rsplit('-', 1)[0], **values,
        )
        values['wechat_purpose'] = self.wechat_purpose
        tx = self.create({
            'provider_id': self.provider_id.id,
            'payment_method_id': self.payment_method_id.id,
            'reference': reference,
            'amount': self.amount,
            'currency_id': self.currency_id.id,
            'partner_id': self.partner_id.id,
            'operation': self.operation,
            **values,
        })
        # Some confirmation pages are told which transaction they are about.
        tx.landing_route = re.sub(
            rf'\btx_id={self.id}(?=&|$)', f'tx_id={tx.id}', self.landing_route or '',
        )
        tx._log_sent_message()
        self.wechat_successor_id = tx
        return tx

    def _wechat_find_successor(self):
        """Return the transaction by which this payment went on, if another took its place.

        A payment that was made under the old number nevertheless is not passed over.

        :return: The last one; empty if there is none.
        :rtype: payment.transaction
        """
        self.ensure_one()
        tx = self
        while tx.wechat_successor_id and tx.state not in ('done', 'authorized'):
            tx = tx.wechat_successor_id
        return tx - self

    def _wechat_poll(self, check=False):
        """Return what the payment page should show now.

        WeChat Pay is asked on the plan, or because the customer wants it, at most once per 2 s and
        transaction. An order whose documents have changed is closed.

        :param bool check: Whether the customer asks for it.
        :return: {state, message}
        :rtype: dict
        """
        self.ensure_one()
        problem = None
        if self._wechat_is_open():
            problem = self._wechat_find_document_problem()
            is_due = self.wechat_next_query and self.wechat_next_query <= fields.Datetime.now()
            if (check or is_due or problem) and self._wechat_claim_query():
                try:
                    self._wechat_ask(problem)
                except WeChatError as error:
                    _logger.warning("Could not query transaction %s: %s", self.reference, error)
        message = problem or self.state_message
        return {'state': self.state, 'message': message or ''}

    def _wechat_ask(self, problem):
        """Ask for this order as the plan says; close it if its documents have changed.

        :param str problem: Why the documents cannot be paid any more, if so.
        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        if problem:
            self._wechat_retire()
            return
        if self.wechat_next_query and self.wechat_next_query <= fields.Datetime.now():
            self.wechat_query_count += 1
            self._wechat_schedule_query()
            self._wechat_commit()
        if self.wechat_is_close_pending and not self._wechat_get_first_close():
            self._wechat_close()
        else:
            self._wechat_query()

    def _wechat_cancel_checkout(self):
        """Cancel because the customer wants it: at WeChat Pay first, then here.

        An order that turns out to be paid is done instead.

        :return: None
        :raise WeChatError: If it cannot be made sure that the order is not paid any more.
        """
        self.ensure_one()
        if self._wechat_is_open():
            self._wechat_retire()
        if self.state in ('draft', 'pending'):
            self._set_canceled(state_message=self.env._("You cancelled the payment."))

    def _wechat_get_checkout_values(self, base_url):
        """Return what the payment page shows of a placed order.

        :param str base_url: Where the customer's browser continues after H5.
        :return: {reference, access_token, path, state, message} and, while it can be paid, `kind`
            (`NATIVE`, `H5`, `JSAPI`), `expires_in` (seconds) and `image` (data address of the QR
            code), `url` (where to go) or `payment` (what WeChat's own page function takes).
        :rtype: dict
        """
        self.ensure_one()
        values = {
            **self._wechat_get_page_values(),
            'state': self.state,
            'message': self.state_message or '',
        }
        if not self._wechat_is_open() or not (self.wechat_pay_url or self.wechat_prepay_id):
            return values
        expire = min(self.wechat_prepay_expire, self.wechat_time_expire)
        seconds = (expire - fields.Datetime.now()).total_seconds() - const.RESULT_REST
        values.update(kind=self.wechat_trade_type, expires_in=max(int(seconds), 0) + 1)
        if self.wechat_trade_type == 'NATIVE':
            values['image'] = build_qr_image(self.wechat_pay_url)
        elif self.wechat_trade_type == 'JSAPI':
            values['payment'] = self._wechat_build_client_values()
        else:
            # Never altered, only extended by where to come back to (A4.4).
            back = quote(f'{base_url}{self._wechat_get_page_path()}&returned=1', safe='')
            separator = '&' if '?' in self.wechat_pay_url else '?'
            values['url'] = f'{self.wechat_pay_url}{separator}redirect_url={back}'
        return values
