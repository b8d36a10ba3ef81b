# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""People who withdraw what they allowed, or leave."""

from odoo import fields, models

# What a person can withdraw, by the number of `RevokeInfo` (wechat-platform.md, section 7.5), as
# far as it is kept: addons that keep more add it and override `_forget_revoked`.
NICKNAME_AND_AVATAR, PHONE, NICKNAME, AVATAR = 6, 8, 19, 20


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    is_forgotten = fields.Boolean(
        string="Account Closed",
        help="The person has left: what WeChat told of them has been deleted.",
        readonly=True,
        copy=False,
    )

    def _forget_revoked(self, kinds):
        """Hook: delete the data that a person no longer lets us have.

        :param set kinds: Numbers of WeChat's `RevokeInfo`.
        """
        for identity in self.sudo():
            if kinds & {NICKNAME_AND_AVATAR, NICKNAME}:
                identity._forget_name()
            if kinds & {NICKNAME_AND_AVATAR, AVATAR}:
                identity._forget_avatar()
            if PHONE in kinds:
                identity._forget_phone()

    def _forget_phone(self):
        """Delete the phone number, also the contact's if it is this one."""
        self.ensure_one()
        partner = self.partner_id.with_context(tracking_disable=True)
        if self.phone and partner.phone == self.phone and self._is_alone_with('phone'):
            partner.phone = False
        self.phone = False

    def _anonymize(self):
        """Override of `wechat` to delete the contact's phone number too."""
        for identity in self.sudo():
            identity._forget_phone()
        return super()._anonymize()

    def _forget(self):
        """Delete everything of people who left but the openid, and end their sessions."""
        identities = self.sudo()
        identities._anonymize()
        identities.write({'unionid': False, 'session_key': False, 'is_forgotten': True})
        identities._end_sessions()

    def _leave(self):
        """Take note that people have cancelled the account that their mini-program login made.

        A customer who can log in otherwise stays one, without this identity. An employee's user is
        the company's.
        """
        for identity in self.sudo().with_context(active_test=False):
            user = identity.user_id
            if user and user._is_portal() and not user._wechat_has_other_login(identity):
                if user.active:
                    user._wechat_close()
            else:
                identity.user_id = False
            identity._forget()

    def _come_back(self):
        """Take note that somebody has logged in who had left."""
        if self._get_session_rules(self.id).is_forgotten:
            self.is_forgotten = False
            self._clear_session_rules()
