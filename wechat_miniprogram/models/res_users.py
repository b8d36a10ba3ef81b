# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.exceptions import AccessError
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError


class ResUsers(models.Model):
    _inherit = 'res.users'

    # === ACTION METHODS === #

    def action_wechat_end_sessions(self):
        """Log these users out of all mini-programs and pages where they logged in with WeChat."""
        if not self.env.user.has_group('base.group_erp_manager'):
            self.env['wechat.identity'].check_access('write')
        self.check_access('read')
        identities = self.sudo().with_context(active_test=False).wechat_identity_ids
        identities._end_sessions()
        return identities[:1]._notify(self.env._(
            "The sessions that were opened with WeChat have been ended."
        ))

    # === LOGIN === #

    def _wechat_check_login(self, identity):
        """Override of `wechat` to refuse WeChat accounts that are blocked."""
        if identity:
            rules = self.env['wechat.identity']._get_session_rules(identity.id)
            if rules and rules.is_blocked:
                raise WeChatError(self.env._(
                    "This WeChat account may not log in here. Please contact the shop."
                ), code='login_refused')
        return super()._wechat_check_login(identity)

    def _on_wechat_login(self, identity, action, scope=None, access=None, next=None):
        """Override of `wechat` to write into the session what it is measured by later."""
        identity._come_back()
        if request:
            identity._stamp_session(request.session)
        return super()._on_wechat_login(
            identity, action, scope=scope, access=access, next=next,
        )

    @api.model
    def _wechat_default_name(self, lang):
        """Return what a user without a nickname is called.

        :param str lang: Code of an installed language.
        :rtype: str
        """
        return self.with_context(lang=lang or self.env.lang).env._("WeChat user")

    # === LEAVING === #

    def _wechat_close(self):
        """Close a customer's account: no login, no personal data from WeChat; orders stay.

        The identities keep their openid, which is how the person is told that the account is
        closed. Odoo deletes the user later, and the contact if nothing refers to it; from then on
        the person can come again as somebody new.

        :raise AccessError: If it is not a customer's.
        """
        self.ensure_one()
        user = self.sudo()
        if not user._is_portal():
            raise AccessError(self.env._("Only customers can close their account here."))
        identities = user.with_context(active_test=False).wechat_identity_ids
        identities._forget()
        user._deactivate_portal_user()

    def _wechat_has_other_login(self, identity):
        """Tell whether somebody can log in otherwise than with an identity.

        :param wechat.identity identity: An identity of this user.
        :rtype: bool
        """
        self.ensure_one()
        user = self.sudo()
        if any(not one.is_forgotten for one in user.wechat_identity_ids - identity):
            return True
        user.flush_recordset(['password'])
        self.env.cr.execute("SELECT password FROM res_users WHERE id = %s", [user.id])
        return bool(self.env.cr.fetchone()[0])
