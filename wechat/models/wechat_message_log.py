# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is sent to people by WeChat: waiting, sent, and what became of it.

Nothing is sent twice: a message is claimed and the claim committed before the call. Whose outcome
is unknown is not sent again by itself (design.md, rule 4).
"""

import logging
import secrets
from datetime import datetime, timedelta, timezone

from markupsafe import Markup
from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.protocol import errcodes

_logger = logging.getLogger(__name__)

# Minutes until the next try, by the number of tries; then the message has failed.
RETRY_MINUTES = (1, 5, 30, 120)
# WeChat counts these per day, which begins at midnight in Beijing.
DAILY_LIMIT_ERRCODES = (45009, 44993)
# A claim older than this was left by a server that ended.
CLAIM_MINUTES = 15
# Failures that the next message of the same app would meet too.
APP_ERROR_WORDS = ('misconfigured', 'rate_limited', 'wechat_busy', 'wechat_unavailable')


class WechatMessageLog(models.Model):
    _name = 'wechat.message.log'
    _description = "WeChat Message"
    _order = 'id desc'
    _rec_name = 'template_id'

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(
        string="Company", related='app_id.company_id', store=True, index=True,
    )
    template_id = fields.Many2one(
        comodel_name='wechat.message.template', readonly=True, index='btree_not_null',
        ondelete='set null',
    )
    kind = fields.Selection(
        selection=lambda self: self.env['wechat.message.template']._fields[
            'kind']._description_selection(self.env),
        readonly=True,
    )
    identity_id = fields.Many2one(
        string="WeChat Identity", comodel_name='wechat.identity', readonly=True,
        index='btree_not_null', ondelete='set null',
    )
    partner_id = fields.Many2one(
        string="Recipient", comodel_name='res.partner', readonly=True, index='btree_not_null',
        ondelete='set null',
    )
    res_model = fields.Char(string="Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field='res_model', readonly=True,
    )
    record_name = fields.Char(string="About", compute='_compute_record_name')
    state = fields.Selection(
        string="Status",
        selection=[
            ('queued', "Waiting"),
            ('sending', "Being sent"),
            ('sent', "Sent"),
            ('delivered', "Delivered"),
            ('failed', "Failed"),
            ('unknown', "Unknown"),
            ('cancelled', "Cancelled"),
        ],
        required=True,
        readonly=True,
        default='queued',
        index=True,
    )
    payload = fields.Json(readonly=True)
    preview = fields.Html(string="Message", compute='_compute_preview', sanitize=False)
    client_msg_id = fields.Char(
        string="Our Number",
        help="By this number WeChat knows a repetition of the message.",
        readonly=True,
        required=True,
        copy=False,
        default=lambda self: secrets.token_hex(16),
    )
    msgid = fields.Char(
        string="WeChat's Number", readonly=True, copy=False, index='btree_not_null',
    )
    errcode = fields.Integer(string="Error Code", readonly=True, copy=False)
    error_code = fields.Char(string="Kind of Error", readonly=True, copy=False)
    error = fields.Char(string="What Happened", readonly=True, copy=False)
    reason = fields.Text(string="Why", compute='_compute_reason')
    attempts = fields.Integer(readonly=True, copy=False)
    next_try = fields.Datetime(readonly=True, copy=False)
    claimed_at = fields.Datetime(readonly=True, copy=False)
    sent_at = fields.Datetime(readonly=True, copy=False)

    _client_msg_id_unique = models.Constraint(
        'UNIQUE (client_msg_id)', "There is a message with this number already.",
    )
    _waiting_index = models.Index("(id) WHERE state = 'queued'")

    # === COMPUTE METHODS === #

    @api.depends('res_model', 'res_id')
    def _compute_record_name(self):
        for log in self:
            model = self.env.get(log.res_model or '')
            record = model.browse(log.res_id).exists() if model is not None else None
            log.record_name = (
                record.display_name if record and record.has_access('read') else False
            )

    @api.depends('payload', 'template_id')
    def _compute_preview(self):
        for log in self:
            labels = {line.key: line.label for line in log.template_id.sudo().line_ids}
            data = (log.payload or {}).get('data') or {}
            # PostgreSQL does not keep the order of a JSON object: the template's lines have it.
            keys = [*(key for key in labels if key in data), *(data.keys() - labels.keys())]
            log.preview = render_card(log.template_id.sudo().name or '', [
                (labels.get(key, key), data[key].get('value', ''), data[key].get('color'))
                for key in keys
            ])

    @api.depends('state', 'errcode', 'error')
    @api.depends_context('lang')
    def _compute_reason(self):
        for log in self:
            if log.state == 'unknown':
                log.reason = self.env._(
                    "WeChat gave no answer, so nobody knows whether the message was sent. It is not"
                    " sent again by itself. If the customer has not got it, send it again."
                )
            elif log.state in ('failed', 'queued') and log.errcode:
                # In the reader's language; the text was written by the scheduled job.
                log.reason = self.env._(
                    "WeChat refused (error %(errcode)s). %(advice)s", errcode=log.errcode,
                    advice=errcodes.describe(log.errcode, self.env.lang),
                )
            else:
                log.reason = log.error

    # === ACTION METHODS === #

    def action_send_again(self):
        """Send messages that failed or whose outcome is unknown once more, as they were."""
        self.check_access('write')
        logs = self.filtered(
            lambda log: log.state in ('failed', 'unknown', 'cancelled')
            and log.payload and log.identity_id
        )
        if not logs:
            raise UserError(self.env._(
                "There is nothing to send: the message could not be made. Mend what is wrong with"
                " the record or the template and send it from there."
            ))
        for log in logs:
            # WeChat would take the old number for a repetition.
            log.write({
                'state': 'queued', 'attempts': 0, 'next_try': False, 'errcode': 0,
                'error_code': False, 'error': False, 'client_msg_id': secrets.token_hex(16),
            })
        self.env.ref('wechat.cron_send_messages').sudo()._trigger()
        return True

    def action_cancel(self):
        """Take back messages that wait."""
        self.check_access('write')
        # A message that is just being claimed raises a serialization error and is looked at again.
        self.filtered(lambda log: log.state == 'queued').state = 'cancelled'
        return True

    def action_open_record(self):
        """Open the record that the message is about."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }

    # === SENDING === #

    @api.model
    def _cron_send_messages(self):
        """Send what waits, one after the other, for as long as the job may run."""
        cron = self.env['ir.cron']
        self._give_up_claims()
        skipped = set()
        time_left = cron._commit_progress(remaining=self.search_count([
            ('state', '=', 'queued'),
            '|', ('next_try', '=', False), ('next_try', '<=', fields.Datetime.now()),
        ]))
        while time_left:
            log = self._claim(skipped)
            if not log:
                # What is left of skipped apps waits for the next run.
                cron._commit_progress(remaining=0)
                break
            if not log._send():
                skipped.add(log.app_id.id)
            time_left = cron._commit_progress(1)
        later = self.search(
            [('state', '=', 'queued'), ('next_try', '!=', False)], order='next_try', limit=1,
        )
        if later:
            self.env.ref('wechat.cron_send_messages')._trigger(at=later.next_try)

    @api.model
    def _give_up_claims(self):
        """Note that the outcome of messages is unknown that a server which ended was sending."""
        self.search([
            ('state', '=', 'sending'),
            ('claimed_at', '<', fields.Datetime.now() - timedelta(minutes=CLAIM_MINUTES)),
        ]).write({'state': 'unknown', 'error_code': 'wechat_unavailable'})

    @api.model
    def _claim(self, skipped=()):
        """Take the next message that waits, for this worker alone.

        The claim is committed in a transaction of its own, before anything is sent.

        :param skipped: Ids of apps whose messages are left.
        :return: The message; empty if none waits.
        :rtype: wechat.message.log
        """
        self.env.flush_all()
        condition = SQL("AND app_id NOT IN %s", tuple(skipped)) if skipped else SQL()
        query = SQL("""
            UPDATE wechat_message_log SET state = 'sending', claimed_at = %(now)s
            WHERE id = (
                SELECT id FROM wechat_message_log
                WHERE state = 'queued' AND (next_try IS NULL OR next_try <= %(now)s) %(condition)s
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            ) AND state = 'queued'
            RETURNING id
        """, now=fields.Datetime.now(), condition=condition)
        for _attempt in range(10):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(query, log_exceptions=False)
                    row = cr.fetchone()
            except SerializationFailure:
                continue  # Another worker took this one: look for the next.
            # What the other transaction wrote is seen by a new one only.
            self.env['ir.cron']._commit_progress()
            self.env.invalidate_all()
            return self.browse(row[0] if row else ())
        return self.browse()

    def _send(self):
        """Send a message that was claimed, and note what WeChat answered.

        :return: Whether it makes sense to go on with other messages of the app.
        :rtype: bool
        """
        self.ensure_one()
        try:
            msgid = self._deliver()
        except WeChatUnknown as error:
            if error.sent:
                self.write(self._failure_values(error, 'unknown'))
            else:
                self._retry_or_fail(error)
            return False
        except WeChatError as error:
            if error.code in APP_ERROR_WORDS:
                self._retry_or_fail(error)
                return False
            self.write(self._failure_values(error, 'failed'))
            self.identity_id._note_message_refused(error)
            return True
        except Exception:
            # A mistake of ours: the outcome is unknown, and the other messages must go on.
            _logger.exception("Sending the WeChat message %s failed", self.id)
            self.env.cr.rollback()
            self.write({'state': 'unknown', 'error_code': 'wechat_unavailable'})
            return True
        self.write({
            'state': 'sent', 'msgid': msgid, 'sent_at': fields.Datetime.now(), 'errcode': 0,
            'error_code': False, 'error': False, 'next_try': False,
        })
        return True

    def _deliver(self):
        """Call WeChat, by the method `_deliver_<kind>` of an addon.

        :return: WeChat's number of the message.
        :rtype: str
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        self.ensure_one()
        if not self.identity_id:
            raise WeChatError(
                self.env._("The recipient's WeChat identity is gone."), code='not_linked',
            )
        deliver = getattr(self, f'_deliver_{self.kind}', None)
        if not deliver:
            raise WeChatError(
                self.env._("The addon that sends these messages is not installed."),
                code='bad_request',
            )
        return deliver()

    def _failure_values(self, error, state):
        return {
            'state': state,
            'errcode': error.errcode if isinstance(error.errcode, int) else 0,
            'error_code': error.code,
            'error': str(error),
        }

    def _retry_or_fail(self, error):
        """Have the message wait for another try; it fails after some."""
        values = self._failure_values(error, 'queued')
        if error.errcode in DAILY_LIMIT_ERRCODES:
            values['next_try'] = next_beijing_midnight()
        elif self.attempts >= len(RETRY_MINUTES):
            values['state'] = 'failed'
        else:
            values['attempts'] = self.attempts + 1
            values['next_try'] = fields.Datetime.now() + timedelta(
                minutes=RETRY_MINUTES[self.attempts])
        self.write(values)


def next_beijing_midnight():
    """Return when WeChat's daily limits begin anew.

    :return: A naive UTC time, five minutes after midnight in Beijing.
    :rtype: datetime
    """
    beijing = timezone(timedelta(hours=8))
    now = fields.Datetime.now().replace(tzinfo=timezone.utc).astimezone(beijing)
    day = datetime(now.year, now.month, now.day, tzinfo=beijing) + timedelta(days=1, minutes=5)
    return day.astimezone(timezone.utc).replace(tzinfo=None)


def render_card(title, rows):
    """Return a message as WeChat shows it: a card with a title and lines.

    :param str title: The title.
    :param list rows: (label, value, colour or None) of each line.
    :rtype: Markup
    """
    lines = Markup().join(
        Markup(
            '<div class="d-flex gap-3"><span class="text-muted" style="min-width: 6em">%s</span>'
            '<span style="white-space: pre-line; color: %s">%s</span></div>'
        ) % (label, color or 'inherit', value)
        for label, value, color in rows
    )
    return Markup(
        '<div class="card" style="max-width: 24em"><div class="card-body">'
        '<h5 class="card-title">%s</h5>%s</div></div>'
    ) % (title, lines)
