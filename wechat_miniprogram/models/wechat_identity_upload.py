# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person puts into their profile is checked.

This extends what wechat_identity_profile.py defines, and is imported after it.
"""

from odoo import models

PROFILE_SCENE = 1


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    def _store_user_info(self, values, is_proven=False, is_typed=False):
        """Override to have a nickname checked that the person has typed in."""
        nickname = self._read_profile(values).get('nickname') if is_typed else None
        if nickname and nickname != self.sudo().nickname:
            # Before anything is written: no row is locked while WeChat is asked.
            self.app_id._check_text(
                self.openid, nickname, PROFILE_SCENE, record=self, field_name='nickname',
            )
        return super()._store_user_info(values, is_proven=is_proven, is_typed=is_typed)

    def _store_avatar(self, picture):
        """Override to have the picture checked."""
        url = super()._store_avatar(picture)
        self.app_id._check_image(
            self.openid, url, PROFILE_SCENE, record=self.sudo().partner_id, field_name='image_1920',
        )
        return url

    def _remove_refused_content(self, field_name):
        """Remove a nickname that was refused, from the contact too."""
        if field_name == 'nickname':
            self._forget_name()
        else:
            self[field_name] = False

    def _anonymize(self):
        """Override of `wechat` to delete what these people uploaded for a check."""
        self.env['wechat.content.check'].sudo().search(
            [('identity_id', 'in', self.ids)],
        ).unlink()
        return super()._anonymize()
