# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The synchronisation of the followers of an official account: `/cgi-bin/user/get`, 10,000 openids
at a time, and `/cgi-bin/user/info/batchget`, 100 people at a time.

It may stop anywhere: the last openid of each batch is committed with it, and the next run goes on
from there. What WeChat answers once a `next_openid` has left is unverified: then it begins anew.
"""

from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from odoo.addons.wechat.exceptions import WeChatError

BATCH_SIZE = 100
MAX_FAILURES = 5
INVALID_OPENID_ERRCODE = 40003


class WechatFollowerSync(models.Model):
    _name = 'wechat.follower.sync'
    _description = "WeChat Follower Synchronisation"
    _order = 'id desc'
    _rec_name = 'app_id'

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Waiting"),
            ('running', "Running"),
            ('done', "Done"),
            ('stopped', "Stopped"),
            ('failed', "Failed"),
        ],
        required=True,
        readonly=True,
        default='waiting',
    )
    next_openid = fields.Char(readonly=True)
    total = fields.Integer(string="Followers", readonly=True)
    done = fields.Integer(string="Fetched", readonly=True)
    progress = fields.Char(string="Progress in Numbers", compute='_compute_progress')
    percent = fields.Float(string="Progress", compute='_compute_progress')
    failures = fields.Integer(readonly=True)
    error = fields.Char(string="What Happened", readonly=True)
    started_at = fields.Datetime(string="Started", readonly=True)
    finished_at = fields.Datetime(string="Ended", readonly=True)

    _one_running = models.UniqueIndex(
        "(app_id) WHERE state IN ('waiting', 'running')",
        "The followers of this account are being synchronised already.",
    )

    @api.depends('done', 'total', 'state')
    def _compute_progress(self):
        for sync in self:
            sync.progress = f'{sync.done} / {sync.total}' if sync.total else ''
            sync.percent = (
                100.0 if sync.state == 'done'
                else min(100.0, 100.0 * sync.done / sync.total) if sync.total else 0.0
            )

    # === ACTION METHODS === #

    def action_stop(self):
        """Stop; what was fetched stays."""
        self.check_access('write')
        self.filtered(lambda sync: sync.state in ('waiting', 'running')).write({
            'state': 'stopped', 'finished_at': fields.Datetime.now(),
        })
        return True

    def action_resume(self):
        """Go on where a synchronisation stopped or failed."""
        self.check_access('write')
        self.filtered(lambda sync: sync.state in ('stopped', 'failed')).write({
            'state': 'waiting', 'failures': 0, 'error': False, 'finished_at': False,
        })
        self.env.ref('wechat_official_account.cron_synchronize_followers').sudo()._trigger()
        return True

    # === BUSINESS METHODS === #

    @api.model
    def _cron_synchronize_followers(self):
        """Carry on the synchronisations for as long as the job may run."""
        cron = self.env['ir.cron']
        skipped = set()
        while True:
            sync = self.search([
                ('state', 'in', ('waiting', 'running')), ('id', 'not in', list(skipped)),
            ], order='id', limit=1)
            if not sync:
                break
            ended = sync._run()
            if ended is False:
                return
            if ended is None:
                skipped.add(sync.id)
                cron._commit_progress(remaining=0)

    def _run(self):
        """Fetch page by page until everybody is there, the time is up, or somebody stopped it.

        :return: True if it ended, False if the time is up, None if it is tried again later.
        :rtype: bool | None
        """
        self.ensure_one()
        cron = self.env['ir.cron']
        if self.state == 'waiting':
            self.write({'state': 'running', 'started_at': self.started_at or fields.Datetime.now()})
            cron._commit_progress()
        while True:
            try:
                page = self._fetch_page()
                openids = (page.get('data') or {}).get('openid') or []
                for batch in split_every(BATCH_SIZE, openids, list):
                    people = self._fetch_people(batch)
                    if not self._reopen():
                        return True
                    self._store(batch, people, page.get('total') or 0)
                    left = max(self.total - self.done, 0)
                    if not cron._commit_progress(len(batch), remaining=left or 1):
                        return False
            except WeChatError as error:
                return self._note_failure(error)
            if not openids:
                if self._reopen():
                    self._finish()
                    cron._commit_progress(remaining=0)
                return True

    def _fetch_page(self):
        params = {'next_openid': self.next_openid} if self.next_openid else {}
        return self.app_id._request('GET', '/cgi-bin/user/get', params=params, timeout=(3, 30))

    def _fetch_people(self, openids):
        """Return what WeChat tells of people, by their openid.

        :rtype: dict
        """
        answer = self.app_id._request('POST', '/cgi-bin/user/info/batchget', json={
            'user_list': [{'openid': openid, 'lang': 'zh_CN'} for openid in openids],
        }, timeout=(3, 30))
        return {item.get('openid'): item for item in answer.get('user_info_list') or ()}

    def _reopen(self):
        """Begin a new transaction and see whether the synchronisation is still wanted.

        The calls to WeChat took their time, and nobody waited for a lock meanwhile.

        :rtype: bool
        """
        self.env['ir.cron']._commit_progress()
        self.env.invalidate_all()
        return bool(self.try_lock_for_update()) and self.state == 'running'

    def _store(self, openids, people, total):
        """Store a batch of followers, and how far this has come."""
        now = fields.Datetime.now()
        rows = []
        for openid in openids:
            person = people.get(openid) or {}
            # Somebody may have left since the page was made.
            if person and not person.get('subscribe'):
                continue
            rows.append(SQL(
                "(%s, %s, %s, TRUE, %s, %s, %s, %s, %s, %s)",
                self.app_id.id, openid, person.get('unionid') or None,
                to_moment(person.get('subscribe_time')) or now, now,
                self.env.uid, self.env.uid, now, now,
            ))
        if rows:
            self.env['wechat.identity'].flush_model()
            self.env.cr.execute(SQL("""
                INSERT INTO wechat_identity AS known (
                    app_id, openid, unionid, is_follower, followed_at, follower_seen_at,
                    create_uid, write_uid, create_date, write_date
                ) VALUES %s
                ON CONFLICT (app_id, openid) DO UPDATE SET
                    unionid = COALESCE(excluded.unionid, known.unionid),
                    is_follower = TRUE, unfollowed_at = NULL,
                    followed_at = excluded.followed_at,
                    follower_seen_at = excluded.follower_seen_at,
                    write_date = excluded.write_date
            """, SQL(", ").join(rows)))
            self.env['wechat.identity'].invalidate_model()
        self.write({
            'next_openid': openids[-1], 'total': total, 'done': self.done + len(openids),
            'failures': 0, 'error': False,
        })

    def _finish(self):
        """Note who was not among the followers, and that everybody is there."""
        self.env['wechat.identity'].search([
            ('app_id', '=', self.app_id.id), ('is_follower', '=', True),
            '|', ('follower_seen_at', '=', False), ('follower_seen_at', '<', self.started_at),
            '|', ('followed_at', '=', False), ('followed_at', '<', self.started_at),
        ])._set_follower(False)
        self.write({'state': 'done', 'finished_at': fields.Datetime.now(), 'next_openid': False})

    def _note_failure(self, error):
        """Note why WeChat did not answer, and go on later unless that makes no sense.

        :return: True if it ended, None if it is tried again later.
        :rtype: bool | None
        """
        if not self._reopen():
            return True
        values = {'error': str(error), 'failures': self.failures + 1}
        if error.errcode == INVALID_OPENID_ERRCODE and self.next_openid and not self.failures:
            values.update(next_openid=False, done=0)  # The one it went on from has left.
        elif (
            error.code in ('misconfigured', 'rate_limited') or values['failures'] >= MAX_FAILURES
        ):
            # A button goes on from here, once the error is mended.
            values.update(state='failed', finished_at=fields.Datetime.now())
        self.write(values)
        if self.state == 'failed':
            return True
        self.env.ref('wechat_official_account.cron_synchronize_followers')._trigger(
            at=fields.Datetime.now() + timedelta(minutes=self.failures),
        )
        return None


def to_moment(seconds):
    """Return a Unix time as Odoo stores it; None if it is none."""
    try:
        return datetime.fromtimestamp(int(seconds), timezone.utc).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
