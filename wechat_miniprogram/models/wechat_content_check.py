# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks of what people upload: pictures that wait for WeChat's word, and what needs a person's.

Texts are judged at once (`wechat.app._check_text`); pictures by an event that comes minutes later:
they are sent by a job, after the picture's address has been committed.
"""

import hashlib
from datetime import timedelta

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown

from ..protocol import content_checks

RETRY_MINUTES = (1, 5, 30)
# WeChat tells the result within half an hour (section 10).
RESULT_LIMIT = timedelta(hours=1)
# A claim older than this was left by a server that ended.
CLAIM_LIMIT = timedelta(minutes=10)
KEPT = timedelta(days=30)
RETRIED_WORDS = ('rate_limited', 'wechat_busy', 'wechat_unavailable', 'misconfigured')


class WechatContentCheck(models.Model):
    _name = 'wechat.content.check'
    _description = "WeChat Content Check"
    _order = 'id desc'
    _rec_name = 'record_name'

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    identity_id = fields.Many2one(
        string="Uploaded By", comodel_name='wechat.identity', readonly=True,
        index='btree_not_null', ondelete='cascade',
    )
    openid = fields.Char(string="openid", readonly=True, required=True)
    kind = fields.Selection(
        selection=[('text', "Text"), ('image', "Picture")], required=True, readonly=True,
    )
    scene = fields.Selection(
        string="Place",
        selection=[('1', "Profile"), ('2', "Comment"), ('3', "Forum"), ('4', "Social")],
        required=True,
        readonly=True,
    )
    content = fields.Text(string="Text", readonly=True)
    media_url = fields.Char(readonly=True, prefetch=False, groups=fields.NO_ACCESS)
    res_model = fields.Char(string="Model", readonly=True)
    res_id = fields.Many2oneReference(string="Record", model_field='res_model', readonly=True)
    record_name = fields.Char(string="Where", compute='_compute_record_name')
    field_name = fields.Char(string="Field", readonly=True)
    # What was checked, to tell whether it is still there.
    checksum = fields.Char(readonly=True)
    trace_id = fields.Char(string="WeChat's Number", readonly=True, index='btree_not_null')
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Waiting"),
            ('sending', "Being sent"),
            ('sent', "Being checked"),
            ('pass', "Passed"),
            ('review', "To review"),
            ('risky', "Refused"),
            ('failed', "Not checked"),
        ],
        required=True,
        readonly=True,
        index=True,
    )
    label = fields.Integer(string="WeChat's Reason", readonly=True)
    reason = fields.Char(compute='_compute_reason')
    decision = fields.Selection(
        selection=[('accepted', "Accepted"), ('removed', "Removed")], readonly=True,
    )
    decided_by_id = fields.Many2one(comodel_name='res.users', readonly=True, ondelete='set null')
    error = fields.Char(string="What Happened", readonly=True)
    tries = fields.Integer(readonly=True)
    next_try = fields.Datetime(readonly=True)
    sent_at = fields.Datetime(readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('res_model', 'res_id')
    def _compute_record_name(self):
        for check in self:
            record = check._get_record()
            check.record_name = (
                record.display_name if record and record.has_access('read')
                else check.identity_id.sudo().display_name
            )

    @api.depends('label')
    @api.depends_context('lang')
    def _compute_reason(self):
        reasons = {
            10001: self.env._("Advertising"),
            20001: self.env._("Politics"),
            20002: self.env._("Pornography"),
            20003: self.env._("Abuse"),
            20006: self.env._("Crime"),
            20008: self.env._("Fraud"),
            20012: self.env._("Vulgarity"),
            20013: self.env._("Copyright"),
            21000: self.env._("Other"),
        }
        for check in self:
            check.reason = reasons.get(check.label, False)

    # === ACTION METHODS === #

    def action_accept(self):
        """Let what was checked stay."""
        self.check_access('write')
        self.write({'decision': 'accepted', 'decided_by_id': self.env.uid})

    def action_remove(self):
        """Remove what was checked, if it is still there."""
        self.check_access('write')
        for check in self:
            check.sudo()._remove_content()
        self.write({'decision': 'removed', 'decided_by_id': self.env.uid})

    def action_open_record(self):
        """Open the record where it is."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }

    # === WHAT IS CHECKED === #

    @api.model
    def _prepare(self, app, openid, kind, scene, record=None, field_name=None):
        """Return what is written of every check.

        :param wechat.app app: The mini-program.
        :param str openid: Who uploaded it.
        :param str kind: `text` or `image`.
        :param int scene: One of `content_checks.SCENES`.
        :param record: Where it is stored, if it is.
        :param str field_name: The field of the record.
        :rtype: dict
        """
        values = {
            'app_id': app.id,
            'identity_id': app._get_identity(openid).id,
            'openid': openid,
            'kind': kind,
            'scene': str(scene),
        }
        if record and field_name:
            values.update(res_model=record._name, res_id=record.id, field_name=field_name)
        return values

    def _get_record(self):
        """Return the record where it is stored; `None` if there is none."""
        self.ensure_one()
        model = self.env.get(self.res_model or '')
        return model.browse(self.res_id).exists() if model is not None and self.res_id else None

    @api.model
    def _digest(self, value):
        """Return what tells the value of a field from another one."""
        data = value if isinstance(value, bytes) else (value or '').encode()
        return hashlib.sha256(data).hexdigest()

    def _remove_content(self):
        """Remove what was checked, unless something else has taken its place.

        Models whose field cannot just be emptied have a method `_remove_refused_content(name)`.

        :return: Whether it was there.
        :rtype: bool
        """
        self.ensure_one()
        record = self._get_record()
        if not record or self.field_name not in record._fields:
            return False
        record = record.sudo().with_context(tracking_disable=True, bin_size=False)
        if self._digest(record[self.field_name]) != self.checksum:
            return False
        if hasattr(record, '_remove_refused_content'):
            record._remove_refused_content(self.field_name)
        else:
            record[self.field_name] = False
        return True

    # === RESULT === #

    def _apply_result(self, result):
        """Store what WeChat said; what is risky is removed.

        :param content_checks.Result result: The result.
        """
        self.ensure_one()
        self.write({'state': result.suggest, 'label': result.label, 'error': False})
        if result.suggest == 'risky':
            self._remove_content()

    # === SENDING === #

    @api.model
    def _cron_send(self):
        """Have the pictures checked that wait for it, one after the other."""
        cron = self.env['ir.cron']
        now = fields.Datetime.now()
        self.search([
            ('state', '=', 'sent'), ('sent_at', '<', now - RESULT_LIMIT),
        ]).write({'state': 'failed', 'error': self.env._(
            "WeChat has not told the result. Is the message push of the app set up, in the secure"
            " mode?"
        )})
        # Being checked twice does no harm, not being checked does.
        self.search([
            ('state', '=', 'sending'), ('sent_at', '<', now - CLAIM_LIMIT),
        ]).write({'state': 'waiting'})
        time_left = cron._commit_progress(remaining=self._count_waiting())
        while time_left:
            check = self._claim()
            if not check:
                break
            check._send()
            time_left = cron._commit_progress(1, remaining=self._count_waiting())
        later = self.search(
            [('state', '=', 'waiting'), ('next_try', '!=', False)], order='next_try', limit=1,
        )
        if later:
            self.env.ref('wechat_miniprogram.cron_send_content_checks')._trigger(at=later.next_try)

    @api.model
    def _count_waiting(self):
        return self.search_count([
            ('state', '=', 'waiting'),
            '|', ('next_try', '=', False), ('next_try', '<=', fields.Datetime.now()),
        ])

    @api.model
    def _claim(self):
        """Take the next check that waits, for this worker alone; committed before anything is sent.

        :return: The check; empty if none waits.
        :rtype: wechat.content.check
        """
        self.env.flush_all()
        query = SQL("""
            UPDATE wechat_content_check SET state = 'sending', sent_at = %(now)s
             WHERE id = (
                SELECT id FROM wechat_content_check
                 WHERE state = 'waiting' AND (next_try IS NULL OR next_try <= %(now)s)
                 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
             ) AND state = 'waiting'
            RETURNING id
        """, now=fields.Datetime.now())
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
        """Have a picture checked, and note the number under which the result will come."""
        self.ensure_one()
        try:
            answer = self.app_id._request('POST', '/wxa/media_check_async', json={
                'media_url': self.media_url,
                'media_type': content_checks.IMAGE,
                'version': content_checks.VERSION,
                'scene': int(self.scene),
                'openid': self.openid,
            })
            trace_id = answer.get('trace_id')
            if not isinstance(trace_id, str) or not trace_id:
                raise WeChatUnknown(self.env._("WeChat's answer cannot be read."))
        except WeChatError as error:
            values = {'state': 'failed', 'error': str(error)}
            if error.code in RETRIED_WORDS and self.tries < len(RETRY_MINUTES):
                values.update(
                    state='waiting', tries=self.tries + 1,
                    next_try=fields.Datetime.now() + timedelta(minutes=RETRY_MINUTES[self.tries]),
                )
            self.write(values)
        else:
            self.write({
                'state': 'sent', 'trace_id': trace_id, 'sent_at': fields.Datetime.now(),
                'error': False, 'next_try': False,
            })

    @api.model
    def _find_by_trace(self, app, trace_id):
        """Return the check of a result.

        :rtype: wechat.content.check
        :raise ConcurrencyError: If a check is just being sent whose number is not known yet; the
            message is handled again then.
        """
        checks = self.sudo()
        found = checks.search([('app_id', '=', app.id), ('trace_id', '=', trace_id)], limit=1)
        if not found and checks.search_count(
            [('app_id', '=', app.id), ('state', '=', 'sending')], limit=1,
        ):
            raise ConcurrencyError("A check is just being sent")
        return found

    @api.autovacuum
    def _gc_checks(self):
        """Delete what is done: what passed, and what somebody has decided."""
        self.search([
            ('create_date', '<', fields.Datetime.now() - KEPT),
            '|', ('state', 'in', ('pass', 'risky', 'failed')), ('decision', '!=', False),
        ]).unlink()
