# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The routes of wafer clients (wechat-platform.md, section 13.2)."""

import json
import logging
import re

from psycopg2 import Error as DatabaseError

from odoo import http
from odoo.exceptions import ConcurrencyError
from odoo.http import request

from odoo.addons.wechat.controllers.login import MAX_BODY
from odoo.addons.wechat.exceptions import WeChatError

from .main import CODE, MiniprogramLogin
from .same_site import is_cross_site

_logger = logging.getLogger(__name__)

_APP_ID = re.compile(r'[0-9]{1,9}', re.ASCII)
# What wafer takes for data at all; shorter ones count as none.
MIN_ENCRYPTED, MIN_IV, MIN_UUID, MIN_SKEY, MAX_KEY = 51, 6, 6, 7, 128


class WechatMina(MiniprogramLogin, http.Controller):

    @http.route(
        '/mina/login', type='http', auth='public', csrf=False, max_content_length=MAX_BODY,
    )
    def wechat_mina_login(self, **_parameters):
        """Log in with a code of wx.login.

        :return: JSON, HTTP 200: `ok` (`success`, `fail`), `msg`, `data`: `uuid`, `skey`,
            `user_info`, `duration`
        """
        return self._answer(self._login)

    @http.route(
        '/mina/auth', type='http', auth='public', csrf=False, save_session=False,
        max_content_length=MAX_BODY,
    )
    def wechat_mina_auth(self, **_parameters):
        """Check a session.

        :return: JSON, HTTP 200: `ok`, `msg`, `data`: `user_info`
        """
        return self._answer(self._auth)

    @http.route(
        '/mina/session', type='http', auth='public', csrf=False, max_content_length=MAX_BODY,
    )
    def wechat_mina_session(self, **_parameters):
        """Open an Odoo session for a wafer session.

        :return: JSON, HTTP 200: `ok`, `msg`, `data`: what /wechat/miniprogram/authenticate returns
        """
        return self._answer(self._session)

    # === ROUTES === #

    def _login(self, values):
        app = self._get_app(values)
        try:
            return self._login_app(app, values)
        except WeChatError as error:
            self._report_login_error(app, error, 'miniprogram')
            raise

    def _login_app(self, app, values):
        code = self._read_text(values, 'code', 1, 256)
        if not CODE.fullmatch(code):
            self._refuse_parameter('code')
        exchange = self._exchange_code_once(app._miniprogram_exchange_code, code)
        identity, _is_new = app._miniprogram_login(exchange)
        encrypted, iv = values.get('encrypt_data'), values.get('iv')
        if self._is_text(encrypted, MIN_ENCRYPTED) and self._is_text(iv, MIN_IV):
            identity._store_user_info(identity._decrypt(encrypted, iv), is_proven=True)
        user_info = {'openId': identity.openid, **identity._get_user_info()}
        if identity.unionid:
            user_info['unionId'] = identity.unionid
        return request.env['wechat.session'].sudo()._open(identity, user_info)

    def _auth(self, values):
        return {'user_info': self._visit(values)._get_user_info()}

    def _session(self, values):
        if is_cross_site():  # would log its visitors in as somebody else
            raise WeChatError(request.env._(
                "Pages of other sites cannot open a session here."
            ), code='bad_request')
        self._check_session_can_be_kept()
        identity = self._visit(values).identity_id
        self._open_session(identity, 'miniprogram')
        return self._prepare_login_answer(identity, False)

    def _visit(self, values):
        return request.env['wechat.session']._visit(
            self._get_app(values),
            self._read_text(values, 'uuid', MIN_UUID, MAX_KEY),
            self._read_text(values, 'skey', MIN_SKEY, MAX_KEY),
        )

    # === PARAMETERS === #

    def _get_app(self, values):
        """Return the mini-program whose database id `app_id` is; by default the company's first.

        :raise WeChatError: `unknown_app`, `bad_request`, `misconfigured`
        """
        app_id = values.get('app_id')
        if app_id in (None, ''):
            return request.env['wechat.app']._get_miniprogram()
        if isinstance(app_id, bool) or not _APP_ID.fullmatch(str(app_id).strip()):
            self._refuse_parameter('app_id')
        return request.env['wechat.app']._get_miniprogram_by_id(int(app_id))

    def _read_values(self):
        """Return the parameters of a JSON or a form body.

        :rtype: dict
        :raise WeChatError: `bad_request`
        """
        if request.httprequest.form:
            return dict(request.httprequest.form)
        try:
            values = json.loads(request.httprequest.get_data() or b'{}')
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise WeChatError(request.env._(
                "The body must be a JSON object or a form."
            ), code='bad_request')
        return values

    def _read_text(self, values, name, at_least, at_most):
        value = values.get(name)
        if not self._is_text(value, at_least) or len(value) > at_most or '\0' in value:
            self._refuse_parameter(name)
        return value

    def _is_text(self, value, at_least):
        return isinstance(value, str) and len(value) >= at_least

    def _refuse_parameter(self, name):
        """:raise WeChatError: `bad_request`"""
        raise WeChatError(request.env._(
            "The parameter %(name)s is missing or not what it must be.", name=name,
        ), code='bad_request')

    # === ANSWERS === #

    def _answer(self, handler):
        """Answer as wafer does: always with HTTP 200.

        Failures of the database go on: Odoo runs the request again after some of them.

        :param handler: a method that takes the parameters and returns `data`
        """
        answer = {'ok': 'success', 'msg': "success"}
        try:
            if request.httprequest.method != 'POST':
                raise WeChatError(request.env._("This is called with POST."), code='bad_request')
            answer['data'] = handler(self._read_values())
            request.env.cr.flush()
        except WeChatError as error:
            request.env.cr.rollback()
            answer = {'ok': 'fail', 'msg': str(error), 'data': {'code': error.code}}
        except (DatabaseError, ConcurrencyError):
            raise
        except Exception:
            request.env.cr.rollback()
            _logger.exception("A request of a wafer client failed")
            answer = {'ok': 'fail', 'msg': request.env._(
                "Something went wrong on the server. Please try again later."
            ), 'data': {}}
        return request.make_json_response(answer)
