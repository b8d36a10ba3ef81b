# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The API client: one call to a server API of WeChat (wechat-platform.md, section 0)."""

import contextlib
import json as jsonlib
import logging

from odoo import models

from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnknown
from odoo.addons.wechat.models.wechat_app import DEFAULT_URLS
from odoo.addons.wechat.protocol import addresses, errcodes
from odoo.addons.wechat.token_retry import TokenRetry

_logger = logging.getLogger(__name__)

# Parameters of calls whose values must not appear anywhere, whatever WeChat answers.
SECRET_PARAMETERS = frozenset({
    'secret', 'appsecret', 'component_secret', 'component_appsecret', 'access_token',
    'component_access_token', 'refresh_token', 'authorizer_refresh_token',
    'component_verify_ticket', 'authorization_code', 'js_code', 'code', 'session_key', 'signature',
})

# What calls are authenticated by in place of a token: 40001 means that it is wrong (section 3.3).
SECRET_NAMES = frozenset({'secret', 'appsecret', 'component_secret', 'component_appsecret'})

# They take the secret in place of a token (section 3.1).
TOKEN_ENDPOINTS = (
    'cgi-bin/token', 'cgi-bin/stable_token', 'cgi-bin/component/api_component_token',
    'cgi-bin/component/api_start_push_ticket',
)

