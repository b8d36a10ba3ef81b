# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What becomes of pushed messages after their requests: late replies, recovery, deletion."""

import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.api import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.push_outcome import Outcome

RECOVERY_AGE = timedelta(seconds=30)
RECOVERY_TRIES = 3
SEND_TRIES = 5
REPLY_AGE = timedelta(hours=1)
MAX_AGE = timedelta(days=7)


class WechatPushMessage(models.Model):
    _inherit = 'wechat.push.message'

    # === LATE REPLIES === #

    @api.model
    def _send_reply(self, row_id):
        """Send a reply that was too late for the answer, or cannot be in it, if there is one.

        A message that may have arrived is not sent again.

        :param int row_id: The message.
        """
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                """
                SELECT id FROM wechat_push_message WHERE id = %s AND state = 'to_send'
                   FOR UPDATE SKIP LOCKED
                """, row_id,
            ))
            if not cr.rowcount:
                return
            row = api.Environment(cr, SUPERUSER_ID, {})[self._name].browse(row_id)
            state, error = 'done', None
            try:
                row._get_app()._send_customer_service_message(row.openid, json.loads(row.reply))
            except WeChatError as failure:
                is_worth_it = failure.code == 'wechat_busy' or (
                    isinstance(failure, WeChatUnknown) and not failure.sent
                )
                state = 'to_send' if is_worth_it and row.tries < SEND_TRIES else 'failed'
                error = self._error_text(failure)
            cr.execute(SQL(
                """
                UPDATE wechat_push_message
                   SET state = %s, error = %s, reply = CASE WHEN %s THEN reply END
                 WHERE id = %s
                """, state, error, state == 'to_send', row_id,
            ))

    # === CRONS === #

    @api.model
    def _cron_recover(self):
        """Handle what a server that was ended left behind, and send replies that are waiting."""
        waiting = self.search(
            [
                ('state', 'in', ('new', 'to_send')),
                ('received_at', '<', fields.Datetime.now() - RECOVERY_AGE),
            ],
            order='received_at, id',
        )
        self.env['ir.cron']._commit_progress(remaining=len(waiting))
        for row_id in waiting.ids:
            self._recover(row_id)
            if not self.env['ir.cron']._commit_progress(1):
                break

    @api.model
    def _recover(self, row_id):
        """Take up a message that nobody is at. One that ends its server every time is given up."""
        row = self._execute(SQL(
            """
            UPDATE wechat_push_message SET tries = tries + 1
             WHERE id = (
                SELECT id FROM wechat_push_message
                 WHERE id = %s AND state IN ('new', 'to_send') FOR UPDATE SKIP LOCKED
             )
            RETURNING state, tries
            """, row_id,
        ))
        if not row:
            return
        state, tries = row
        if state == 'to_send':
            self._send_reply(row_id)
        elif tries > RECOVERY_TRIES:
            self._fail(row_id, UserError(self.env._(
                "The server was ended each time while it handled this message."
            )))
        else:
            self._handle(row_id, Outcome(0), wait=False)

    @api.autovacuum
    def _gc_messages(self):
        """Delete what no second delivery asks for any more."""
        now = fields.Datetime.now()
        self.env.cr.execute(SQL(
            "DELETE FROM wechat_push_message WHERE received_at < %s", now - MAX_AGE,
        ))
        self.env.cr.execute(SQL(
            """
            UPDATE wechat_push_message SET reply = NULL
             WHERE reply IS NOT NULL AND state IN ('done', 'failed') AND received_at < %s
            """, now - REPLY_AGE,
        ))
