# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.client import Client


class WechatPayCheckoutController(http.Controller):
    """The page on which a customer of the website or the portal pays."""

    _page_url = '/payment/wechat_pay/pay/<string:reference>'
    _start_url = '/payment/wechat_pay/start'
    _poll_url = '/payment/wechat_pay/poll'
    _cancel_url = '/payment/wechat_pay/cancel'

    @http.route(
        _page_url, type='http', auth='public', methods=['GET'], website=True, sitemap=False,
    )
    def wechat_pay_page(self, reference, access_token='', returned=None, **_kwargs):
        """Show the payment page; its script places the order.

        :param str reference: The transaction's reference.
        :param str access_token: The token of this page.
        :param str returned: Set when WeChat sent the customer back.
        :return: The page, or a redirect to the status page if there is nothing left to pay.
        :rtype: Response
        :raise NotFound: Without the right token.
        """
        tx_sudo = self._find_transaction(reference, access_token)
        if not tx_sudo:
            raise NotFound()  # Whether there is such a number is nobody's business.
        PaymentPostProcessing.monitor_transaction(tx_sudo)
        if tx_sudo.state in ('done', 'authorized'):
            return request.redirect('/payment/status')
        client = self._get_client(tx_sudo)
        response = request.render('wechat_payment.checkout_page', {
            'tx': tx_sudo,
            'access_token': access_token,
            'client': client,
            'is_returned': bool(returned),
            'cancel_route': tx_sudo._wechat_get_cancel_route(),
        })
        response.headers['Cache-Control'] = 'no-store'
        # WeChat Pay checks the site of the page that H5 comes from; the rest of the address, which
        # holds the token, stays here.
        response.headers['Referrer-Policy'] = 'strict-origin-when-cross-origin'
        return response

    @http.route(_start_url, type='jsonrpc', auth='public', methods=['POST'], website=True)
    def wechat_pay_start(self, reference=None, access_token=None, retry=False, **_kwargs):
        """Place the order, or renew what has expired.

        :param str reference: The transaction's reference.
        :param str access_token: The token of its page.
        :param bool retry: Whether to pay again after a refusal or cancellation.
        :return: See `_wechat_get_checkout_values`.
        :rtype: dict
        :raise WeChatError: With a code word and what to do.
        """
        tx_sudo = self._get_transaction(reference, access_token)
        if not tx_sudo._wechat_has_live_result():
            request.env['wechat.call'].sudo()._count(request.httprequest.remote_addr)
        tx_sudo = tx_sudo._wechat_start_checkout(
            self._get_client(tx_sudo), retry=bool(retry),
        )
        PaymentPostProcessing.monitor_transaction(tx_sudo)
        return tx_sudo._wechat_get_checkout_values(
            tx_sudo.provider_id._wechat_get_return_base_url(request.httprequest.host)
        )

    @http.route(_poll_url, type='jsonrpc', auth='public', methods=['POST'], website=True)
    def wechat_pay_poll(self, reference=None, access_token=None, check=False, **_kwargs):
        """Return the state of the payment as Odoo knows it.

        :param str reference: The transaction's reference.
        :param str access_token: The token of its page.
        :param bool check: Whether the customer wants WeChat Pay to be asked.
        :return: {state, message}, and {reference, access_token, path} if another transaction has
            taken the place of this one.
        :rtype: dict
        :raise WeChatError: `bad_request` without the right token.
        """
        tx_sudo = self._get_transaction(reference, access_token)
        successor_sudo = tx_sudo._wechat_find_successor()
        if not successor_sudo:
            return tx_sudo._wechat_poll(check=bool(check))
        PaymentPostProcessing.monitor_transaction(successor_sudo)
        return {
            **successor_sudo._wechat_poll(check=bool(check)),
            **successor_sudo._wechat_get_page_values(),
        }

    @http.route(_cancel_url, type='jsonrpc', auth='public', methods=['POST'], website=True)
    def wechat_pay_cancel(self, reference=None, access_token=None, **_kwargs):
        """Cancel the payment: at WeChat Pay first, then here.

        :param str reference: The transaction's reference.
        :param str access_token: The token of its page.
        :return: {state, route}: where to go now.
        :rtype: dict
        :raise WeChatError: If it cannot be made sure that nothing is paid any more.
        """
        tx_sudo = self._get_transaction(reference, access_token)
        if tx_sudo._wechat_is_open():
            request.env['wechat.call'].sudo()._count(request.httprequest.remote_addr)
        tx_sudo._wechat_cancel_checkout()
        is_paid = tx_sudo.state in ('done', 'authorized')
        return {
            'state': tx_sudo.state,
            'route': '/payment/status' if is_paid else tx_sudo._wechat_get_cancel_route(),
        }

    @staticmethod
    def _find_transaction(reference, access_token):
        return request.env['payment.transaction']._wechat_find_by_access_token(
            reference, access_token,
        )

    @classmethod
    def _get_transaction(cls, reference, access_token):
        """Return the transaction that the token opens.

        :rtype: payment.transaction
        :raise WeChatError: `bad_request` if there is none.
        """
        tx_sudo = cls._find_transaction(reference, access_token)
        if not tx_sudo:
            raise WeChatError(
                request.env._("This payment link is not valid. Please start the payment again."),
                code='bad_request',
            )
        return tx_sudo

    def _get_client(self, tx_sudo):
        """Return what the request shows of the customer's device.

        A hook: who knows the customer's openid adds it.

        :param payment.transaction tx_sudo: What the customer pays, in sudo mode.
        :rtype: Client
        """
        http_request = request.httprequest
        return Client(http_request.remote_addr or '', http_request.user_agent.string)
