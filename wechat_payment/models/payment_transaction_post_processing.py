# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2
from dateutil import relativedelta

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# As long as core retries the post-processing of a transaction.
RETRY_DAYS = 4


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - POST-PROCESSING === #

    @api.model
    def _wechat_get_retry_domain(self):
        """Return the domain of transactions that are young enough to be tried again.

        :rtype: list
        """
        retry_limit = fields.Datetime.now() - relativedelta.relativedelta(days=RETRY_DAYS)
        return [('last_state_change', '>=', retry_limit)]

    def _log_received_message(self):
        """Override of `payment` to leave the message for later while WeChat Pay waits."""
        if not self.env.context.get('wechat_answer_first'):
            return super()._log_received_message()
        wechat_txs = self.filtered(lambda tx: tx.provider_code == 'wechat_pay')
        wechat_txs.wechat_is_message_pending = True
        return super(PaymentTransaction, self - wechat_txs)._log_received_message()

    def _post_process(self):
        """Override of `payment` to post the messages that a notification left out."""
        pending_txs = self.filtered('wechat_is_message_pending')
        if pending_txs:
            pending_txs.wechat_is_message_pending = False
            pending_txs.with_context(wechat_answer_first=False)._log_received_message()
        super()._post_process()
        self._wechat_create_missing_payments()

    def _wechat_create_missing_payments(self):
        """Create the accounting payments that core leaves out as a refund was faster.

        Core takes done children for parts of a capture and makes no payment for their source. Here
        children are refunds, and one may be done before the payment itself is processed.

        :return: None
        """
        if 'payment_id' not in self._fields:  # Accounting is not installed.
            return
        for tx in self:
            children = tx.child_transaction_ids
            if (
                tx.provider_code == 'wechat_pay' and tx.state == 'done' and not tx.payment_id
                and children and set(children.mapped('operation')) == {'refund'}
            ):
                tx.with_company(tx.company_id)._create_payment()

    def _cron_post_process(self):
        """Override of `payment` to show what fails after a payment, and to do the rest anyway.

        A mail that cannot be made must not keep a paid order unconfirmed: the second try leaves
        the mail out, tells so on the transaction, and the mail is tried again later.
        """
        txs = self or self.search(
            [('is_post_processed', '=', False), *self._wechat_get_retry_domain()]
        )
        unsent_txs = self.browse() if self else self.search(
            [('wechat_is_mail_unsent', '=', True), *self._wechat_get_retry_domain()]
        )
        # Payments before their refunds.
        wechat_txs = txs.filtered(lambda tx: tx.provider_code == 'wechat_pay').sorted('id')
        other_txs = txs - wechat_txs
        for tx in wechat_txs:
            tx._wechat_post_process()
        unsent_txs._wechat_retry_mail()
        if other_txs:  # Called without any, core would search for all.
            return super(PaymentTransaction, other_txs)._cron_post_process()
        return None

    def _wechat_post_process(self):
        """Post-process one transaction and commit, with mails if possible, else without.

        :return: None
        """
        self.ensure_one()
        error = self._wechat_try(self._post_process)
        if not error:
            return
        without_mail = self.with_context(wechat_without_mail=True)
        second_error = self._wechat_try(without_mail._post_process)
        self.write({
            'wechat_post_process_error': error,
            'wechat_is_mail_unsent': not second_error and self.state == 'done',
        })
        if not second_error:
            self._log_message_on_linked_documents(self.env._(
                "The mail to the customer could not be sent and is tried again: %(error)s",
                error=error,
            ))
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _wechat_try(self, step):
        """Run a step and commit; roll it back if it fails.

        :param callable step: What to run.
        :return: What went wrong, or an empty text.
        :rtype: str
        """
        self.ensure_one()
        try:
            step()
            if self.wechat_post_process_error:
                self.wechat_post_process_error = False
            self.env.cr.commit()  # pylint: disable=invalid-commit
        except psycopg2.OperationalError:
            # Somebody else is at it: nothing to tell, tried again by the next run.
            self.env.cr.rollback()
            self.env.invalidate_all()
            return ''
        except Exception as exception:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.exception("Post-processing of transaction %s failed.", self.reference)
            return f'{type(exception).__name__}: {exception}'
        return ''

    def _wechat_retry_mail(self):
        """Try again to send the mails that post-processing had to leave out.

        :return: None
        """
        for tx in self:
            error = tx._wechat_try(tx._wechat_send_unsent_mail)
            if error:
                tx.wechat_post_process_error = error
                tx.env.cr.commit()  # pylint: disable=invalid-commit

    def _wechat_send_unsent_mail(self):
        """Send the mails that post-processing left out; the bridges know which.

        Note: `self.ensure_one()` from :meth:`_wechat_retry_mail`.

        :return: None
        """
        self.wechat_is_mail_unsent = False
