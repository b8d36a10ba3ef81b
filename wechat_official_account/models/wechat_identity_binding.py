# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Binding of WeChat accounts to users by the users themselves."""

from odoo import api, models
from odoo.exceptions import AccessError

from odoo.addons.wechat.exceptions import WeChatError


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    @api.model
    def _bind(self, app, access, user):
        """Bind a WeChat account to the user who has just shown to hold it.

        :param wechat.app app: the app that vouched for the openid, in sudo
        :param dict access: what `wechat.app._oauth_identify` returned
        :param res.users user: the user who is logged in
        :return: the identity in sudo
        :rtype: wechat.identity
        :raise WeChatError: `login_refused` if the WeChat account is another user's
        :raise ConcurrencyError: a concurrent login was first; Odoo runs the request again
        """
        user = user.sudo()
        openid, unionid = access['openid'], access['unionid']
        Identity = self.sudo()
        identity = Identity._find_login(app, openid)
        unionid = unionid or identity.unionid or ''
        Identity._lock_person(app, openid, unionid)
        others = identity.user_id | Identity._find_users_by_unionid(app, unionid).filtered(
            # An employee may be a customer as well, with a user for each.
            lambda one: one._is_portal() == user._is_portal()
        )
        if others - user:
            raise WeChatError(self.env._(
                "This WeChat account is bound to another user. Log in with WeChat and unbind it"
                " there first, or contact the shop."
            ), code='login_refused')
        values = {'user_id': user.id, 'partner_id': user.partner_id.id}
        if unionid:
            values['unionid'] = unionid
        if identity:
            identity.write(values)
        else:
            identity = Identity._create_identity({'app_id': app.id, 'openid': openid, **values})
        nickname, avatar_url = app._oauth_clean_profile(access)
        identity._record_login(nickname=nickname, avatar_url=avatar_url)
        return identity

    def action_unbind(self):
        """Unbind one's own WeChat accounts: they log in as this user no longer."""
        for identity in self.sudo():
            if identity.user_id != self.env.user:
                raise AccessError(self.env._("This WeChat account is not bound to your user."))
        # The openid is kept: it belongs to somebody who follows an account or may come back.
        self.sudo().write({'user_id': False, 'partner_id': False})
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    "The WeChat account is unbound. It no longer logs in as you."
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _is_only_way_in(self):
        """Say whether the user of this identity could not log in without it."""
        self.ensure_one()
        user = self.user_id
        if not user or not user._is_portal() or user.wechat_identity_ids - self:
            return False
        if 'auth_passkey_key_ids' in user._fields and user.sudo().auth_passkey_key_ids:
            return False
        self.env.cr.execute("SELECT password FROM res_users WHERE id = %s", [user.id])
        return not self.env.cr.fetchone()[0]
