# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests of sessions that were opened with WeChat."""

from odoo import api, http, models
from odoo.http import request

HEADER = 'X-Openerp-Session-Id'


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _authenticate_explicit(cls, auth):
        """Override of `base` to take a session's id from the header of old clients, and to end
        sessions that the app or an administrator does not let live any longer.
        """
        cls._wechat_load_header_session()
        session = request.session
        if (
            session.uid and session.get('wechat_identity_id')
            and not request.env['wechat.identity']._check_session(session)
        ):
            session.logout(keep_db=True)
            request.env = api.Environment(request.env.cr, None, session.context)
        super()._authenticate_explicit(auth)

    @classmethod
    def _wechat_load_header_session(cls):
        """Use the session whose id an old client sends in the header in place of a cookie.

        A header is not sent by browsers on their own, and where there is a cookie it counts for
        nothing: no page can put somebody else's session in place of a browser's. Only sessions
        that a login with WeChat opened can be named, and only if their app allows it.
        """
        request.wechat_header_sid = None
        sid = request.httprequest.headers.get(HEADER)
        store = http.root.session_store
        if not sid or 'session_id' in request.httprequest.cookies or not store.is_valid_key(sid):
            return
        session = store.get(sid)
        identity_id = session.get('wechat_identity_id')
        if not session.get('uid') or session.get('db') != request.db or not identity_id:
            return
        rules = request.env['wechat.identity']._get_session_rules(identity_id)
        if not rules or not rules.accepts_header or rules.uid != session['uid']:
            return
        for key, value in http.get_default_session().items():
            session.setdefault(key, value)
        session.is_dirty = False
        session.can_save = request.session.can_save
        request.session = session
        request.update_env(user=session.uid, context=session.context)
        request.wechat_header_sid = sid

    @classmethod
    def _post_dispatch(cls, response):
        """Override of `base` to tell an old client the id that Odoo has given its session."""
        super()._post_dispatch(response)
        sent = getattr(request, 'wechat_header_sid', None)
        if sent and request.session.uid and request.session.sid != sent:
            response.headers[HEADER] = request.session.sid
