# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hashlib
import logging

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

_logger = logging.getLogger(__name__)

# What decides who logs in as whom.
BINDING_FIELDS = frozenset({'app_id', 'openid', 'user_id'})


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        identities = super().create(vals_list)
        if any(values.get('user_id') for values in vals_list):
            identities._check_binding()
        return identities

    def write(self, vals):
        result = super().write(vals)
        if not BINDING_FIELDS.isdisjoint(vals):
            self._check_binding()
        return result

    def _check_binding(self):
        """Refuse binding an employee by anybody but an administrator of users.

        Whoever may bind an identity to a user may log in as that user (design.md, rule 11).

        :raise AccessError: if one of the users is internal and the caller may not manage users
        """
        if self.env.su or self.env.user.has_group('base.group_erp_manager'):
            return
        if any(not user._is_portal() for user in self.sudo().user_id):
            raise AccessError(self.env._(
                "Only an administrator of users can let an employee log in with WeChat. Please ask"
                " one to choose this user."
            ))

    # === PERSON AND USER === #

    @api.model
    def _login_person(self, app, openid, unionid='', signup=None):
        """Find the user of a person, or create one: one person, one user.

        The identity (openid of this app) decides; without one the unionid, which joins the apps of
        one Open Platform account; else a new portal user is made (wechat-platform.md 1.5).

        :param wechat.app app: the app that vouched for the openid, in sudo
        :param str openid: the person's openid in this app
        :param str unionid: the person's unionid, if WeChat gave one
        :param dict signup: `nickname`, `lang` and `tz` for a new user
        :return: the identity in sudo, and whether its user is new
        :rtype: tuple(wechat.identity, bool)
        :raise WeChatError: `signup_disabled`, `user_archived`, `login_refused`, `misconfigured`
        :raise ConcurrencyError: a concurrent login was first; Odoo runs the request again
        """
        identity = self._find_login(app, openid)
        if identity.user_id and (not unionid or identity.unionid == unionid):
            identity.user_id._wechat_check_login(identity)
            return identity, False

        if not identity.user_id:  # known, but nobody's: what WeChat once said of it still holds
            unionid = unionid or identity.unionid or ''
        self._lock_person(app, openid, unionid)
        if identity.user_id:
            identity.user_id._wechat_check_login(identity)
            identity._learn_unionid(unionid)
            return identity, False

        user, is_new = self._find_person_user(app, unionid), False
        if not user:
            user, is_new = self._signup_person(app, signup or {}, identity.partner_id), True
        user._wechat_join_company(app.company_id)
        values = {'user_id': user.id, 'partner_id': user.partner_id.id}
        if unionid:
            values['unionid'] = unionid
        if identity:
            identity.write(values)
        else:
            identity = self._create_identity({'app_id': app.id, 'openid': openid, **values})
        user._wechat_check_login(identity)
        return identity, is_new

    @api.model
    def _find_login(self, app, openid):
        """Return the identity of an openid, with what a login reads, in one query."""
        return self.sudo().with_context(active_test=False).search_fetch(
            [('app_id', '=', app.id), ('openid', '=', openid)],
            ['app_id', 'user_id', 'partner_id', 'unionid', 'nickname', 'avatar_url', 'phone'],
            limit=1,
        )

    @api.model
    def _find_users_by_unionid(self, app, unionid):
        """Return the users whom other identities of a unionid name, best candidate first.

        Companies share their users only if both apps say so (`share_users`).

        :param wechat.app app: the app through which the person comes
        :param str unionid: the person's unionid
        :return: users in sudo, archived ones included: active before archived, those of the app's
            company first
        """
        if not unionid:
            return self.env['res.users'].sudo()
        identities = self.sudo().with_context(active_test=False).search(
            [('unionid', '=', unionid), ('user_id', '!=', False)], order='id',
        ).filtered(lambda identity: (
            identity.app_id.company_id == app.company_id
            or (identity.app_id.share_users and app.share_users)
        ))
        return identities.user_id.sorted(
            lambda user: (not user.active, user.company_id != app.company_id, user.id),
        )

    @api.model
    def _find_person_user(self, app, unionid):
        """Return the portal user that a new identity of this unionid joins, if there is one.

        :raise WeChatError: `user_archived`; `login_refused` if only an employee has this unionid
        """
        users = self._find_users_by_unionid(app, unionid)
        user = users.filtered(lambda one: one._is_portal())[:1]
        if user:
            if not user.active:
                user._wechat_check_login(self)
            return user
        if users:
            raise WeChatError(self.env._(
                "This WeChat account belongs to an employee, who must be bound to this app by an"
                " administrator before logging in."
            ), code='login_refused')
        return users

    @api.model
    def _signup_person(self, app, signup, partner):
        """Create the user of a person nobody knows, if the app allows it.

        :param res.partner partner: the contact the identity already names, or none
        """
        if not app.allow_signup:
            raise WeChatError(self.env._(
                "This WeChat account is not registered and registration is closed. Please ask the"
                " shop for access."
            ), code='signup_disabled')
        return self.env['res.users']._wechat_create_user(
            app,
            nickname=signup.get('nickname', ''),
            lang=signup.get('lang', ''),
            tz=signup.get('tz', ''),
            partner=partner,
        )

    def _learn_unionid(self, unionid):
        """Store the unionid that WeChat gives for an identity that has another one or none.

        A unionid that belongs to somebody else's user is not stored: two users are never merged,
        nor is one of them chosen, behind an administrator's back.
        """
        self.ensure_one()
        others = self._find_users_by_unionid(self.app_id, unionid) - self.user_id
        if others:
            _logger.warning(
                "The unionid of WeChat identity %(identity)s (user %(user)s) already belongs to"
                " the user(s) %(others)s; nothing was merged.",
                {'identity': self.id, 'user': self.user_id.id, 'others': others.ids},
            )
            return
        self.write({'unionid': unionid})

    def _record_login(self, session_key=None, nickname='', avatar_url=''):
        """Store what each login brings.

        :param str session_key: base64 text; overwritten each time, since WeChat may have replaced
            it (wechat-platform.md 1.3); `None` for logins that have none
        :param str nickname: clean nickname, empty if there is none
        :param str avatar_url: address on qlogo.cn, empty if there is none
        """
        self.ensure_one()
        # Every login writes these two, and nothing depends on them: SQL is the short way.
        self.flush_recordset(['session_key', 'last_login'])
        self.env.cr.execute(SQL(
            "UPDATE wechat_identity SET session_key = %s, last_login = %s WHERE id = %s",
            session_key, fields.Datetime.now(), self.id,
        ), log_exceptions=False)  # Two logins at once collide here, and the query holds the key.
        self.invalidate_recordset(['session_key', 'last_login'], flush=False)
        values = {}
        if nickname and nickname != self.nickname:
            values['nickname'] = nickname
        if avatar_url and avatar_url != self.avatar_url:
            values['avatar_url'] = avatar_url
        if self.partner_id != self.user_id.partner_id:  # an administrator chose another user
            values['partner_id'] = self.user_id.partner_id.id
        if values:
            self.with_context(tracking_disable=True).write(values)

    # === CONCURRENCY === #

    @api.model
    def _lock_person(self, app, openid, unionid=''):
        """Make concurrent first logins of one person wait for each other, on all servers.

        Whoever waited has a snapshot older than what the other one committed: what is written is
        then looked up through a fresh cursor, and if it differs from what this transaction sees,
        the request starts again.

        :raise ConcurrencyError: somebody else was first; Odoo runs the request again
        """
        keys = [f'wechat.identity,{app.id},{openid}']
        if unionid:
            keys.append(f'wechat.identity,{unionid}')
        # In one order everywhere, or two logins would wait for each other.
        for key in sorted(self._lock_key(key) for key in keys):
            self.env.cr.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        if self._get_person_rows(self.env.cr, app, openid, unionid) != self._get_committed_rows(
            app, openid, unionid,
        ):
            raise ConcurrencyError("A concurrent WeChat login of the same person was first")

    @api.model
    def _lock_key(self, text):
        """Return the 64-bit key of an advisory lock."""
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)

    @api.model
    def _get_committed_rows(self, app, openid, unionid):
        """Return :meth:`_get_person_rows` as everybody else sees them now."""
        with self.env.registry.cursor() as cr:
            return self._get_person_rows(cr, app, openid, unionid)

    @api.model
    def _get_person_rows(self, cr, app, openid, unionid):
        """Return (id, user_id, unionid) of all identities that bear on one person."""
        cr.execute(
            """SELECT id, user_id, unionid
                 FROM wechat_identity
                WHERE (app_id = %s AND openid = %s) OR unionid = %s
             ORDER BY id""",
            [app.id, openid, unionid or None],
        )
        return cr.fetchall()

    @api.model
    def _create_identity(self, values):
        """Create an identity; somebody else's identical one makes the request start again.

        An IntegrityError would end the request: Odoo runs it again only for a ConcurrencyError.
        """
        try:
            with self.env.cr.savepoint():
                return self.sudo().with_context(tracking_disable=True).create(values)
        except UniqueViolation as error:
            if error.diag.table_name != self._table:
                raise
            raise ConcurrencyError("The WeChat identity has just been created") from None
