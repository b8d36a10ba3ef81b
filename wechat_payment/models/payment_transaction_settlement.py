# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# How long after a payment it is looked for refunds that were made outside Odoo, and how often.
LOOK_DAYS = 30
LOOK_HOURS = 20


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - STATUS === #

    @api.model
    def _wechat_get_status(self, reference):
        """Return the state of a payment to the user who asked for it, after asking WeChat Pay.

        What a client says of a payment is for display only: WeChat Pay is asked, at most once per
        2 s and transaction. If it does not answer, the state is the one known here.

        :param str reference: The transaction's reference.
        :return: {reference, state, state_message}
        :rtype: dict
        :raise WeChatError: `bad_request` for a reference that the user has not been given.
        """
        tx = self.sudo().search(
            [('reference', '=', reference), ('wechat_user_id', '=', self.env.uid)], limit=1,
        )
        if not tx:
            raise WeChatError(
                self.env._("You have no payment with this reference."), code='bad_request',
            )
        if tx._wechat_is_open() and tx._wechat_claim_query():
            try:
                tx._wechat_query()
            except WeChatError as error:
                _logger.warning("Could not query transaction %s: %s", tx.reference, error)
        return {
            'reference': tx.reference,
            'state': tx.state,
            'state_message': tx.state_message or '',
        }

    def _wechat_claim_query(self):
        """Tell whether WeChat Pay may be asked now, and make other servers know that it was.

        :rtype: bool
        """
        self.ensure_one()
        now = fields.Datetime.now()
        earliest = fields.Datetime.subtract(now, seconds=const.STATUS_INTERVAL)
        if self.wechat_last_query and self.wechat_last_query > earliest:
            return False
        self.wechat_last_query = now
        self._wechat_commit()
        return True

    # === BUSINESS METHODS - CRON === #

    @api.model
    def _cron_wechat_settle(self):
        """Ask WeChat Pay for what no notification settled, and close what has expired.

        :return: None
        """
        domain = [('wechat_next_query', '<=', fields.Datetime.now())]
        due = self.search(domain, order='wechat_next_query', limit=100)
        remaining = self.search_count(domain)
        for tx in due:
            if not tx.try_lock_for_update():
                continue  # Another server is at it.
            # Claimed and committed before the call: other servers leave it alone, and nobody waits
            # for the row while WeChat Pay is asked.
            tx = tx._wechat_in_company_language()
            is_open = tx._wechat_is_unsettled()
            if is_open:
                tx.wechat_query_count += 1
                tx.wechat_last_query = fields.Datetime.now()
                tx._wechat_schedule_query()
            else:
                tx.wechat_next_query = False
            remaining -= 1
            time_left = self.env['ir.cron']._commit_progress(1, remaining=remaining)
            if is_open:
                try:
                    tx._wechat_settle()
                    self.env['ir.cron']._commit_progress()
                except (WeChatError, psycopg2.OperationalError) as error:
                    self.env.cr.rollback()  # Asked again on the plan.
                    self.env.invalidate_all()
                    _logger.warning("Could not settle transaction %s: %s", tx.reference, error)
            if not time_left:
                break

    def _wechat_is_unsettled(self):
        """Tell whether the scheduled action has something to ask for this transaction.

        Beside what is open: an order that was given up here may still be paid at WeChat Pay (D22).

        :rtype: bool
        """
        self.ensure_one()
        return self._wechat_is_open() or self._wechat_is_open_refund() or (
            self.provider_code == 'wechat_pay'
            and self.operation != 'refund'
            and self.state in ('cancel', 'error')
            and bool(self.sudo().wechat_order_body)
        ) or bool(self.sudo().wechat_told_refunds)

    def _wechat_settle(self):
        """Ask for this order or refund; close an order first if it can no longer be paid.

        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        self.ensure_one()
        if self.operation == 'refund':
            self._wechat_settle_refund()
            return
        if self.wechat_told_refunds:
            self._wechat_find_told_refunds()
            if not self._wechat_is_unsettled():
                self.wechat_next_query = False
                return
        if self._wechat_is_code_payment():
            self._wechat_step_code()
            return
        is_open = self._wechat_is_open()
        is_payable = is_open and self.wechat_time_expire > fields.Datetime.now()
        if is_payable and not self.wechat_is_close_pending:
            self._wechat_query()
            return
        order = self._wechat_close()
        if not order:
            self.wechat_next_query = False
            if self._wechat_is_open():
                self._set_canceled(state_message=self.env._(
                    "Expired; the order had never reached WeChat Pay."
                ))
                self._wechat_on_result('payment', {})

    def _wechat_settle_refund(self):
        """Ask for this refund; send it again to the letter if WeChat Pay has never seen it.

        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        try:
            self._wechat_repeat_refund()
        except WeChatError:
            raise
        except UserError as error:
            # Too old by now, or more was refunded elsewhere: it may no longer be sent.
            self._wechat_lock()
            if self.state in ('draft', 'pending'):
                self._set_error(str(error))
                self._wechat_alert(str(error), note=False)
                self.wechat_next_query = False

    @api.model
    def _cron_wechat_look_for_refunds(self):
        """Ask once a day for recent payments: money may have been paid back outside Odoo.

        WeChat Pay tells of an order that something of it was refunded, not what: that comes with a
        notification, with the bill, or from a person who is told to look.

        :return: None
        """
        now = fields.Datetime.now()
        domain = [
            ('provider_code', '=', 'wechat_pay'), ('operation', '!=', 'refund'),
            ('state', '=', 'done'), ('wechat_trade_state', '=', 'SUCCESS'),
            ('wechat_success_time', '>=', fields.Datetime.subtract(now, days=LOOK_DAYS)),
            '|', ('wechat_last_query', '=', False),
            ('wechat_last_query', '<', fields.Datetime.subtract(now, hours=LOOK_HOURS)),
        ]
        due = self.search(domain, order='wechat_success_time', limit=200)
        remaining = self.search_count(domain)
        for tx in due:
            if not tx.try_lock_for_update():
                continue
            tx.wechat_last_query = fields.Datetime.now()
            remaining -= 1
            time_left = self.env['ir.cron']._commit_progress(1, remaining=remaining)
            try:
                tx._wechat_in_company_language()._wechat_query()
                self.env['ir.cron']._commit_progress()
            except (WeChatError, psycopg2.OperationalError) as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                _logger.warning("Could not look for refunds of %s: %s", tx.reference, error)
            if not time_left:
                break

    @api.model
    def _wechat_ask_for_refunds(self, provider):
        """Ask soon for the open refunds of a provider, each at most once a minute.

        For a message that says that there is news of a refund, and cannot be believed. Recent
        payments are looked at as well, each at most once a day.

        :param payment.provider provider: The provider.
        :return: None
        """
        earliest = fields.Datetime.subtract(fields.Datetime.now(), minutes=1)
        txs = self.sudo().search([
            ('provider_id', '=', provider.id), ('operation', '=', 'refund'),
            ('state', 'in', ('draft', 'pending')), ('wechat_next_query', '>', earliest),
            '|', ('wechat_last_query', '=', False), ('wechat_last_query', '<', earliest),
            ('create_date', '<', earliest),
        ], limit=100)
        if txs:
            txs._wechat_ask_soon()
        self._wechat_trigger_cron('wechat_payment.cron_wechat_look_for_refunds')
