# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__)


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
            is_open = tx._wechat_is_open()
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

    def _wechat_settle(self):
        """Ask for this open order; close it first if it can no longer be paid.

        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        self.ensure_one()
        if self.wechat_time_expire > fields.Datetime.now():
            self._wechat_query()
            return
        order = self._wechat_close()
        if not order and self._wechat_is_open():
            self._set_canceled(state_message=self.env._(
                "Expired; the order had never reached WeChat Pay."
            ))
            self.wechat_next_query = False

    # === ACTION METHODS === #

    def action_wechat_query(self):
        """Ask WeChat Pay for the transaction, and say what it answered.

        :return: The notification for the administrator.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        tx = self.sudo()
        order = tx._wechat_query()
        if not order:
            message = self.env._("WeChat Pay has never seen this order.")
        else:
            message = self.env._(
                "WeChat Pay says: %(state)s %(description)s",
                state=order.get('trade_state'), description=order.get('trade_state_desc') or '',
            )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': tx.reference,
                'message': message,
                'type': 'info',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
