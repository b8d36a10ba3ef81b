# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The payment page inside WeChat: who pays is learned by the silent login of WeChat's pages."""

import logging
import re
import time
from dataclasses import replace
from urllib.parse import urlsplit

from odoo import http
from odoo.http import Response, request

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.wechat.controllers.login import WechatLogin
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_official_account.controllers.oauth import COOKIE, BrowserStates
from odoo.addons.wechat_payment.controllers.checkout import WechatPayCheckoutController

from ..models.wechat_oauth_state import PAY_INTENT
from ..wechat_browser import can_pay_in_page, is_web_view

_logger = logging.getLogger(__name__)

# In the session, by the transaction's reference: {app_id, openid, time} of who pays, or {problem}.
PAYERS = 'wechat_payers'
# In the session: when this browser was sent to WeChat and has not come back.
SENT_AT = 'wechat_payer_asked'
MAX_PAYERS = 20  # of one session
PAYER_LIFETIME = 2 * 60 * 60  # seconds, as an order's; the phone may get another WeChat account
# Who is here again sooner, in seconds, opened the page twice; who is later had an error page.
DOUBLE_LOAD = 3
SENT_LIFETIME = 10 * 60  # seconds, as a state's

_CODE = re.compile(r'[!-~]{1,512}')


class WechatPayInsideController(WechatPayCheckoutController, WechatLogin, BrowserStates):
    _identify_url = '/payment/wechat_pay/identify'

    # === THE PAGE === #

    @http.route()
    def wechat_pay_page(
        self, reference, access_token='', returned=None, identify=None, **kwargs,
    ):
        """Override of `wechat_payment` to learn first, inside WeChat, who pays.

        :param str identify: Set when the customer wants WeChat to be asked once more.
        """
        tx_sudo = self._find_transaction(reference, access_token)
        if tx_sudo and tx_sudo.state not in ('done', 'authorized'):
            response = self._ask_who_pays(tx_sudo, is_wanted=bool(identify))
            if response:
                return response
        response = super().wechat_pay_page(
            reference, access_token=access_token, returned=returned, **kwargs,
        )
        if response.is_qweb:
            client = response.qcontext['client']
            path = tx_sudo._wechat_get_page_path()
            response.qcontext.update(
                payer_problem=self._get_payers().get(tx_sudo.reference, {}).get('problem', ''),
                identify_path=f'{path}&identify=1',
                handover_url=tx_sudo._wechat_get_handover_url() if is_web_view(client) else '',
            )
        return response

    @http.route()
    def wechat_pay_start(
        self, reference=None, access_token=None, retry=False, scan=False, **kwargs,
    ):
        """Override of `wechat_payment` to know the payer of a replaced transaction too.

        :param bool scan: Whether the customer wants a QR code although WeChat knows them.
        """
        if scan:
            tx_sudo = self._get_transaction(reference, access_token)
            self._remember(tx_sudo.reference, {'problem': ''})
        values = super().wechat_pay_start(
            reference=reference, access_token=access_token, retry=retry, **kwargs,
        )
        payer = self._get_payers().get(reference)
        if payer and values['reference'] != reference:
            self._remember(values['reference'], payer)
        return values

    def _get_client(self, tx_sudo):
        """Override of `wechat_payment` to add the openid of a customer inside WeChat."""
        client = super()._get_client(tx_sudo)
        if not can_pay_in_page(client):
            return client
        app_id, openid = self._find_payer(tx_sudo)
        return replace(client, app_id=app_id, openid=openid) if openid else client

    # === WHO PAYS === #

    def _get_payers(self):
        """Return what this session knows of payers, by reference.

        :rtype: dict
        """
        return request.session.get(PAYERS) or {}

    def _remember(self, reference, payer):
        """Keep who pays a transaction, in this session and for this transaction only.

        :param str reference: The transaction's reference.
        :param dict payer: See `PAYERS`.
        """
        payers = {key: value for key, value in self._get_payers().items() if key != reference}
        kept = dict(list(payers.items())[1 - MAX_PAYERS:])
        request.session[PAYERS] = {**kept, reference: payer}

    def _find_payer(self, tx_sudo):
        """Return the official account and the openid of the customer, if WeChat told them.

        It did for this transaction, or as the session was opened by a login with WeChat. A user who
        came by a password may be another person than the one whose WeChat shows the page.

        :param payment.transaction tx_sudo: What is to be paid.
        :return: The app's id and the openid; 0 and empty if it is not known.
        :rtype: tuple[int, str]
        """
        apps = tx_sudo.provider_id._wechat_get_page_apps()
        payer = self._get_payers().get(tx_sudo.reference)
        if payer:
            is_fresh = time.time() - payer.get('time', 0) < PAYER_LIFETIME
            if 'problem' in payer or is_fresh and payer['app_id'] in apps.ids:
                return payer.get('app_id', 0), payer.get('openid', '')
        identity = request.env['wechat.identity'].sudo().browse(
            request.session.get('wechat_identity_id')
        ).exists()
        if (
            identity and identity.user_id.id == request.session.uid and identity.app_id in apps
            and identity.app_id.id == request.session.get('wechat_app_id')
        ):
            return identity.app_id.id, identity.openid
        return 0, ''

    def _ask_who_pays(self, tx_sudo, is_wanted):
        """Send the browser to WeChat, which tells silently who holds the phone.

        :param payment.transaction tx_sudo: What is to be paid.
        :param bool is_wanted: Whether the customer asks for it, after it did not work.
        :return: The redirect; `None` if there is nothing to ask or it does not work.
        :rtype: Response|None
        """
        client = self._get_client(tx_sudo)
        app = tx_sudo.provider_id._wechat_get_page_apps()[:1]
        if not can_pay_in_page(client) or client.openid or not app:
            return None
        if not is_wanted and (
            'problem' in self._get_payers().get(tx_sudo.reference, {})
            or self._was_lost(tx_sudo, app)
        ):
            return None
        base_url = tx_sudo.provider_id._wechat_get_return_base_url(request.httprequest.host)
        if urlsplit(base_url).netloc != request.httprequest.host:
            # The session and the cookie would be another host's when WeChat sends them back.
            _logger.warning(
                "A payment page was opened inside WeChat at %s, which is no configured address of"
                " this Odoo: the customer gets a QR code.", request.httprequest.host,
            )
            self._note_problem(tx_sudo)
            return None
        state, browser = self._begin_login(
            app, 'mp', 'snsapi_base', tx_sudo.reference, intent=PAY_INTENT,
        )
        request.session[SENT_AT] = int(time.time())
        response = Response(status=303, headers=[('Location', app._oauth_authorize_url(
            base_url + self._identify_url, 'snsapi_base', state,
        ))])
        response.autocorrect_location_header = False
        return self._mark_browser(response, browser)

    def _was_lost(self, tx_sudo, app):
        """Tell whether this browser was sent to WeChat a while ago and did not come back.

        WeChat shows an error of its own then: 10003 if the site is not among the account's web
        authorization domains, 10005 if the account may not do this.

        :param payment.transaction tx_sudo: What is to be paid.
        :param wechat.app app: The official account.
        :rtype: bool
        """
        age = time.time() - request.session.get(SENT_AT, 0)
        if not DOUBLE_LOAD <= age < SENT_LIFETIME:
            return False
        _logger.warning(
            "A customer was sent to WeChat to pay %s and did not come back. If WeChat showed 10003,"
            " enter %s as a web authorization domain (网页授权域名) of %s; 10005: the account has"
            " no web authorization.",
            tx_sudo.reference, request.httprequest.host, app.appid,
        )
        self._note_problem(tx_sudo)
        return True

    def _note_problem(self, tx_sudo):
        """Keep that the customer is not known; the page tells it and shows a QR code.

        :param payment.transaction tx_sudo: What is to be paid.
        """
        request.session.pop(SENT_AT, None)
        self._remember(tx_sudo.reference, {'problem': request.env._(
            "WeChat did not tell the shop who you are, so you cannot pay inside WeChat now."
        )})

    # === BACK FROM WECHAT === #

    @http.route(
        _identify_url, type='http', auth='public', methods=['GET'], website=True, multilang=False,
        sitemap=False,
    )
    def wechat_pay_identify(self, code='', state='', **_kwargs):
        """Take the browser back from WeChat, learn who pays, and go on with the payment page.

        Nobody is logged in, and no user is made.

        :param str code: What WeChat gave.
        :param str state: What was sent along.
        :return: The redirect to the payment page; an error page if nobody knows which it is.
        :rtype: Response
        """
        try:
            pending = self._take_pay_state_once(state)
        except WeChatError:
            return self._answer_lost_state()
        tx_sudo = request.env['payment.transaction'].sudo().search(
            [('reference', '=', pending['next']), ('provider_code', '=', 'wechat_pay')], limit=1,
        )
        app_sudo = request.env['wechat.app'].sudo().browse(pending['app_id'])
        if not tx_sudo or app_sudo not in tx_sudo.provider_id._wechat_get_page_apps():
            return self._answer_lost_state()
        request.session.pop(SENT_AT, None)
        try:
            if not _CODE.fullmatch(code):
                raise WeChatError("no code, or a malformed one", code='bad_request')
            access = self._exchange_code_once(app_sudo._oauth_identify, code)
            self._remember(tx_sudo.reference, {
                'app_id': app_sudo.id, 'openid': access['openid'], 'time': int(time.time()),
            })
        except WeChatError as error:
            _logger.info(
                "WeChat did not say who pays %s: %s (%s) %s", tx_sudo.reference, error.code,
                error.errcode, error,
            )
            self._note_problem(tx_sudo)
        return self._go_to_page(tx_sudo)

    def _take_pay_state_once(self, state):
        """Take the state that came back, once for all runs of this request.

        :raise WeChatError: `bad_request` if it is used, old, another browser's or another purpose's
        """
        pending = getattr(request, 'wechat_pay_pending', None)
        if pending is None:
            pending = request.env['wechat.oauth.state']._take(
                state, request.httprequest.cookies.get(COOKIE), (PAY_INTENT,),
            )
            request.env.cr.commit()  # pylint: disable=invalid-commit
            request.wechat_pay_pending = pending
        return pending

    def _answer_lost_state(self):
        """Answer a return that cannot be used; this browser's own payment goes on without it.

        :rtype: Response
        """
        tx_sudo = request.env['payment.transaction'].sudo().browse(
            request.session.get(PaymentPostProcessing.MONITORED_TX_ID_KEY)
        ).exists()
        if tx_sudo.provider_code == 'wechat_pay':
            if tx_sudo.reference not in self._get_payers():
                self._note_problem(tx_sudo)
            return self._go_to_page(tx_sudo)
        response = request.render(
            'wechat_payment_official_account.identify_error', status=400,
        )
        response.headers['Cache-Control'] = 'no-store'
        return response

    @staticmethod
    def _go_to_page(tx_sudo):
        """Return the redirect to a payment page.

        :rtype: Response
        """
        response = request.redirect(tx_sudo._wechat_get_page_path())
        response.headers['Cache-Control'] = 'no-store'
        return response