# An error answer in place of a file is short; a longer one is the file.
MAX_ERROR_BYTES = 64 * 1024


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _request(
        self, method, path, *, params=None, json=None, data=None, files=None, raw=False,
        with_token=True, timeout=(3, 10), host=None,
    ):
        """Call one API of WeChat.

        The access token is added to the query, except to `/sns/`, whose tokens are those of users,
        and to the endpoints that issue tokens. A call whose token is not accepted is repeated once
        (wechat-platform.md, section 3.3).

        :param str method: `GET` or `POST`.
        :param str path: The path, or a complete URL on a host of WeChat.
        :param dict params: Parameters of the query.
        :param json: The body, sent as UTF-8 JSON.
        :param data: Another body: bytes, text, or a dictionary of form fields.
        :param files: Files of a multipart body, as `requests` takes them.
        :param bool raw: Whether to return the bytes of the answer, as for images.
        :param bool with_token: Whether to send the app's access token.
        :param tuple timeout: Seconds to connect and seconds to read.
        :param str host: Another host of WeChat than the API's.
        :return: The answer; bytes if `raw`.
        :rtype: dict | bytes
        :raise WeChatRefused: If WeChat answers an errcode.
        :raise WeChatUnknown: If there is no answer, or none that can be read.
        :raise WeChatError: If the address is not one of WeChat's.
        """
        self.ensure_one()
        url, query = self._request_url(path, host)
        params = dict(params or {})
        relative = url.partition('://')[2].partition('/')[2]
        with_token = (
            with_token and 'access_token' not in params
            and not relative.startswith('sns/') and relative not in TOKEN_ENDPOINTS
        )
        files = self._read_files(files)

        def call(token=None):
            sent = {**params, 'access_token': token} if token else params
            return self._send_request(
                method, url, query, sent, json=json, data=data, files=files, raw=raw,
                timeout=timeout,
            )

        try:
            answer = TokenRetry(self, call).run() if with_token else call()
        except WeChatError as error:
            self._note_failure(error)
            raise
        self._note_success()
        return answer

    def _read_files(self, files):
        """Return files with their content in place of file objects, which can be read only once."""
        def read(value):
            if isinstance(value, tuple):
                return tuple(read(part) for part in value)
            return value.read() if hasattr(value, 'read') else value

        return files and {name: read(value) for name, value in dict(files).items()}

    def _request_url(self, path, host=None):
        """Return the address of a call and the query that its path brought along.

        :rtype: tuple[str, str]
        :raise WeChatError: If the address is not one of WeChat's.
        """
        bases = [self._api_url(parameter) for parameter in DEFAULT_URLS]
        with contextlib.suppress(addresses.AddressError):
            return addresses.resolve(path, bases, host)
        raise WeChatError(
            self.env._("Calls to WeChat go to WeChat's own hosts only, by https."),
            code='bad_request',
        )

    def _send_request(
        self, method, url, query, params, *, json=None, data=None, files=None, raw=False,
        timeout=(3, 10),
    ):
        """Make one call and read its answer. See :meth:`_request`; this one neither adds a token,
        nor repeats, nor stores the state of the app.
        """
        headers = {}
        if json is not None:
            data = jsonlib.dumps(json, ensure_ascii=False, separators=(',', ':')).encode()
            headers['Content-Type'] = 'application/json'
        sent_secrets = {
            str(value)
            for source in (params, json if isinstance(json, dict) else {})
            for key, value in source.items()
            if key in SECRET_PARAMETERS and value
        }
        reason = response = None
        try:
            response = transport.send(
                method, addresses.with_query(url, query, params), data=data, headers=headers,
                files=files, timeout=timeout,
            )
        except transport.TransportError as error:
            reason, was_sent = error.reason, error.sent
        if reason:
            raise self._unknown_error(method, url, reason, was_sent)
        if not 200 <= response.status_code < 300:
            raise self._unknown_error(method, url, f'HTTP {response.status_code}')
        body = response.content
        answer = self._parse_answer(body, raw)
        if answer is None and (not raw or not body):
            raise self._unknown_error(method, url, 'unreadable')
        errcode = self._errcode(answer)
        if errcode:
            table = (
                errcodes.TOKEN_ENDPOINT_ERRCODES
                if not SECRET_NAMES.isdisjoint([*params, *(json if isinstance(json, dict) else ())])
                else errcodes.COMPONENT_ERRCODES if 'component_access_token' in params
                else errcodes.ERRCODES
            )
            raise self._refused_error(method, url, errcode, answer, table, sent_secrets)
        return body if raw else answer

    def _parse_answer(self, body, raw):
        """Return the JSON object of an answer, or None if it is something else.

        The content type is not looked at: some endpoints state `text/plain` without a charset.
        """
        if raw and (len(body) > MAX_ERROR_BYTES or body.lstrip()[:1] != b'{'):
            return None
        try:
            answer = jsonlib.loads(body.decode('utf-8-sig'), strict=False)
        except (ValueError, RecursionError):
            return None
        return answer if isinstance(answer, dict) else None

    def _errcode(self, answer):
        """Return the errcode of an answer as a number; None or 0 if it is a success."""
        errcode = (answer or {}).get('errcode')
        if isinstance(errcode, str):
            try:
                return int(errcode)
            except ValueError:
                return -1
        return errcode

    def _refused_error(self, method, url, errcode, answer, table, sent_secrets):
        """Return the exception for an errcode, and log it."""
        found = errcodes.lookup(errcode, table)
        errmsg = str(answer.get('errmsg') or '')[:300]
        for secret in sent_secrets:
            errmsg = errmsg.replace(secret, '***')
        level = logging.WARNING if found.word in ('misconfigured', 'bad_request') else logging.INFO
        _logger.log(
            level, "WeChat refused %s %s of %s: errcode %s, %s", method, url, self.sudo().appid,
            errcode, errmsg,
        )
        error = WeChatRefused(
            self.env._(
                "WeChat refused (error %(errcode)s). %(advice)s",
                errcode=errcode,
                advice=errcodes.describe(errcode, self.env.lang, table, errmsg),
            ),
            code=found.word,
            errcode=errcode,
        )
        error.errmsg = errmsg
        if table is not errcodes.ERRCODES and found is not errcodes.ERRCODES.get(errcode):
            error.advice_errcode = 40125  # 40001 of a token endpoint: the AppSecret is wrong.
        return error

    def _unknown_error(self, method, url, reason, sent=True):
        """Return the exception for an answer that is missing or unreadable, and log it."""
        _logger.warning(
            "No usable answer from WeChat to %s %s of %s: %s",
            method, url, self.sudo().appid, reason,
        )
        messages = {
            'timeout': self.env._("WeChat did not answer in time. Please try again."),
            'connect': self.env._(
                "WeChat cannot be reached. Please try again; if it goes on, the network of the"
                " server must be checked."
            ),
            'tls': self.env._(
                "The secure connection to WeChat failed. The certificates, the clock and the proxy"
                " of the server must be checked."
            ),
        }
        error = WeChatUnknown(
            messages.get(reason) or self.env._("WeChat's answer cannot be read. Please try again."),
            code='wechat_unavailable',
        )
        error.sent = sent
        error.errmsg = reason
        return error
