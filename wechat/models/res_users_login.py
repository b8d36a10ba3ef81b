# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import contextlib
import secrets
from ast import literal_eval

from odoo import Command, api, models
from odoo.exceptions import AccessDenied

from odoo.addons.wechat.credential import LoginProof
from odoo.addons.wechat.exceptions import WeChatError

SILENT_CREATE = {
    # A customer without an e-mail address: no invitation, no note, no follower, no tracking.
    'no_reset_password': True,
    'mail_create_nolog': True,
    'mail_create_nosubscribe': True,
    'mail_notrack': True,
    'tracking_disable': True,
}


class ResUsers(models.Model):
    _inherit = 'res.users'

    # === CREDENTIALS === #

    def _login(self, credential, user_agent_env):
        """Override of `base` to carry the proof of a WeChat login to :meth:`_assert_can_auth`."""
        users = self
        if isinstance(credential.get('proof'), LoginProof):
            users = self.with_context(wechat_login_proof=credential['proof'])
        return super(ResUsers, users)._login(credential, user_agent_env)

    @contextlib.contextmanager
    def _assert_can_auth(self, user=None):
        """Override of `base`: a proved WeChat login neither obeys nor resets the cool-down.

        The cool-down counts wrong passwords per address. Phones share addresses, so one guesser
        would lock out every customer behind it; and a guesser with a WeChat account of their own
        could clear the count at will.
        """
        if isinstance(self.env.context.get('wechat_login_proof'), LoginProof):
            yield
            return
        with super()._assert_can_auth(user=user):
            yield

    def _check_credentials(self, credential, env):
        """Override of `base` to accept the proof of a WeChat login.

        Portal users skip Odoo's second factor: possession of the WeChat account is a strong one,
        and the mini-program has no second step. Others keep it (design.md, rule 11).
        """
        if credential.get('type') != 'wechat':
            return super()._check_credentials(credential, env)
        proof = credential.get('proof')
        if not isinstance(proof, LoginProof) or proof.uid != self.env.user.id:
            raise AccessDenied()
        identity = self.env['wechat.identity'].sudo().browse(proof.identity_id)
        if identity.user_id != self.env.user:
            raise AccessDenied()
        return {
            'uid': self.env.user.id,
            'auth_method': 'wechat',
            'mfa': 'skip' if self.env.user._is_portal() else 'default',
        }

    def _wechat_check_login(self, identity):
        """Refuse users whose session a WeChat login must not open (design.md, rule 11).

        :param wechat.identity identity: the identity that WeChat vouched for
        :raise WeChatError: `user_archived` or `login_refused`
        """
        self.ensure_one()
        user = self.sudo()
        if not user.active and not user._is_superuser():
            raise WeChatError(self.env._(
                "This account has been closed. Please contact the shop if you want it back."
            ), code='user_archived')
        if user._is_portal() and not user._is_superuser():
            return
        if user._is_admin() or user._is_system():
            raise WeChatError(self.env._(
                "An administrator cannot log in with WeChat. Please use the login page of Odoo."
            ), code='login_refused')
        if not user._is_internal():  # the public user
            raise WeChatError(self.env._(
                "This account cannot log in with WeChat. Please contact the shop."
            ), code='login_refused')
        if identity.user_id != user or not identity.app_id.allow_internal_login:
            raise WeChatError(self.env._(
                "Employees cannot log in with WeChat here. An administrator can allow it in the"
                " settings of the app."
            ), code='login_refused')

    # === CREATION === #

    @api.model
    def _wechat_get_template(self, app):
        """Return the portal user that new WeChat users are copied from.

        :param wechat.app app: the app through which the person comes
        :return: the user in sudo
        :raise WeChatError: `misconfigured` if there is none or if it is no portal user
        """
        template = app.sudo().template_user_id
        if not template:
            template_id = literal_eval(
                self.env['ir.config_parameter'].sudo().get_param(
                    'base.template_portal_user_id', 'False',
                )
            )
            template = self.sudo().browse(template_id or 0).exists()
        if (
            not template
            or not template._is_portal()
            or template._is_internal()
            or template._is_superuser()
        ):
            raise WeChatError(self.env._(
                "New customers cannot be registered: the template user is missing or is not a"
                " portal user. Choose a portal user as the template in the settings of the app."
            ), code='misconfigured')
        return template

    @api.model
    def _wechat_create_user(self, app, nickname='', lang='', tz='', partner=None):
        """Create the portal user of a person who comes for the first time.

        The login says which app the user came through and nothing about the person.

        :param wechat.app app: the app through which the person comes
        :param str nickname: name to give, clean (see protocol/user_info.py)
        :param str lang: code of an installed language
        :param str tz: name of a time zone
        :param res.partner partner: the contact the person already is, if it has no user
        :return: the user in sudo
        :raise WeChatError: `misconfigured` if the template user is not a portal user
        """
        template = self._wechat_get_template(app)
        values = {
            'active': True,
            'login': f'wechat_{app.appid[-6:]}_{secrets.token_hex(6)}',
            'company_id': app.company_id.id,
            'company_ids': [Command.set(app.company_id.ids)],
        }
        if partner and partner.active and not partner.with_context(active_test=False).user_ids:
            values['partner_id'] = partner.id
        else:
            values.update({
                'name': nickname or self.with_context(
                    lang=lang or template.lang or self.env.lang,
                ).env._("WeChat user"),
                'email': False,
                'phone': False,
            })
        if lang:
            values['lang'] = lang
        if tz:
            values['tz'] = tz
        return template.with_context(**SILENT_CREATE).copy(values)

    def _wechat_join_company(self, company):
        """Let a person who comes through another company's app see that company's records."""
        self.ensure_one()
        if company not in self.company_ids:
            self.with_context(**SILENT_CREATE).write({'company_ids': [Command.link(company.id)]})

    # === HOOKS === #

    def _on_wechat_login(self, identity, action, scope=None, access=None, next=None):
        """Hook: the user has just logged in with WeChat. To be extended by other addons.

        Runs in the transaction of the login, before the session's id leaves; an exception refuses
        the login (raise :class:`WeChatError` for a reason that the client can show).

        :param wechat.identity identity: whose login it was, in sudo
        :param str action: `miniprogram`, `mp`, `qrcode` or `mobile`
        :param str scope: the scope that WeChat granted, `None` for mini-programs
        :param dict access: what WeChat answered, without tokens and keys
        :param str next: the page of the site that the person is on the way to, `None` if the
            client goes on by itself
        :return: a response to answer in place of the redirect to `next`, or `None`; JSON-RPC
            clients always get the answer of their route
        """
        self.ensure_one()
