# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import re

import psycopg2

from odoo import api, fields, models
from odoo.tools import hmac, mute_logger

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured, WeChatPayRefused
from odoo.addons.wechat_payment.payable import Payable
from odoo.addons.wechat_payment.protocol import amounts, order_numbers, payment_codes

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """Payment codes: the cashier scans what the customer's phone shows (A5, B2.6).

    The answer of the one call that is made, or later the query, is the result; there is no
    notification. `payment_transaction_reverse` leads to an end what the answer leaves open.
    """

    _inherit = 'payment.transaction'

    wechat_code_time = fields.Datetime(
        string="Code Scanned On", readonly=True, copy=False,
        help="When the customer's payment code was sent to WeChat Pay.",
    )
    wechat_is_code_cancelled = fields.Boolean(
        string="Cancelled by Cashier", readonly=True, copy=False,
        help="The cashier stopped waiting: the payment is reversed as soon as that is allowed.",
    )
    # Of the code itself nothing is kept. This makes the same code for the same thing the same
    # payment, for who scans it twice and for Odoo when it runs a request anew.
    wechat_code_digest = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    _wechat_code_digest_unique = models.UniqueIndex(
        "(wechat_code_digest) WHERE wechat_code_digest IS NOT NULL"
    )

    def _wechat_is_code_payment(self):
        """Tell whether this is a payment by a code that a cashier scanned.

        :rtype: bool
        """
        self.ensure_one()
        return self.wechat_trade_type == 'MICROPAY' and self.operation != 'refund'

    # === BUSINESS METHODS - CHARGE === #

    @api.model
    def _wechat_charge_code(self, auth_code, get_payable, key, device_info=''):
        """Charge the customer whose payment code was scanned.

        This is what other addons call, a point of sale say; they check who may do it. It commits:
        the number before WeChat Pay is called, and what became of it. The transaction is `done`,
        `error` (`state_message` says why; another code may be scanned), or still open: then call
        :meth:`_wechat_poll_code` every second or so until it is not. Whatever happens to the
        caller, what is still open 30 s after the scan is reversed.

        :param str auth_code: What was scanned: 18 digits.
        :param callable get_payable: Returns what is to be paid as a `Payable`, its document locked;
            it is called again when other payments of the document had to be closed first.
        :param str key: What is paid, as `sale.order,5`. The same user, code and key are the same
            payment; a code that was used for something else is refused by WeChat Pay.
        :param str device_info: The merchant's own name of the terminal; may be empty.
        :return: The transaction, in sudo mode.
        :rtype: payment.transaction
        :raise WeChatError: With the code word that says why nothing was charged: `bad_request` for
            what is no payment code, `not_payable`, `misconfigured`, `wechat_busy` if another
            payment of the document is under way.
        """
        try:
            auth_code = payment_codes.parse_auth_code(auth_code)
        except ValueError:
            raise WeChatError(
                self.env._(
                    "This is not a payment code of WeChat, which has 18 digits and begins with 10"
                    " to 15. Scan the code under Me ▸ Services ▸ Money on the customer's phone."
                ),
                code='bad_request',
            ) from None
        if not re.fullmatch(r'[0-9A-Za-z_-]{0,32}', device_info or ''):
            raise WeChatError(
                self.env._("The name of a terminal has up to 32 letters, digits, - and _."),
                code='bad_request',
            )
        digest = hmac(
            self.env(su=True), 'wechat_payment-auth_code', (self.env.uid, key, auth_code),
        )
        if known_tx := self.sudo().search([('wechat_code_digest', '=', digest)], limit=1):
            return known_tx
        for _attempt in range(3):
            payable = get_payable()
            provider = self._wechat_find_code_provider(payable)
            open_txs = payable.transactions.filtered(lambda tx: tx._wechat_is_open())
            if any(tx._wechat_is_code_payment() for tx in open_txs):
                raise WeChatError(
                    self.env._("A payment of this document is under way. Wait for its result."),
                    code='wechat_busy',
                )
            if not open_txs:
                break
            # The calls must not hold the document's lock, and see what changed meanwhile.
            self._wechat_commit()
            open_txs._wechat_retire()
            self._wechat_commit()
        else:
            raise WeChatError(
                self.env._("The document is being paid right now. Please try again in a moment."),
                code='wechat_busy',
            )
        tx = self._wechat_create_code_payment(payable, provider, digest, device_info)
        tx._wechat_send_code(auth_code)
        return tx

    @api.model
    def _wechat_find_code_provider(self, payable):
        """Return the provider that charges payment codes for this payable.

        :param Payable payable: What is to be paid.
        :return: The provider, in sudo mode.
        :rtype: payment.provider
        :raise WeChatError: `misconfigured`, saying what is missing.
        """
        provider = self._wechat_find_provider(payable, 'MICROPAY', self.env['wechat.app'])
        if problem := provider._wechat_find_code_problem():
            raise provider._wechat_misconfigured(problem)
        return provider

    @api.model
    def _wechat_create_code_payment(self, payable, provider, digest, device_info):
        """Create the transaction with everything that its call says but the code.

        :param Payable payable: What is to be paid.
        :param payment.provider provider: Who takes the payment.
        :param str digest: What is kept of the code.
        :param str device_info: The merchant's own name of the terminal.
        :return: The draft transaction, in sudo mode.
        :rtype: payment.transaction
        :raise WeChatError: `misconfigured` if the payment method is off, `wechat_busy` if the same
            code is being charged right now.
        """
        payment_method = self._wechat_find_payment_method(provider, payable)
        if not payment_method:
            raise provider._wechat_misconfigured('payment_method')
        now = fields.Datetime.now()
        prefix = None if payable.create_values else 'till'
        values = {
            'provider_id': provider.id,
            'payment_method_id': payment_method.id,
            'reference': self._compute_reference(
                'wechat_pay', prefix=prefix, **payable.create_values,
            ),
            'amount': payable.amount,
            'currency_id': payable.currency.id,
            'partner_id': payable.partner.id,
            'operation': 'online_direct',
            'wechat_user_id': self.env.uid,
            'wechat_purpose': payable.purpose,
            'wechat_app_id': self._wechat_choose_app(provider, 'MICROPAY').id,
            'wechat_trade_type': 'MICROPAY',
            'wechat_api_version': provider.wechat_code_pay_version,
            'wechat_code_digest': digest,
            'wechat_code_time': now,
            'wechat_time_expire': fields.Datetime.add(now, seconds=const.CODE_PATIENCE),
            **payable.create_values,
        }
        try:
            with mute_logger('odoo.sql_db'), self.env.cr.savepoint():
                tx = self.sudo().create(values)
        except psycopg2.errors.UniqueViolation:
            raise WeChatError(
                self.env._("This payment code is being charged right now."), code='wechat_busy',
            ) from None
        description = order_numbers.build_description(payable.description) or tx.reference
        tx.wechat_order_body = provider._wechat_serialize(
            provider._wechat_build_code_order(tx, description, device_info or '')
        )
        tx._wechat_schedule_query()
        # Should this server or the cashier's screen be gone by then.
        self.env.ref('wechat_payment.cron_wechat_settle').sudo()._trigger(at=tx.wechat_time_expire)
        return tx

    def _wechat_send_code(self, auth_code):
        """Make the one call with the code, and commit what it leads to.

        :param str auth_code: The 18 digits.
        :return: None
        """
        self.ensure_one()
        provider, body = self.provider_id, json.loads(self.wechat_order_body)
        self._wechat_commit()
        try:
            order = provider._wechat_send_code(self, body, auth_code)
        except WeChatPayRefused as error:
            if provider._wechat_is_order_state_code(error.wechat_code):
                self._wechat_ask_code_now()
            else:
                message = str(error)
                if error.wechat_code in ('NOAUTH', 'NO_AUTH'):
                    message = self.env._(
                        "The merchant has not the product payment codes (付款码支付) in this"
                        " version of the interface. Apply for it on pay.weixin.qq.com, Product"
                        " Center, or change Payment Codes By on the payment provider."
                    )
                self._wechat_fail_code(message, is_sent=error.code != 'misconfigured')
        except WeChatError as error:
            if isinstance(error, WeChatPayMisconfigured) or (
                isinstance(error, WeChatUnknown) and not error.sent
            ):
                self._wechat_fail_code(str(error), is_sent=False)
            else:
                _logger.info("The outcome of payment %s is open: %s", self.reference, error)
                self._wechat_ask_code_now()
        else:
            self._wechat_apply_order(order)
            is_paid = order.get('trade_state') in const.PAID_TRADE_STATES
            if is_paid and self._wechat_is_open() and not self.wechat_reverse_sent:
                self.wechat_next_query = False  # It does not agree: a person must look.
        self._wechat_commit()

    # === BUSINESS METHODS - WHAT CAN BE PAID === #

    @api.model
    def _wechat_build_free_payable(self, amount, description='', partner=None, company=None):
        """Return an amount without a document as something that can be paid.

        :param float amount: The amount in CNY.
        :param str description: What the customer reads in the bill.
        :param res.partner partner: Who pays; default: nobody in particular.
        :param res.company company: Who is paid; default: the user's company.
        :rtype: Payable
        :raise WeChatError: `bad_request` if this is no amount.
        """
        company = company or self.env.company
        currency = self.env.ref('base.CNY')
        try:
            if type(amount) not in (int, float):
                raise ValueError
            amounts.to_fen(amount)
        except ValueError:
            raise WeChatError(
                self.env._("Enter an amount of at least 0.01 with two decimals at most."),
                code='bad_request',
            ) from None
        return Payable(
            document=self.env['res.partner'].browse(),
            company=company,
            partner=partner or self.env.ref('base.public_partner').sudo(),
            currency=currency,
            amount=amount,
            description=description or company.name,
            transactions=self.sudo().browse(),
        )
