# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The token hub, as its client: tokens come from another system that holds the AppSecret."""

import json as jsonlib
import logging
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnknown
from odoo.addons.wechat.protocol import addresses, errcodes

_logger = logging.getLogger(__name__)

# The hub may have to ask WeChat, so it gets longer than WeChat itself, but less than others wait
# for the lock.
HUB_TIMEOUT = (3, 15)
HUB_KEY_PATTERN = re.compile(r'[!-~]{1,512}', re.ASCII)
MAX_ANSWER_BYTES = 64 * 1024


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    hub_key_input = fields.Char(
        string="New Hub Key",
        help="The key that the administrator of the other system issued for this one. Leave empty"
             " to keep the one that is stored; it is never shown again.",
        compute='_compute_hub_key_input',
        inverse='_inverse_hub_key_input',
        groups='base.group_system',
    )
    has_hub_key = fields.Boolean(string="Hub Key Stored", compute='_compute_has_hub_key')

    # === COMPUTE METHODS === #

    @api.depends_context('uid')
    def _compute_hub_key_input(self):
        self.hub_key_input = False

    def _inverse_hub_key_input(self):
        for app in self:
            if app.hub_key_input:
                app.hub_key = app.hub_key_input
                app.hub_key_input = False

    @api.depends('hub_key')
    def _compute_has_hub_key(self):
        for app in self:
            app.has_hub_key = bool(app.sudo().hub_key)

    # === CONSTRAINT METHODS === #

    @api.constrains('hub_url')
    def _check_hub_url(self):
        for app_sudo in self.sudo():
            if app_sudo.hub_url:
                try:
                    addresses.base_only(app_sudo.hub_url)
                except addresses.AddressError:
                    raise ValidationError(self.env._(
                        "The hub address must be the base address of the other system, as"
                        " https://erp.example.com, without a path. (Plain http is accepted on this"
                        " machine only.)"
                    )) from None

    @api.constrains('hub_key')
    def _check_hub_key(self):
        for app_sudo in self.sudo():
            if app_sudo.hub_key and not HUB_KEY_PATTERN.fullmatch(app_sudo.hub_key):
                raise ValidationError(self.env._(
                    "This is not a hub key: it has blanks or other characters that no key has, or"
                    " it is not complete. Copy it again."
                ))

    # === CRUD METHODS === #

    def write(self, vals):
        vals = self._strip_values(vals)
        moved = self.filtered(
            lambda app: 'hub_url' in vals and (app.sudo().hub_url or '') != (vals['hub_url'] or ''),
        )
        changed = moved | self.filtered(
            lambda app: vals.get('token_source', app.token_source) != app.token_source,
        )
        if changed:
            self.env['wechat.token'].sudo().search([('app_id', 'in', changed.ids)]).unlink()
        if moved and 'hub_key' not in vals:
            # The key was lent for one hub; no other may see it.
            super(WechatApp, moved).write({**vals, 'hub_key': False})
        return super().write(vals)

    # === BUSINESS METHODS === #

    def _fetch_token_from_hub(self, kind, refused=None):
        """Ask the hub for a token.

        :param str kind: The kind of token.
        :param str refused: A token that WeChat did not accept: the hub is told, and gives another.
        :return: The token and the seconds that it is valid.
        :rtype: tuple[str, int]
        :raise WeChatError: If there is none to be had.
        """
        self.ensure_one()
        app_sudo = self.sudo()
        try:
            base = addresses.base_only(app_sudo.hub_url or '')
        except addresses.AddressError:
            base = None
        if not base or not app_sudo.hub_key:
            raise self._hub_error('hub_settings')
        url = f'{base}/wechat/hub/{app_sudo.appid}/{kind}'
        headers = {'Authorization': f'Bearer {app_sudo.hub_key}', 'Accept': 'application/json'}
        method, data = 'GET', None
        if refused:
            method, url = 'POST', f'{url}/refresh'
            data = jsonlib.dumps({'value': refused}).encode()
            headers['Content-Type'] = 'application/json'
        reason = response = None
        try:
            response = transport.send(
                method, url, data=data, headers=headers, timeout=HUB_TIMEOUT,
            )
        except transport.TransportError as error:
            reason = error.reason
        if reason:
            raise self._hub_error('hub_unreachable', method, url, reason)
        return self._read_hub_answer(response, method, url)

    def _read_hub_answer(self, response, method, url):
        """Return the token in an answer of the hub and the seconds that it is valid.

        :raise WeChatError: If there is none.
        """
        status = response.status_code
        reason = f'HTTP {status}'
        try:
            answer = jsonlib.loads(response.content[:MAX_ANSWER_BYTES].decode())
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            answer = {}
        errcode = answer.get('errcode')
        if status == 200 and answer:
            return self._check_token_answer(
                answer.get('value'), answer.get('expires_in'), method, url,
            )
        if status in (429, 502, 503) and type(errcode) is int:
            raise self._hub_refused_error(errcode, method, url)
        if status == 429:
            raise self._hub_error('hub_too_early', method, url, reason)
        if status == 401:
            raise self._hub_error('hub_key', method, url, reason)
        if status == 403 and answer.get('code'):
            raise self._hub_error('hub_not_allowed', method, url, reason)
        if status >= 500:
            raise self._hub_error('hub_unreachable', method, url, reason)
        # A redirect, a web page, an Odoo without this addon: redirects are not followed, whoever is
        # behind them has not been given the key.
        raise self._hub_error('hub_address', method, url, reason)

    def _hub_refused_error(self, errcode, method, url):
        """Return the exception for what WeChat answered the hub, and log it."""
        found = errcodes.lookup(errcode, errcodes.TOKEN_ENDPOINT_ERRCODES)
        _logger.warning("%s %s: WeChat refused the hub, errcode %s", method, url, errcode)
        error = WeChatRefused(
            self.env._(
                "WeChat refused the hub (error %(errcode)s). On the hub: %(advice)s",
                errcode=errcode,
                advice=errcodes.describe(
                    errcode, self.env.lang, errcodes.TOKEN_ENDPOINT_ERRCODES,
                ),
            ),
            code=found.word,
            errcode=errcode,
        )
        if errcode == 40001:
            error.advice_errcode = 40125
        return error

    def _hub_error(self, word, method=None, url=None, reason=None):
        """Return the exception for a failure of the hub itself, and log it.

        :param str word: What failed: a key of :meth:`_hub_advices`.
        :param str method: The HTTP method.
        :param str url: The address, which holds no secret.
        :param str reason: For the log.
        :rtype: WeChatError
        """
        if url:
            _logger.warning("The token hub gave no token to %s %s: %s", method, url, reason)
        kind, code = {
            'hub_settings': (WeChatError, 'misconfigured'),
            'hub_unreachable': (WeChatUnknown, 'wechat_unavailable'),
            'hub_too_early': (WeChatRefused, 'rate_limited'),
        }.get(word, (WeChatRefused, 'misconfigured'))
        error = kind(self._hub_advices()[word], code=code)
        error.advice_word = word
        error.errmsg = reason or ''
        return error

    def _hub_advices(self):
        """Return what happened and what to do, by the word for a failure of the hub.

        :rtype: dict[str, str]
        """
        self.ensure_one()
        app_sudo = self.sudo()
        names = {'app': app_sudo.name, 'url': app_sudo.hub_url or '', 'appid': app_sudo.appid}
        return {
            'hub_settings': self.env._(
                "%(app)s takes its tokens from a hub, but the hub address or the hub key is"
                " missing. Enter both in WeChat ▸ Apps.", **names,
            ),
            'hub_unreachable': self.env._(
                "The token hub %(url)s does not answer. Check that it runs and that this server can"
                " reach it.", **names,
            ),
            'hub_too_early': self.env._(
                "The token hub has renewed the token less than 30 seconds ago and does not do so"
                " again yet. Please try again in a moment.", **names,
            ),
            'hub_key': self.env._(
                "The token hub %(url)s does not accept the hub key: it is wrong, or it was revoked."
                " Let the hub's administrator issue a new one, and enter it in WeChat ▸ Apps.",
                **names,
            ),
            'hub_not_allowed': self.env._(
                "The hub key is not good for %(appid)s or for this kind of token. Let the"
                " administrator of %(url)s issue one that is.", **names,
            ),
            'hub_address': self.env._(
                "What answers at %(url)s is not a token hub. Check the hub address: it is the base"
                " address of the other system, without a path.", **names,
            ),
        }
