# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pushed messages: each handled once, answered in time or later (wechat-platform.md, 7.3).

WeChat waits five seconds and then sends the message again. A message is therefore committed before
anything else; its handler runs beside the request, in a transaction that holds the lock of the row.
Whoever gets a second delivery waits for that lock: it finds the reply, or, if the first server was
killed, handles the message itself. What nobody came back for is taken up by a cron.
"""

import json
import logging
import threading
from functools import partial

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import api, fields, models
from odoo.api import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.sql_db import Cursor
from odoo.tools import SQL

from odoo.addons.wechat.protocol import replies
from odoo.addons.wechat.protocol.messages import Message
from odoo.addons.wechat.push_outcome import Outcome

_logger = logging.getLogger(__name__)

WAIT = 4.0  # seconds that a request waits for its handler; WeChat waits five
LOCK_TIMEOUT = '4s'
STORE_TRIES = 5
# Handlers beside their requests, per process. Past that, messages wait for the cron.
MAX_THREADS = 8

_threads = threading.BoundedSemaphore(MAX_THREADS)


class WechatPushMessage(models.Model):
    _name = 'wechat.push.message'
    _description = "Received WeChat Message"
    _order = 'id desc'
    _rec_name = 'msg_type'
    _log_access = False  # Written by SQL, in transactions of their own.

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, ondelete='cascade',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    key = fields.Char(
        help="What tells the message from every other one of the app.", required=True,
        readonly=True,
    )
    msg_type = fields.Char(string="Type", readonly=True)
    event = fields.Char(readonly=True)
    openid = fields.Char(string="openid", readonly=True)
    received_at = fields.Datetime(string="Received", required=True, readonly=True)
    is_body_signed = fields.Boolean(
        string="Vouched For",
        help="Whether WeChat vouches for the content. In plain mode it does not.",
        readonly=True,
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('new', "Waiting"),
            ('to_send', "Reply to be sent"),
            ('done', "Handled"),
            ('failed', "Failed"),
        ],
        required=True,
        readonly=True,
        default='new',
    )
    error = fields.Char(readonly=True)
    tries = fields.Integer(readonly=True, default=0)
    # People's words: kept until they are handled only.
    content = fields.Text(readonly=True, prefetch=False, groups='base.group_system')
    reply = fields.Text(readonly=True, prefetch=False, groups='base.group_system')

    _app_key_unique = models.Constraint(
        'UNIQUE (app_id, key)', "This message has been received already.",
    )
    _open_idx = models.Index("(received_at) WHERE state IN ('new', 'to_send')")
    _received_idx = models.Index('(app_id, received_at)')

    @api.depends('msg_type', 'event')
    def _compute_display_name(self):
        for message in self:
            message.display_name = message.event or message.msg_type

    # === ACTION METHODS === #

    def action_handle_again(self):
        """Have failed messages handled again by the cron."""
        self.check_access('read')
        self.env['wechat.app'].check_access('write')
        failed = self.sudo().filtered(lambda message: message.state == 'failed' and message.content)
        if not failed:
            raise UserError(self.env._(
                "There is nothing to handle again: the texts of messages are deleted once they are"
                " handled, and only what failed can be repeated."
            ))
        failed.write({'state': 'new', 'error': False, 'tries': 0})
        self.env.ref('wechat.cron_recover_push_messages').sudo()._trigger()

    # === TAKING === #

    @api.model
    def _take(self, app, message):
        """Handle a message unless it was handled before, and return what it is answered with.

        :param wechat.app app: The app that the message was pushed to.
        :param wechat.protocol.messages.Message message: The message.
        :return: The reply, if there is one and it is ready in time.
        :rtype: dict | None
        """
        row_id = self._store(app, message)
        outcome = Outcome(WAIT)
        if not isinstance(self.env.cr, Cursor):
            # The cursor of a test, which threads cannot share.
            self._handle(row_id, outcome)
            return outcome.wait()
        if not _threads.acquire(blocking=False):
            _logger.warning("Too many messages at once: message %s waits for the cron.", row_id)
            return None
        try:
            threading.Thread(
                target=self._handle_beside, args=(row_id, outcome), name=f'wechat.push.{row_id}',
                daemon=True,
            ).start()
        except RuntimeError:
            _threads.release()
            _logger.error("There are no more threads: message %s waits for the cron.", row_id)
            return None
        return outcome.wait()

    @api.model
    def _store(self, app, message):
        """Commit a message, if it is not there yet.

        :return: The id of its row.
        :rtype: int
        """
        for attempt in range(STORE_TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(SQL(
                        """
                        INSERT INTO wechat_push_message (
                            app_id, key, msg_type, event, openid, received_at, is_body_signed,
                            state, tries, content
                        ) VALUES (%s, %s, %s, %s, %s, %s, %s, 'new', 0, %s)
                        ON CONFLICT (app_id, key) DO NOTHING
                        """,
                        app.id, message.key, message.msg_type, message.event or None,
                        message.openid, fields.Datetime.now(), message.is_body_signed,
                        json.dumps(message, ensure_ascii=False),
                    ), log_exceptions=False)
                    cr.execute(SQL(
                        "SELECT id FROM wechat_push_message WHERE app_id = %s AND key = %s",
                        app.id, message.key,
                    ))
                    return cr.fetchone()[0]
            except SerializationFailure:  # Another server has just stored it.
                if attempt + 1 == STORE_TRIES:
                    raise
        return None

    # === HANDLING === #

    def _handle_beside(self, row_id, outcome):
        """Handle a message in a thread of its own. See :meth:`_handle`."""
        threading.current_thread().dbname = self.env.registry.db_name
        try:
            self._handle(row_id, outcome)
        finally:
            _threads.release()

    @api.model
    def _handle(self, row_id, outcome, wait=True):
        """Handle a message in a transaction of its own, if nobody has, and have it answered.

        Nothing is raised: what goes wrong is logged and shown with the message.

        :param int row_id: The message.
        :param Outcome outcome: Who waits for the reply.
        :param bool wait: Whether to wait for somebody else who is at it.
        """
        is_mine, reply = False, None
        try:
            with self.env.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                row = env[self._name].browse(row_id)
                is_mine = retrying(partial(row._handle_locked, outcome, wait), env)
                reply = row._get_passive_reply()
        except Exception as error:
            _logger.exception("Message %s could not be handled.", row_id)
            self._fail(row_id, error)
        if not outcome.deliver(reply) and is_mine and reply:
            # The commit took too long: the request has answered without the reply.
            self._execute(SQL(
                "UPDATE wechat_push_message SET state = 'to_send' WHERE id = %s AND state = 'done'",
                row_id,
            ))
        self._send_reply(row_id)  # wechat_push_message_late.py

    def _handle_locked(self, outcome, wait):
        """Handle a message under the lock of its row. See :meth:`_handle`.

        :return: Whether it was handled here.
        :rtype: bool
        """
        if not self._lock_new(wait):
            return False
        app = self._get_app()
        message = Message(json.loads(self.content), is_body_signed=self.is_body_signed)
        reply = replies.check(app._on_message(message))
        self.env.flush_all()
        state, error = self._decide_delivery(app, message, reply, outcome)
        self.env.cr.execute(SQL(
            """
            UPDATE wechat_push_message SET state = %s, error = %s, content = NULL, reply = %s
             WHERE id = %s
            """,
            state, error, json.dumps(reply, ensure_ascii=False) if reply else None, self.id,
        ))
        self.invalidate_recordset(flush=False)
        return True

    def _lock_new(self, wait):
        """Lock the row of a message that is to be handled.

        :param bool wait: Whether to wait for somebody else who is at it.
        :return: Whether it is locked; if not, it is handled already or being handled.
        :rtype: bool
        """
        cr = self.env.cr
        for _attempt in range(STORE_TRIES):
            cr.execute(SQL("SELECT state FROM wechat_push_message WHERE id = %s", self.id))
            if cr.fetchone() != ('new',):
                return False
            try:
                cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
                cr.execute(SQL(
                    "SELECT id FROM wechat_push_message WHERE id = %s FOR UPDATE %s",
                    self.id, SQL() if wait else SQL("NOWAIT"),
                ), log_exceptions=False)
                cr.execute(SQL("SET LOCAL lock_timeout TO DEFAULT"))
                return True
            except SerializationFailure:
                cr.rollback()  # Somebody has finished it: read what came of it.
            except LockNotAvailable:
                cr.rollback()
                return False
        return False

    def _get_app(self):
        """Return the app as its handlers get it: as superuser, with its company and language."""
        app = self.app_id
        return app.with_context(
            allowed_company_ids=app.company_id.ids,
            lang=app.lang or app.company_id.partner_id.lang,
        )

    def _decide_delivery(self, app, message, reply, outcome):
        """Decide how a reply reaches its receiver.

        :return: The state of the message, and what went wrong if something did.
        :rtype: tuple(str, str | None)
        """
        kind = reply and reply['MsgType']
        if not reply:
            return 'done', None
        if kind == 'transfer_customer_service':
            if message.msg_type == 'event':
                return 'failed', app.env._("An event cannot be handed over to customer service.")
            if outcome.claim():
                return 'done', None
            return 'failed', app.env._(
                "It took too long: the chat could not be handed over to customer service any more."
            )
        allowed = app._passive_reply_types()
        is_passive = kind not in replies.CUSTOMER_SERVICE_ONLY and (
            allowed is None or kind in allowed
        )
        return ('done' if is_passive and outcome.claim() else 'to_send'), None

    def _get_passive_reply(self):
        """Return what this message, and a second delivery of it, is answered with.

        :rtype: dict | None
        """
        return json.loads(self.reply) if self.state == 'done' and self.reply else None

    @api.model
    def _fail(self, row_id, error):
        """Store that a message could not be handled."""
        self._execute(SQL(
            """
            UPDATE wechat_push_message SET state = 'failed', error = %s
             WHERE id = %s AND state = 'new'
            """,
            self._error_text(error), row_id,
        ))

    @api.model
    def _error_text(self, error):
        """Return an exception as an administrator reads it."""
        text = str(error) if isinstance(error, UserError) else f'{type(error).__name__}: {error}'
        return text.replace('\0', '')[:500]

    @api.model
    def _execute(self, query):
        """Commit one query in a transaction of its own.

        :return: The first row that it returned, if it returns any.
        """
        for attempt in range(STORE_TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(query, log_exceptions=False)
                    return cr.fetchone() if cr.description else None
            except SerializationFailure:
                if attempt + 1 == STORE_TRIES:
                    raise
        return None
