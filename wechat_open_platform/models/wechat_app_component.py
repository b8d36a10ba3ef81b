# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A third-party platform: its ticket, its token and its calls (wechat-platform.md, 11.1)."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.models.wechat_app_token import FORCE_INTERVAL
from odoo.addons.wechat.token_retry import TokenRetry

from ..protocol import authorization

COMPONENT_KIND = 'component_access_token'
# Kept like tokens, but lent to nobody.
TICKET_KIND = 'component_verify_ticket'
REFRESH_KIND = 'authorizer_refresh_token'

TICKET_LIFETIME = timedelta(hours=12)
COMPONENT_PATH = '/cgi-bin/component'
# They say something about one account, not about the platform.
ACCOUNT_ERRCODES = (61003, 61007, 61023)
LIST_PAGE = 500
MAX_PAGES = 200


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    authorizer_ids = fields.One2many(
        string="Authorised Accounts", comodel_name='wechat.app', inverse_name='component_id',
        context={'active_test': False},
    )
    component_event_url = fields.Char(
        string="Authorisation Event URL",
        help="The 授权事件接收URL for WeChat's console.",
        compute='_compute_component_urls',
    )
    component_message_url = fields.Char(
        string="Message and Event URL",
        help="The 消息与事件接收URL for WeChat's console. $APPID$ stays as it is: WeChat puts the"
             " AppID of the account there.",
        compute='_compute_component_urls',
    )
    component_domain = fields.Char(
        string="Authorisation Domain",
        help="The 授权发起页域名 and the 公众号开发域名 for WeChat's console.",
        compute='_compute_component_urls',
    )
    ticket_received_at = fields.Datetime(
        string="Ticket Received",
        help="When WeChat made the newest ticket. It pushes one every ten minutes; each is good for"
             " twelve hours.",
        compute='_compute_ticket_received_at',
    )

    # === COMPUTE METHODS === #

    @api.depends('appid', 'app_type')
    def _compute_component_urls(self):
        for app in self:
            base = app.get_base_url()
            known = app.app_type == 'component' and app.appid
            url = f'{base}/wechat/component/{app.appid}'
            app.component_event_url = known and f'{url}/event'
            app.component_message_url = known and f'{url}/message/$APPID$'
            app.component_domain = known and base.partition('://')[2]

    @api.depends('token_ids.expires_at')
    def _compute_ticket_received_at(self):
        for app in self:
            ticket = app.sudo().token_ids.filtered(lambda token: token.kind == TICKET_KIND)
            app.ticket_received_at = ticket.expires_at and ticket.expires_at - TICKET_LIFETIME

    @api.depends('app_type')
    def _compute_token_expires_at(self):
        super()._compute_token_expires_at()
        now = fields.Datetime.now()
        for app in self.filtered(lambda app: app.app_type == 'component'):
            token = app.sudo().token_ids.filtered(lambda token: token.kind == COMPONENT_KIND)
            expires_at = token.expires_at
            app.token_expires_at = expires_at if expires_at and expires_at > now else False

    @api.depends('component_id', 'authorization_state')
    def _compute_advice(self):
        super()._compute_advice()
        for app in self:
            advices = app._component_advices() if app.state == 'error' else {}
            if not app.last_errcode and app.last_error_code in advices:
                app.advice = advices[app.last_error_code]

    # === CONSTRAINT METHODS === #

    @api.constrains('app_type', 'token_source', 'component_id', 'company_id')
    def _check_component(self):
        for app in self.sudo():
            component = app.component_id
            if app.app_type == 'component' and (
                component or app._has_token_source('component')
            ):
                raise ValidationError(self.env._(
                    "A third-party platform takes its token from WeChat or from a hub, not from"
                    " another third-party platform."
                ))
            if component and (
                component.app_type != 'component' or component.company_id != app.company_id
            ):
                raise ValidationError(self.env._(
                    "%(component)s is not a third-party platform of the company %(company)s.",
                    component=component.name, company=app.company_id.name,
                ))
        changed = self.sudo().authorizer_ids
        if changed - self:
            (changed - self)._check_component()

    # === ACTION METHODS === #

    def action_start_push_ticket(self):
        """Have WeChat push tickets, as after the pushes were stopped for a long time."""
        self.ensure_one()
        self.check_access('write')
        self._start_push_ticket()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'title': self.env._("WeChat was asked for tickets"),
                'message': self.env._(
                    "The next one comes within ten minutes, if WeChat reaches the authorisation"
                    " event URL. Open this page again then."
                ),
            },
        }

    def action_authorize(self):
        """Open the page on which an administrator of an account authorises it."""
        self.ensure_one()
        self.check_access('write')
        component = self.component_id if self._is_authorizer() else self
        if not component:
            raise WeChatError(self._component_advices()['no_component'], code='misconfigured')
        url = f'{component.get_base_url()}/wechat/component/{component.appid}/authorize'
        if self._is_authorizer():
            url += f"?auth_type={'2' if self.app_type == 'miniprogram' else '1'}"
        return {'type': 'ir.actions.act_url', 'url': url, 'target': 'self'}

    # === TICKET_KIND === #

    def _store_ticket(self, ticket, created):
        """Keep a ticket, unless a newer one is there: old ones may be delivered late, or again.

        :param str ticket: WeChat's ticket.
        :param datetime created: When WeChat made it.
        :return: Whether it is the newest now.
        :rtype: bool
        """
        self.ensure_one()
        self.env['wechat.token'].flush_model()
        self.env.cr.execute(SQL(
            """
            INSERT INTO wechat_token (app_id, kind, value, expires_at) VALUES (%s, %s, %s, %s)
                ON CONFLICT (app_id, kind) DO UPDATE
               SET value = excluded.value, expires_at = excluded.expires_at
             WHERE wechat_token.expires_at IS NULL
                OR wechat_token.expires_at < excluded.expires_at
         RETURNING id
            """,
            self.id, TICKET_KIND, ticket, created + TICKET_LIFETIME,
        ), log_exceptions=False)
        self.env['wechat.token'].invalidate_model(flush=False)
        return bool(self.env.cr.rowcount)

    def _get_ticket(self):
        """Return the newest ticket.

        :rtype: str
        :raise WeChatError: `misconfigured` if there is none that is good.
        """
        cr = self._token_cursor()
        cr.execute(SQL(
            "SELECT value, expires_at > %s FROM wechat_token WHERE app_id = %s AND kind = %s",
            fields.Datetime.now(), self.id, TICKET_KIND,
        ))
        ticket, is_valid = cr.fetchone() or (None, False)
        if not ticket or not is_valid:
            raise self._component_error('ticket_expired' if ticket else 'no_ticket')
        return ticket

    def _start_push_ticket(self):
        """Ask WeChat to push tickets.

        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        self.ensure_one()
        app_sudo = self.sudo()
        self._request('POST', f'{COMPONENT_PATH}/api_start_push_ticket', json={
            'component_appid': app_sudo.appid, 'component_secret': self._get_component_secret(),
        }, with_token=False)

    # === TOKENS === #

    def _token_cursor(self):
        """Return the cursor of the transaction in which a token is renewed; else the caller's."""
        return self.env.context.get('wechat_token_cursor') or self.env.cr

    def _obtain_token_locked(self, cr, refused, kind):
        # What is fetched beside a token is stored with it, under its lock.
        app = self.with_context(wechat_token_cursor=cr)
        return super(WechatApp, app)._obtain_token_locked(cr, refused, kind)

    def _fetch_token(self, kind, force_refresh=False):
        self.ensure_one()
        is_from_wechat = self._has_token_source('wechat')
        if kind == COMPONENT_KIND and self.app_type == 'component' and is_from_wechat:
            return self._fetch_component_token()
        if kind == 'access_token' and self._is_authorizer():
            return self._fetch_authorizer_token()
        return super()._fetch_token(kind, force_refresh)

    def _fetch_component_token(self):
        """Ask WeChat for the token of the third-party platform.

        :return: The token and the seconds that it is valid.
        :rtype: tuple[str, int]
        :raise WeChatError: If there is none to be had, as long as no ticket has arrived.
        """
        secret, ticket = self._get_component_secret(), self._get_ticket()
        url, query = self._request_url(f'{COMPONENT_PATH}/api_component_token')
        answer = self._send_request('POST', url, query, {}, json={
            'component_appid': self.sudo().appid,
            'component_appsecret': secret,
            'component_verify_ticket': ticket,
        })
        return self._check_token_answer(
            answer.get('component_access_token'), answer.get('expires_in'), 'POST', url,
        )

    def _get_component_secret(self):
        secret = self.sudo().secret
        if not secret:
            raise self._component_error('no_secret')
        return secret

    def _replace_token(self, kind, refused, forced_at, now):
        """Ask for another token. Those of platforms change with every call, so none is forced; one
        that is refused again at once will not get better.
        """
        if kind != COMPONENT_KIND and not (kind == 'access_token' and self._is_authorizer()):
            return super()._replace_token(kind, refused, forced_at, now)
        if self._has_token_source('hub'):
            return super()._replace_token(kind, refused, forced_at, now)
        if forced_at and forced_at > now - FORCE_INTERVAL:
            raise WeChatError(self.env._(
                "WeChat does not accept the token, though it was renewed less than 30 seconds ago."
                " Please try again in a moment."
            ), code='rate_limited')
        return *self._fetch_token(kind), now

    def _try_credentials(self):
        if self.app_type == 'component' and self._has_token_source('wechat'):
            self._list_authorizers(0, 1)
        elif self._is_authorizer():
            self._refresh_account()
        else:
            super()._try_credentials()

    # === CALLS === #

    def _component_request(
        self, method, path, *, params=None, json=None, account=None, timeout=(3, 5),
    ):
        """Call an API of third-party platforms. A call whose token is not accepted is repeated
        once.

        :param str method: `GET` or `POST`.
        :param str path: The path.
        :param dict params: Parameters of the query.
        :param dict json: The body.
        :param wechat.app account: The account that the call is for.
        :param tuple timeout: Seconds to connect and seconds to read.
        :return: The answer.
        :rtype: dict
        :raise WeChatError: As :meth:`_request`; `misconfigured` if no ticket has arrived.
        """
        self.ensure_one()
        url, query = self._request_url(path)

        def call(token):
            sent = {**(params or {}), COMPONENT_KIND: token}
            return self._send_request(method, url, query, sent, json=json, timeout=timeout)

        try:
            answer = TokenRetry(self, call, COMPONENT_KIND).run()
        except WeChatError as error:
            concerned = account if account and error.errcode in ACCOUNT_ERRCODES else self
            concerned._note_failure(error)
            raise
        self._note_success()
        return answer

    def _component_post(self, name, account=None, **body):
        """Call `/cgi-bin/component/<name>`. See :meth:`_component_request`."""
        return self._component_request(
            'POST', f'{COMPONENT_PATH}/{name}', account=account,
            json={'component_appid': self.sudo().appid, **body},
        )

    def _create_pre_auth_code(self):
        """Return a code that is good for one authorisation.

        :rtype: str
        """
        answer = self._component_post('api_create_preauthcode')
        code = answer.get('pre_auth_code')
        if not authorization.is_value(code):
            raise self._unknown_error('POST', 'api_create_preauthcode', 'unreadable')
        return code

    def _list_authorizers(self, offset, count=LIST_PAGE):
        """Return a page of the accounts that have authorised the platform: `total_count`, `list`.

        :rtype: dict
        """
        answer = self._component_post('api_get_authorizer_list', offset=offset, count=count)
        if type(answer.get('total_count')) is not int or not isinstance(answer.get('list'), list):
            raise self._unknown_error('POST', 'api_get_authorizer_list', 'unreadable')
        return answer

    def _find_refresh_token(self, appid):
        """Read the refresh token of an account again, in case it was lost.

        :param str appid: The account's AppID.
        :return: The token; empty if the account has not authorised the platform.
        :rtype: str
        """
        for page in range(MAX_PAGES):
            answer = self._list_authorizers(page * LIST_PAGE)
            for entry in answer['list']:
                if isinstance(entry, dict) and entry.get('authorizer_appid') == appid:
                    token = entry.get('refresh_token')
                    return token if authorization.is_value(token) else ''
            if (page + 1) * LIST_PAGE >= answer['total_count']:
                break
        return ''

    # === ERRORS === #

    def _component_error(self, word):
        """Return the exception for something that an administrator has to do first.

        :param str word: A key of :meth:`_component_advices`.
        :rtype: WeChatError
        """
        error = WeChatError(self._component_advices()[word], code='misconfigured')
        error.advice_word = word
        return error

    def _component_advices(self):
        """Return what happened and what to do, by the word for it.

        :rtype: dict[str, str]
        """
        self.ensure_one()
        app_sudo = self.sudo()
        names = {'app': app_sudo.name, 'component': app_sudo.component_id.name or ''}
        return {
            'no_secret': self.env._(
                "The AppSecret of %(app)s is missing. Enter it in WeChat ▸ Apps.", **names,
            ),
            'no_ticket': self.env._(
                "WeChat has not pushed a ticket to %(app)s yet. It does so every ten minutes once"
                " the authorisation event URL, the Token and the EncodingAESKey are in its console."
                " If it does not, press “Start Ticket Pushes” in WeChat ▸ Apps.", **names,
            ),
            'ticket_expired': self.env._(
                "WeChat has not pushed a ticket to %(app)s for twelve hours. Check that it reaches"
                " the authorisation event URL, then press “Start Ticket Pushes” in WeChat ▸ Apps.",
                **names,
            ),
            'not_authorized': self.env._(
                "%(app)s is no longer authorised, or not yet. An administrator of Odoo can press"
                " “Authorise” in WeChat ▸ Apps; an administrator of the account has to agree in"
                " WeChat.", **names,
            ),
            'no_component': self.env._(
                "Choose the third-party platform that %(app)s takes its tokens from in WeChat ▸"
                " Apps.", **names,
            ),
            'component_archived': self.env._(
                "%(app)s takes its tokens from the third-party platform %(component)s, which is"
                " archived.", **names,
            ),
        }
