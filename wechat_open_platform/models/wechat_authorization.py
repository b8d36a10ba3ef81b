# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Codes by which accounts authorise a third-party platform (wechat-platform.md, 11.1 and 11.3).

One code may arrive twice: by the event and by the browser of who agreed, at two servers. It is
stored under a unique hash, and exchanged by whoever holds the lock of the row. What WeChat answered
is committed before anything is made of it: the code is used up then.
"""

import hashlib
import json
import logging
from datetime import timedelta

from psycopg2 import IntegrityError
from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import api, fields, models
from odoo.api import SUPERUSER_ID
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown

from ..protocol import authorization

_logger = logging.getLogger(__name__)

CODE_LIFETIME = timedelta(hours=1)
ANSWER_LIFETIME = timedelta(days=1)
TRIES = 5  # of exchanging a code, by the cron
STORE_TRIES = 5
LOCK_TIMEOUT = '20s'
KEPT = timedelta(days=90)
# Somebody else's account does not become the default of its type before the company's own apps.
SEQUENCE = 1000


class WechatAuthorization(models.Model):
    _name = 'wechat.authorization'
    _description = "WeChat Authorisation"
    _order = 'id desc'
    _rec_name = 'authorizer_appid'
    _log_access = False  # Written in transactions of their own.

    component_id = fields.Many2one(
        string="Third-party Platform", comodel_name='wechat.app', required=True, readonly=True,
        ondelete='cascade', index=True,
    )
    company_id = fields.Many2one(string="Company", related='component_id.company_id')
    code_hash = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    code = fields.Char(readonly=True, prefetch=False, groups=fields.NO_ACCESS)
    # WeChat's answer, until the account is set up.
    answer = fields.Char(readonly=True, prefetch=False, groups=fields.NO_ACCESS)
    authorizer_appid = fields.Char(string="AppID", readonly=True)
    app_id = fields.Many2one(
        string="Account", comodel_name='wechat.app', readonly=True, ondelete='set null',
        index='btree_not_null',
    )
    authorized_at = fields.Datetime(string="Authorised On", required=True, readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('new', "Waiting"),
            ('exchanged', "Being set up"),
            ('done', "Set up"),
            ('refused', "Needs somebody"),
            ('failed', "Failed"),
        ],
        required=True,
        readonly=True,
        default='new',
    )
    problem = fields.Selection(
        selection=[
            ('own_app', "There is such an app already"),
            ('other_company', "It belongs to another company"),
            ('other_component', "It belongs to another third-party platform"),
            ('other_appid', "The code was another account's"),
            ('outdated', "The account has ended the authorisation meanwhile"),
        ],
        readonly=True,
    )
    advice = fields.Text(string="What to Do", compute='_compute_advice')
    error = fields.Char(readonly=True)
    tries = fields.Integer(readonly=True, default=0)

    _code_unique = models.Constraint(
        'UNIQUE (component_id, code_hash)', "This code has been received already.",
    )
    _open_idx = models.Index("(id) WHERE state IN ('new', 'exchanged')")

    # === COMPUTE METHODS === #

    @api.depends('problem')
    @api.depends_context('lang')
    def _compute_advice(self):
        for row in self:
            row.advice = row._problem_advices().get(row.problem, False)

    def _problem_advices(self):
        """Return what to do, by the problem."""
        names = {'appid': self.authorizer_appid or '', 'component': self.component_id.name}
        return {
            'own_app': self.env._(
                "%(appid)s is an app here already, with tokens of its own, and was left as it is."
                " If %(component)s is to act for it from now on, set “Tokens From” of that app to"
                " Third-party platform, choose %(component)s and authorise the account again.",
                **names,
            ),
            'other_company': self.env._(
                "%(appid)s is an app of another company here and was left as it is. Somebody who"
                " manages that company's apps has to decide.", **names,
            ),
            'other_component': self.env._(
                "%(appid)s has authorised another third-party platform here and was left as it is."
                " Change the platform in WeChat ▸ Apps and authorise the account again.", **names,
            ),
            'other_appid': self.env._(
                "WeChat's event and its answer name different accounts. Nothing was done; please"
                " authorise the account again.",
            ),
            'outdated': self.env._(
                "The account has ended the authorisation after this. Nothing was done.",
            ),
        }

    # === TAKING === #

    @api.model
    def _store(self, component, code, authorizer_appid=False, date=None):
        """Keep a code, if it is not there yet.

        :param wechat.app component: The third-party platform.
        :param str code: The code.
        :param str authorizer_appid: The account, if WeChat has said that already.
        :param datetime date: When the account was authorised; by default now.
        :return: The id of its row.
        :rtype: int
        """
        code_hash = hashlib.sha256(code.encode()).hexdigest()
        for attempt in range(STORE_TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(SQL(
                        """
                        INSERT INTO wechat_authorization (
                            component_id, code_hash, code, authorizer_appid, authorized_at, state,
                            tries
                        ) VALUES (%s, %s, %s, %s, %s, 'new', 0)
                        ON CONFLICT (component_id, code_hash) DO NOTHING
                        """,
                        component.id, code_hash, code, authorizer_appid or None,
                        date or fields.Datetime.now(),
                    ), log_exceptions=False)
                    cr.execute(SQL(
                        """
                        SELECT id FROM wechat_authorization
                         WHERE component_id = %s AND code_hash = %s
                        """, component.id, code_hash,
                    ))
                    return cr.fetchone()[0]
            except SerializationFailure:  # Another server has just stored it.
                if attempt + 1 == STORE_TRIES:
                    raise
        return None

    @api.model
    def _take(self, row_id, wait=True):
        """Exchange a code and set the account up, unless somebody has or is at it.

        :param int row_id: The row.
        :param bool wait: Whether to wait for somebody else who is at it.
        :return: Whether it was handled, by whomever.
        :rtype: bool
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        failure = None
        try:
            for step in (self._exchange, self._set_up):
                if not self._in_own_transaction(row_id, step, wait):
                    return False
        except WeChatError as error:
            failure = error
            self._note_failure(row_id, error)
        finally:
            self.invalidate_model(flush=False)
            self.env['wechat.app'].invalidate_model(flush=False)
            self.env['wechat.token'].invalidate_model(flush=False)
        if failure:
            raise failure
        return True

    @api.model
    def _in_own_transaction(self, row_id, step, wait):
        """Run a step under the lock of its row, and commit it.

        :return: Whether the lock was had.
        :rtype: bool
        """
        for attempt in range(STORE_TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
                    cr.execute(SQL(
                        "SELECT id FROM wechat_authorization WHERE id = %s FOR UPDATE %s",
                        row_id, SQL() if wait else SQL("SKIP LOCKED"),
                    ), log_exceptions=False)
                    if not cr.rowcount:
                        return False
                    env = api.Environment(cr, SUPERUSER_ID, {'lang': self.env.lang})
                    step(env[self._name].browse(row_id))
                    env.flush_all()
                    return True
            except LockNotAvailable:
                return False
            except (SerializationFailure, IntegrityError):
                # Somebody was faster with this row, or with the same account: look again.
                if attempt + 1 == STORE_TRIES:
                    raise
        return False

    @staticmethod
    def _exchange(row):
        """Ask WeChat what was authorised, and keep its answer."""
        if row.state != 'new':
            return
        answer = row.component_id._component_post(
            'api_query_auth', authorization_code=row.code)
        try:
            grant = authorization.read_grant(answer)
        except authorization.UnreadableError:
            raise WeChatUnknown(row.env._(
                "WeChat's answer to the authorisation could not be read. Please authorise the"
                " account again."
            )) from None
        values = {'state': 'exchanged', 'code': False}
        if row.authorizer_appid and row.authorizer_appid != grant.appid:
            values = {'state': 'refused', 'code': False, 'problem': 'other_appid'}
        else:
            values['answer'] = json.dumps([grant, fields.Datetime.to_string(fields.Datetime.now())])
            values['authorizer_appid'] = grant.appid
        row.write(values)

    @staticmethod
    def _set_up(row):
        """Make an app of the account, or use the one that there is."""
        if row.state != 'exchanged':
            return
        values, fetched_at = json.loads(row.answer)
        grant = authorization.Grant(*values)
        app = row.env['wechat.app'].with_context(active_test=False).search(
            [('appid', '=', grant.appid)])
        problem = row._find_problem(app)
        if problem:
            row.write({'state': 'refused', 'answer': False, 'problem': problem})
            return
        account = row._read_account(grant)
        app = row._write_app(app, grant, account)
        app._store_grant(row.env.cr, grant, fields.Datetime.to_datetime(fetched_at))
        row.write({'state': 'done', 'answer': False, 'app_id': app.id, 'error': False})
        _logger.info("App %s has authorised app %s.", app.id, row.component_id.id)

    def _find_problem(self, app):
        """Return why an app with this AppID is not taken over without a person; may be None."""
        if not app:
            return None
        if app.company_id != self.component_id.company_id:
            return 'other_company'
        if app.component_id and app.component_id != self.component_id:
            return 'other_component'
        if not app.component_id and (
            app.secret or not app._has_token_source('wechat')
        ):
            return 'own_app'
        if app.authorization_state == 'unauthorized' and app.authorization_date and (
            app.authorization_date > self.authorized_at
        ):
            return 'outdated'
        return None

    def _read_account(self, grant):
        """Return what WeChat says of the account: `name`, `app_type`, `original_id`."""
        answer = self.component_id._component_post(
            'api_get_authorizer_info', authorizer_appid=grant.appid)
        try:
            return authorization.read_account(answer)
        except authorization.UnreadableError:
            raise self.component_id._unknown_error(
                'POST', 'api_get_authorizer_info', 'unreadable') from None

    def _write_app(self, app, grant, account):
        """Return the app of the account, made or changed."""
        values = {
            'active': True,
            'app_type': account['app_type'],
            'token_source': 'component',
            'component_id': self.component_id.id,
            'original_id': account['original_id'] or False,
            'authorization_state': 'authorized',
            'authorization_date': max(
                self.authorized_at, app.authorization_date or self.authorized_at),
            'authorization_scopes': grant.scopes,
            **self.component_id._success_values(),
        }
        if app:
            app.write(values)
            return app
        return app.create({
            'name': account['name'] or grant.appid,
            'appid': grant.appid,
            'company_id': self.component_id.company_id.id,
            'sequence': SEQUENCE,
            **values,
        })

    @api.model
    def _note_failure(self, row_id, error):
        """Store why a step failed. What WeChat refused for good is not tried again, and a code not
        more often than it lives; what WeChat has answered once is not given up so soon.
        """
        is_final = error.code in ('invalid_code', 'code_used')
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                """
                UPDATE wechat_authorization
                   SET error = %s, tries = tries + 1,
                       state = CASE WHEN is_over THEN 'failed' ELSE state END,
                       code = CASE WHEN is_over THEN NULL ELSE code END
                  FROM (
                      SELECT id AS over_id, state = 'new' AND (%s OR tries + 1 >= %s) AS is_over
                        FROM wechat_authorization WHERE id = %s
                  ) AS found
                 WHERE id = over_id AND state IN ('new', 'exchanged')
                """,
                str(error)[:500], is_final, TRIES, row_id,
            ))

    # === CRON === #

    @api.model
    def _cron_take_authorizations(self):
        """Take the codes that events have brought."""
        now = fields.Datetime.now()
        self.search([
            '|', '&', ('state', '=', 'new'), ('authorized_at', '<', now - CODE_LIFETIME),
            '&', ('state', '=', 'exchanged'), ('authorized_at', '<', now - ANSWER_LIFETIME),
        ]).write({
            'state': 'failed', 'code': False, 'answer': False,
            'error': self.env._(
                "WeChat did not answer as long as the code was good. Please authorise the account"
                " again."
            ),
        })
        rows = self.search([('state', 'in', ('new', 'exchanged'))], order='id')
        cron = self.env['ir.cron']
        cron._commit_progress(remaining=len(rows))
        for row_id in rows.ids:
            try:
                self._take(row_id, wait=False)
            except WeChatError as error:
                _logger.warning("Authorisation %s was not taken: %s", row_id, error.code)
            if not cron._commit_progress(1):
                break

    @api.autovacuum
    def _gc_authorizations(self):
        """Delete what is long over."""
        self.search([
            ('state', 'in', ('done', 'failed')),
            ('authorized_at', '<', fields.Datetime.now() - KEPT),
        ]).unlink()
