# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayNotTaken, WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, errors, v2_errors
from odoo.addons.wechat_payment.protocol.refunds import MAX_REFUND_DAYS, MAX_REFUNDS, REFUND_PATH

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# States in which a refund has, or may have, taken its part of the payment.
COUNTED_STATES = ('draft', 'pending', 'authorized', 'done')


class PaymentTransaction(models.Model):
    """Refunds: how many, how much, and how they are sent (A6).

    A refund is core's child transaction; its reference is the out_refund_no. What WeChat Pay makes
    of it is in `payment_transaction_refund_result.py`.
    """

    _inherit = 'payment.transaction'

    wechat_refund_body = fields.Text(
        string="Refund Sent to WeChat Pay", readonly=True, copy=False, groups='base.group_system',
        help="The refund call as it was first made. It is repeated to the letter, never changed.",
    )
    wechat_refund_id = fields.Char(
        string="WeChat Pay Refund Number", readonly=True, copy=False, index='btree_not_null',
    )
    wechat_refund_status = fields.Char(
        string="Refund State at WeChat Pay", readonly=True, copy=False,
        help="As WeChat Pay told it last.",
    )
    wechat_is_external_refund = fields.Boolean(
        string="Refunded Outside Odoo", readonly=True, copy=False,
        help="The refund was made on pay.weixin.qq.com or by another system.",
    )

    # === BUSINESS METHODS - REFUNDS: HOW MUCH === #

    def _wechat_is_open_refund(self):
        """Tell whether WeChat Pay may still change this refund.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.provider_code == 'wechat_pay'
            and self.operation == 'refund'
            and self.state in ('draft', 'pending')
            and bool(self.sudo().wechat_refund_body or self.wechat_is_external_refund)
        )

    def _wechat_lock_refunds(self):
        """Wait for the payment's row and mark it, so that refunds are made one after the other.

        The row is written, not only locked: a transaction that began before and waited would see
        none of what was made meanwhile. This way PostgreSQL stops it and Odoo runs it anew.

        :return: None
        """
        self.ensure_one()
        self.env.cr.execute(SQL(
            "UPDATE payment_transaction SET write_date = write_date WHERE id = %s", self.id,
        ))
        self.invalidate_recordset()

    def _wechat_get_counted_refunds(self):
        """Return the refunds of this payment that have, or may have, taken their part of it.

        :rtype: payment.transaction
        """
        self.ensure_one()
        return self.sudo().search([
            ('source_transaction_id', '=', self.id), ('operation', '=', 'refund'),
            ('state', 'in', COUNTED_STATES),
        ])

    def _wechat_get_refundable_amount(self):
        """Return what is left of the payment when all its refunds that may be are taken off.

        :return: The amount in yuan.
        :rtype: float
        """
        refunded = sum(self._wechat_get_counted_refunds().mapped('amount'))  # Negative.
        return self.currency_id.round(self.amount + refunded)

    def _wechat_check_refund(self, amount, repeated=None):
        """Check that this much may be refunded now, with the payment's row locked.

        Open, done and new refunds together never exceed the payment (design, rule 4). Core counts
        the posted ones only.

        :param float amount: The amount in yuan.
        :param payment.transaction repeated: A refund that is sent again under its own number.
        :return: None
        :raise UserError: With the reason why not.
        """
        self.ensure_one()
        self._wechat_lock_refunds()
        if self.operation == 'refund' or self.state != 'done':
            raise UserError(self.env._("Only a payment that was confirmed can be refunded."))
        if self.currency_id.compare_amounts(amount, 0) <= 0:
            raise UserError(self.env._("The amount to refund must be at least 0.01."))
        refunds = self._wechat_get_counted_refunds() - (repeated or self.browse())
        if len(refunds) >= MAX_REFUNDS:
            raise UserError(self.env._(
                "WeChat Pay refunds a payment in at most %(count)s parts. Pay the rest back in"
                " another way.",
                count=MAX_REFUNDS,
            ))
        paid_on = self.wechat_success_time or self.last_state_change or self.create_date
        if paid_on < fields.Datetime.subtract(fields.Datetime.now(), days=MAX_REFUND_DAYS):
            raise UserError(self.env._(
                "The payment is more than a year old; WeChat Pay no longer refunds it. Pay the"
                " money back in another way."
            ))
        done = -sum(refunds.filtered(lambda tx: tx.state == 'done').mapped('amount'))
        under_way = -sum(refunds.mapped('amount')) - done
        rest = self.currency_id.round(self.amount - done - under_way)
        if self.currency_id.compare_amounts(amount, rest) > 0:
            raise UserError(self.env._(
                "%(amount)s cannot be refunded: of the payment of %(total)s, %(done)s went back"
                " already and %(open)s is under way. At most %(rest)s is left.",
                amount=self.currency_id.format(amount),
                total=self.currency_id.format(self.amount),
                done=self.currency_id.format(done),
                open=self.currency_id.format(under_way),
                rest=self.currency_id.format(rest),
            ))

    # === BUSINESS METHODS - REFUNDS: THE CALL === #

    def _refund(self, amount_to_refund=None):
        """Override of `payment` to refund no more than is left, whoever else refunds at once."""
        if self.provider_code == 'wechat_pay':
            amount = self.amount if amount_to_refund is None else amount_to_refund
            amount_to_refund = self.currency_id.round(amount)
            self._wechat_check_refund(amount_to_refund)
        return super()._refund(amount_to_refund=amount_to_refund)

    def _create_child_transaction(self, amount, is_refund=False, **custom_create_values):
        """Override of `payment` to hand on whose payment it is."""
        if self.provider_code == 'wechat_pay':
            custom_create_values = {'wechat_purpose': self.wechat_purpose, **custom_create_values}
        return super()._create_child_transaction(
            amount, is_refund=is_refund, **custom_create_values,
        )

    def _send_refund_request(self):
        """Override of `payment` to send a refund to WeChat Pay.

        The number and the body are committed before the call, and what becomes of it right after:
        Odoo may run a button's request again after a serialization failure, and a second run would
        make a second refund. So from the commit on, nothing that fails may reach the caller.
        """
        if self.provider_code != 'wechat_pay':
            return super()._send_refund_request()

        self.sudo().write({
            'wechat_api_version': self.source_transaction_id._wechat_get_api_version(),
            'wechat_refund_body': self._wechat_serialize_refund(),
        })
        is_sent = self._wechat_claim_refund_turn()
        self._wechat_commit()
        if is_sent:
            self._wechat_request_refund()
        return None

    def _wechat_serialize_refund(self):
        """Return what the refund call says, in the version that the payment was made with.

        :return: A JSON document: the body of v3, or the parameters of v2, which are signed anew
            each time that they are sent.
        :rtype: str
        :raise WeChatError: `misconfigured` if the call cannot be made as things are.
        """
        self.ensure_one()
        provider, source = self.provider_id.sudo(), self.source_transaction_id
        body = self._wechat_build_refund()
        if source._wechat_get_api_version() == 'v2':
            body = provider._wechat_build_v2_refund(body, source.sudo().wechat_app_id)
        return provider._wechat_serialize(body)

    def _wechat_build_refund(self):
        """Return the body of the refund call (A6.1).

        :rtype: dict
        :raise WeChatError: `misconfigured` if the notification address is none that WeChat Pay can
            call: without it, the notification would come in the format of the old interface.
        """
        self.ensure_one()
        source = self.source_transaction_id
        notify_url = self.provider_id._wechat_get_notify_url()
        if not self.provider_id._wechat_is_public_base_url(notify_url):
            raise self.provider_id.sudo()._wechat_misconfigured('notify_url', notify_url)
        body = {
            'out_trade_no': source.reference,
            'out_refund_no': self.reference,
            'notify_url': notify_url,
            'amount': {
                'refund': amounts.to_fen(-self.amount),
                'total': amounts.to_fen(source.amount),
                'currency': self.currency_id.name,
            },
        }
        if sub_mchid := self.provider_id.sudo().wechat_sub_mch_id:
            body['sub_mchid'] = sub_mchid
        if reason := self.env.context.get('wechat_refund_reason'):
            body['reason'] = reason
        return body

    def _wechat_request_refund(self):
        """Make the refund call, whose number is committed, and keep what it leads to.

        Nothing is raised: what is not known now is found by the scheduled action.

        :return: None
        """
        self.ensure_one()
        tx = self.sudo()
        try:
            if tx.wechat_api_version == 'v2':
                answer = tx.provider_id._wechat_send_v2_refund(json.loads(tx.wechat_refund_body))
            else:
                answer = tx.provider_id._wechat_request(
                    'POST', REFUND_PATH, payload=tx.wechat_refund_body,
                )
        except (WeChatPayRefused, WeChatPayNotTaken) as error:
            tx._wechat_keep(tx._wechat_handle_refused_refund, error)
        except WeChatError as error:
            tx._wechat_keep(tx._wechat_handle_unknown_refund, error)
        else:
            tx._wechat_keep(tx._wechat_accept_refund, answer)
            if answer.get('status') != 'PROCESSING':
                # Acceptance is no result, but there may be one already: ask for it.
                tx._wechat_keep(tx._wechat_try_query_refund)

    def _wechat_keep(self, step, *args):
        """Run a step and commit it; if somebody else is at the row, leave it to the next query.

        :param callable step: What to run.
        :return: None
        """
        try:
            step(*args)
            self._wechat_commit()
        except psycopg2.OperationalError as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.warning("Refund %s is left to the next query: %s", self.reference, error)

    def _wechat_accept_refund(self, answer):
        """Note that WeChat Pay took the refund. That is not yet the refund (A6.1).

        :param dict answer: The verified answer.
        :return: None
        """
        self._wechat_lock()
        if problem := self._wechat_find_refund_mismatch(answer):
            self._wechat_alert(problem)
            self._set_pending(extra_allowed_states=('error',))
            return
        if self.state not in ('draft', 'pending', 'error'):
            return  # The notification was faster.
        self.write({
            'wechat_refund_id': answer['refund_id'],
            'provider_reference': answer['refund_id'],
            'wechat_refund_status': 'PROCESSING',
            'wechat_refund_sent': fields.Datetime.now(),  # From when WeChat Pay counts the minute.
        })
        if self.state != 'pending':
            self._set_pending(extra_allowed_states=('error',))
        else:
            self.state_message = False
        self.wechat_query_count = 0
        self._wechat_schedule_query()

    def _wechat_handle_refused_refund(self, error):
        """Settle a refund whose call was refused: WeChat Pay is asked before it is believed.

        Errors are not signed, and an earlier call under this number may have arrived (A6.4).

        :param WeChatPayRefused|WeChatPayNotTaken error: The refusal.
        :return: None
        """
        try:
            refund = self._wechat_query_refund()
        except WeChatError as query_error:
            _logger.warning("Could not query refund %s: %s", self.reference, query_error)
            self._wechat_handle_unknown_refund(error)
            return
        if refund or self.state not in ('draft', 'pending'):
            return
        message = self._wechat_describe_refused_refund(error)
        self._wechat_lock()
        self._set_error(message)
        self.wechat_next_query = False
        self._wechat_alert(message, note=False)  # The state's message is on the document already.

    def _wechat_describe_refused_refund(self, error):
        """Return what a refusal means for a clerk, in their language.

        :param WeChatPayRefused|WeChatPayNotTaken error: The refusal.
        :rtype: str
        """
        status, code = getattr(error, 'status', 200), getattr(error, 'wechat_code', '')
        if status == 200:  # What v2 answers to everything, and v3 to no refusal.
            advice, code = v2_errors.get_refund_advice(code), code or 'return_code FAIL'
        else:
            advice, code = errors.get_refund_advice(status, code), code or f'HTTP {status}'
        return self.env._(
            "%(advice)s (WeChat Pay: %(code)s)",
            advice=advice.zh if (self.env.lang or '').startswith('zh') else advice.en,
            code=code,
        )

    def _wechat_handle_unknown_refund(self, error):
        """Keep a refund pending whose outcome is not known: a time-out is not a refusal.

        :param WeChatError error: What went wrong.
        :return: None
        """
        self._wechat_lock()
        if self.state not in ('draft', 'pending'):
            return
        if not self.wechat_refund_id:
            message = self.env._(
                "It is not known yet whether WeChat Pay took this refund: %(error)s It is asked"
                " for under the same number until it is known. Do not refund anew.",
                error=str(error),
            )
            if self.state == 'draft':
                self._set_pending(state_message=message)
            else:
                self.state_message = message
        if not self.wechat_next_query:
            self._wechat_schedule_query()

    def _wechat_repeat_refund(self):
        """Ask for the refund, and send it again to the letter if WeChat Pay has never seen it.

        A refund that was made within a minute of another one waits, and is not asked for.

        :return: None
        :raise UserError: If the payment has not that much left, as another refund was made.
        :raise WeChatError: If WeChat Pay does not say whether it knows the refund.
        """
        self.ensure_one()
        if not self._wechat_is_waiting_refund() and self._wechat_query_refund():
            return
        if not self.wechat_refund_body or self.state not in ('draft', 'pending', 'error'):
            return
        if self.wechat_refund_id:
            self._wechat_alert(self.env._(
                "WeChat Pay took this refund as %(number)s and now does not know it. Look for it"
                " on pay.weixin.qq.com, Transaction Center ▸ Refunds.",
                number=self.wechat_refund_id,
            ))
            return
        self.source_transaction_id._wechat_check_refund(-self.amount, repeated=self)
        if self.state == 'error':
            # Counted again before the call, so that nobody else takes this part of the payment.
            self._set_pending(extra_allowed_states=('error',))
        is_sent = self._wechat_claim_refund_turn()
        self._wechat_commit()
        if is_sent:
            self._wechat_request_refund()
