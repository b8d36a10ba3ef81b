# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page on which customers see, bind and unbind their WeChat accounts."""

from odoo import http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

NOTICES = ('bound', 'unbound')


class WechatPortal(CustomerPortal):

    @http.route('/my/wechat', type='http', auth='user', methods=['GET'], website=True)
    def portal_my_wechat(self, done='', **kwargs):
        """Show the WeChat accounts of the user.

        :param str done: what has just been done: `bound` or `unbound`
        """
        return self._render_wechat(done=done if done in NOTICES else '')

    @http.route('/my/wechat/unbind', type='http', auth='user', methods=['POST'], website=True)
    def portal_my_wechat_unbind(self, identity_id='', confirm='', **kwargs):
        """Unbind one WeChat account; the last way in only if that is confirmed."""
        identity = request.env['wechat.identity'].search([
            ('id', '=', int(identity_id) if identity_id.isdecimal() else 0),
            ('user_id', '=', request.env.user.id),
        ])
        if not identity:
            return request.redirect('/my/wechat')
        if identity._is_only_way_in() and not confirm:
            return self._render_wechat(warned=identity)
        identity.action_unbind()
        return request.redirect('/my/wechat?done=unbound')

    def _render_wechat(self, done='', warned=None):
        user = request.env.user
        response = request.render('wechat_official_account.portal_my_wechat', {
            **self._prepare_portal_layout_values(),
            'page_name': 'wechat',
            'identities': user.sudo().wechat_identity_ids,
            'can_bind': user.wechat_can_bind,
            'done': done,
            'warned': warned,
        })
        response.headers['X-Frame-Options'] = 'SAMEORIGIN'
        response.headers['Content-Security-Policy'] = "frame-ancestors 'self'"
        return response
