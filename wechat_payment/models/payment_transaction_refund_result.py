# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, models
from odoo.fields import Datetime

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.protocol import amounts
from odoo.addons.wechat_payment.protocol.refunds import REFUND_EVENTS

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# Ends the alert about an abnormal refund, so that it is taken away when the refund goes on.
ABNORMAL_MARK = '(ABNORMAL)'
# How a refund names whose it is: a merchant, or a service provider and its sub-merchant.
MERCHANT_NAMES = ('mchid', 'sp_mchid', 'sub_mchid')


class PaymentTransaction(models.Model):
    """What WeChat Pay makes of refunds: queries and notifications."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - WECHAT PAY CALLS === #

    def _wechat_query_refund(self):
        """Ask WeChat Pay for the refund and apply what it says (A6.2).

        :return: WeChat Pay's refund; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        refund = self.provider_id._wechat_fetch_refund(
            self.reference, self._wechat_get_api_version(),
        )
        if refund:
            self._wechat_apply_refund(refund)
        return refund

    def _wechat_try_query_refund(self):
        """Ask WeChat Pay for the refund now if it can be; else it is asked on the plan.

        :return: None
        """
        try:
            self._wechat_query_refund()
        except WeChatError as error:
            _logger.warning("Could not query refund %s: %s", self.reference, error)

    # === BUSINESS METHODS - PROCESSING === #

    @api.model
    def _extract_reference(self, provider_code, payment_data):
        """Override of `payment` to extract the reference from a refund of WeChat Pay."""
        if provider_code == 'wechat_pay' and payment_data.get('out_refund_no'):
            return payment_data['out_refund_no']
        return super()._extract_reference(provider_code, payment_data)

    def _extract_amount_data(self, payment_data):
        """Override of `payment` to extract the amount of a refund."""
        if self.provider_code != 'wechat_pay' or self.operation != 'refund':
            return super()._extract_amount_data(payment_data)

        # What goes back of the order; `payer_refund` is less if coupons were used. A notification
        # tells no currency: a refund has its payment's.
        amount = payment_data.get('amount') or {}
        return {
            'amount': float(amounts.to_yuan(amount.get('refund') or 0)),
            'currency_code': amount.get('currency') or self.currency_id.name,
        }

    def _apply_updates(self, payment_data):
        """Override of `payment` to update a refund from what WeChat Pay says of it."""
        if self.provider_code != 'wechat_pay' or self.operation != 'refund':
            super()._apply_updates(payment_data)
            return

        status = payment_data.get('refund_status') or payment_data.get('status')
        previous_status = self.wechat_refund_status
        was_canceled = self.state == 'cancel'
        if was_canceled and status != 'SUCCESS':
            return

        # Update the provider reference.
        self.write({
            'wechat_refund_id': payment_data['refund_id'],
            'provider_reference': payment_data['refund_id'],
            'wechat_refund_status': status,
        })

        # Update the refund state.
        if self.state == 'pending':
            self.state_message = False  # That it was not known, or waited, is no longer so.
        if status != 'ABNORMAL':
            self._wechat_drop_abnormal_alert()
        if status == 'SUCCESS':
            self.wechat_next_query = False
            self._set_done(extra_allowed_states=('cancel',))
            if was_canceled:
                self._wechat_alert(self.env._(
                    "WeChat Pay had given up refund %(reference)s and has now carried it out. If"
                    " another refund was made in its place, the customer got the money twice.",
                    reference=self.reference,
                ))
        elif status in ('CLOSED', 'CLOSE'):
            self.wechat_next_query = False
            self._set_canceled(
                state_message=self.env._(
                    "WeChat Pay gave this refund up: the merchant account did not hold enough money"
                    " for seven days, or the refund was closed. Nothing was paid back. Top up the"
                    " account and refund anew."
                ),
                extra_allowed_states=('error',),
            )
        elif status == 'PROCESSING':
            self._set_pending(extra_allowed_states=('error',))
        elif status == 'ABNORMAL':
            self._set_pending(extra_allowed_states=('error',))
            if previous_status != 'ABNORMAL':
                self._wechat_alert(f'{self._wechat_describe_abnormal_refund()} {ABNORMAL_MARK}')
        else:
            _logger.warning(
                "Received an unknown refund status (%s) for refund %s.", status, self.reference,
            )

    def _wechat_describe_abnormal_refund(self):
        """Return what is to be done about an abnormal refund: API v2 cannot complete it (A6.3).

        :rtype: str
        """
        if self.wechat_is_completed_by_hand:
            return self.env._(
                "Refund %(reference)s could not be paid back the way the money came: the customer's"
                " bank card or account does not take it. Complete it on pay.weixin.qq.com,"
                " Transaction Center ▸ Refunds: with API v2 it cannot be done from here.",
                reference=self.reference,
            )
        return self.env._(
            "Refund %(reference)s could not be paid back the way the money came: the customer's"
            " bank card or account does not take it. Press Complete Abnormal Refund, or do it on"
            " pay.weixin.qq.com, Transaction Center ▸ Refunds.",
            reference=self.reference,
        )

    def _wechat_drop_abnormal_alert(self):
        """Take the alert about an abnormal refund away: the refund went on.

        :return: None
        """
        if self.wechat_alert and self.wechat_refund_status != 'ABNORMAL':
            alerts = self.wechat_alert.split('\n')
            self.wechat_alert = '\n'.join(a for a in alerts if not a.endswith(ABNORMAL_MARK))

    def _wechat_apply_refund(self, refund):
        """Apply a refund that WeChat Pay told, by a notification or an answer, once.

        All paths meet here, as with orders in :meth:`_wechat_apply_order`.

        :param dict refund: The verified refund of WeChat Pay (A6.1, A7.1).
        :return: None
        """
        self.ensure_one()
        self._wechat_lock()
        tx = self.sudo()
        if problem := tx._wechat_find_refund_mismatch(refund):
            tx._wechat_alert(problem)
            return
        if tx.state == 'done':
            return  # Never backwards, and never twice.
        previous_state = tx.state
        tx._process('wechat_pay', refund)
        if tx.state in ('done', 'cancel') and tx.state != previous_state:
            tx._wechat_trigger_post_processing()
            tx._wechat_on_result('refund', refund)

    def _wechat_find_refund_mismatch(self, refund):
        """Return what in a verified refund does not agree with this refund, or `None`.

        :param dict refund: The refund of WeChat Pay (A6.1, A7.1).
        :return: A text for the administrator.
        :rtype: str|None
        """
        expected = {
            'out_refund_no': self.reference,
            'amount.refund': amounts.to_fen(-self.amount),
        }
        if self.wechat_refund_id:
            expected['refund_id'] = self.wechat_refund_id
        return self.source_transaction_id._wechat_find_refund_differences(refund, expected)

    def _wechat_find_refund_differences(self, refund, expected):
        """Return what in a verified refund does not agree with this payment, or `None`.

        :param dict refund: The refund of WeChat Pay (A6.1, A7.1).
        :param dict expected: What else is known of the refund, by name.
        :return: A text for the administrator.
        :rtype: str|None
        """
        amount = refund.get('amount')
        amount = amount if isinstance(amount, dict) else {}
        found = {
            name: refund.get(name)
            for name in ('out_refund_no', 'out_trade_no', 'transaction_id', 'refund_id')
        } | {name: refund.get(name) for name in MERCHANT_NAMES} | {
            f'amount.{name}': value if type(value := amount.get(name)) is int else None
            for name in ('refund', 'total')
        } | {'amount.currency': amount.get('currency')}
        expected = {
            **expected,
            'out_trade_no': self.reference,
            'amount.total': amounts.to_fen(self.amount),
        }
        if self.state == 'done' and self.provider_reference:
            expected['transaction_id'] = self.provider_reference
        # In v3 only notifications tell the merchant, and only answers the currency (A7.1).
        if 'refund_status' in refund or any(name in refund for name in MERCHANT_NAMES):
            expected |= self.provider_id.sudo()._wechat_get_merchant_query()
        if 'currency' in amount:
            expected['amount.currency'] = self.currency_id.name
        for name in ('transaction_id', 'refund_id'):
            if name not in expected and not (found[name] and isinstance(found[name], str)):
                expected[name] = self.env._("a number")
        differences = self._wechat_describe_differences(expected, found)
        if not differences:
            return None
        return self.env._(
            "WeChat Pay reported refund %(number)s in state %(state)s, but it does not agree with"
            " this transaction: %(differences)s. Nothing was changed. Compare it with"
            " pay.weixin.qq.com, Transaction Center ▸ Refunds.",
            number=refund.get('out_refund_no') or refund.get('refund_id'),
            state=refund.get('refund_status') or refund.get('status'),
            differences=differences,
        )

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    def _wechat_process_refund_notification(self, provider, event_type, refund):
        """Apply the refund of a verified and decrypted notification.

        :param payment.provider provider: The provider whose address was notified.
        :param str event_type: One of `REFUND_EVENTS`.
        :param dict refund: The decrypted refund (A7.1).
        :return: None
        """
        tx = self._wechat_find_refund(provider, refund)
        source = tx.source_transaction_id or self._wechat_find_notified(
            provider, refund.get('out_trade_no'),
        )
        if not source:
            # Another database may share the merchant; telling so would only help who guesses.
            _logger.warning(
                "WeChat Pay notified refund %s of the unknown order %s.",
                refund.get('out_refund_no'), refund.get('out_trade_no'),
            )
            return
        source = source._wechat_in_company_language()
        tx = tx.with_env(source.env)
        if refund.get('refund_status') not in REFUND_EVENTS[event_type]:
            (tx or source)._wechat_alert(source.env._(
                "WeChat Pay notified refund %(number)s as %(event)s in state %(state)s, which"
                " contradict each other. Nothing was changed.",
                number=refund.get('out_refund_no'), event=event_type,
                state=refund.get('refund_status'),
            ))
            return
        source = source.with_context(wechat_answer_first=True)
        tx = tx or source._wechat_adopt_refund(refund)
        if tx:
            tx.with_context(wechat_answer_first=True)._wechat_apply_refund(refund)

    @api.model
    def _wechat_find_refund(self, provider, refund):
        """Return the refund that WeChat Pay tells of, if it is known here.

        :rtype: payment.transaction
        """
        out_refund_no = refund.get('out_refund_no')
        if not isinstance(out_refund_no, str):
            return self.browse()
        return self.sudo().search([
            ('reference', '=', out_refund_no), ('provider_id', '=', provider.id),
            ('operation', '=', 'refund'),
        ], limit=1)

    # === BUSINESS METHODS - REFUNDS MADE ELSEWHERE === #

    def _wechat_adopt_refund(self, refund):
        """Return a refund of this payment that was made outside Odoo, as a transaction, once.

        :param dict refund: The verified refund (A6.1, A7.1).
        :return: The refund, still to be applied; empty if it does not agree with the payment.
        :rtype: payment.transaction
        """
        self.ensure_one()
        self._wechat_lock_refunds()
        known = self._wechat_find_refund(self.provider_id, refund)
        if known:
            return known
        problem = self._wechat_find_refund_differences(refund, {})
        out_refund_no = refund.get('out_refund_no')
        fen = (refund.get('amount') or {}).get('refund')
        if not problem and (
            not isinstance(out_refund_no, str)
            or not re.fullmatch(r'[0-9A-Za-z_\-|*@]{1,64}', out_refund_no)
            or type(fen) is not int or not 0 < fen <= amounts.to_fen(self.amount)
            or self.sudo().search_count([('reference', '=', out_refund_no)], limit=1)
        ):
            problem = self.env._(
                "WeChat Pay reported refund %(number)s over %(fen)s fen, which was not made here"
                " and cannot be recorded. Compare it with pay.weixin.qq.com, Transaction Center ▸"
                " Refunds.",
                number=out_refund_no, fen=fen,
            )
        if problem:
            self._wechat_alert(problem)
            return self.browse()
        amount = float(amounts.to_yuan(fen))
        if self.currency_id.compare_amounts(amount, self._wechat_get_refundable_amount()) > 0:
            self._wechat_alert(self.env._(
                "Refund %(number)s was made outside Odoo. Together with the other refunds of this"
                " payment it is more than the payment: look whether one of them is still to be"
                " stopped.",
                number=out_refund_no,
            ))
        tx = self._create_child_transaction(
            amount, is_refund=True, reference=out_refund_no, wechat_is_external_refund=True,
            wechat_refund_sent=Datetime.now(),
        )
        tx._wechat_schedule_query()
        self._log_message_on_linked_documents(self.env._(
            "%(amount)s was refunded outside Odoo, under number %(number)s.",
            amount=self.currency_id.format(amount), number=out_refund_no,
        ))
        if self.state != 'done':
            self._wechat_ask_soon()  # What is refunded was paid: the notification is late or lost.
        return tx

    def _wechat_ask_soon(self):
        """Have WeChat Pay asked for these transactions by the scheduled action, as soon as it can.

        :return: None
        """
        self.wechat_next_query = Datetime.now()
        self._wechat_trigger_cron('wechat_payment.cron_wechat_settle')

    def _wechat_find_unknown_refund(self, out_refund_no):
        """Ask WeChat Pay for a refund of this payment by its number, and record it.

        :param str out_refund_no: The merchant's number of the refund, as the console shows it.
        :return: The refund; empty if WeChat Pay does not know it, or it belongs elsewhere.
        :rtype: payment.transaction
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        self.ensure_one()
        refund = self.provider_id._wechat_fetch_refund(
            out_refund_no, self._wechat_get_api_version(),
        )
        if not refund:
            return self.browse()
        tx = self._wechat_adopt_refund(refund)
        if tx:
            tx._wechat_apply_refund(refund)
        return tx
