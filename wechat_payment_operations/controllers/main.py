# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import http
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError


class WechatPayTransferController(http.Controller):
    _transfer_url = '/wechat/payment/transfer'
    _transfer_status_url = '/wechat/payment/transfer/status'
    _transfers_url = '/wechat/payment/transfers'

    @http.route(_transfer_url, type='jsonrpc', auth='user', methods=['POST'])
    def wechat_pay_transfer(self, out_bill_no=None, **_kwargs):
        """Return what the client shows the page with on which a transfer is confirmed (A9.2).

        :param str out_bill_no: The number of a transfer to the signed-in user.
        :return: {mchId, appId, package}, for `wx.requestMerchantTransfer`.
        :rtype: dict
        :raise WeChatError: `bad_request` if no such transfer waits for this user.
        """
        self._check_out_bill_no(out_bill_no)
        return request.env['wechat.pay.transfer']._get_client_values(out_bill_no)

    @http.route(_transfer_status_url, type='jsonrpc', auth='user', methods=['POST'])
    def wechat_pay_transfer_status(self, out_bill_no=None, **_kwargs):
        """Return what became of a transfer to the signed-in user.

        :param str out_bill_no: The number.
        :return: {out_bill_no, state}; state: waiting, processing, cancelling, done, failed,
            cancelled.
        :rtype: dict
        :raise WeChatError: `bad_request` if no such transfer was sent to this user.
        """
        self._check_out_bill_no(out_bill_no)
        return request.env['wechat.pay.transfer']._get_status_for_client(out_bill_no)

    @http.route(_transfers_url, type='jsonrpc', auth='user', methods=['POST'])
    def wechat_pay_transfers(self, **_kwargs):
        """Return the transfers that wait for the signed-in user to confirm them.

        :return: [{out_bill_no, amount (major units), currency (ISO code), remark}]
        :rtype: list[dict]
        """
        return request.env['wechat.pay.transfer']._get_waiting_for_client()

    # === HELPERS === #

    def _check_out_bill_no(self, out_bill_no):
        """Check that a client sent what may be the number of a transfer.

        :param out_bill_no: What was sent.
        :return: None
        :raise WeChatError: `bad_request` if not.
        """
        if not isinstance(out_bill_no, str) or not 0 < len(out_bill_no) <= 32:
            raise WeChatError(
                request.env._("out_bill_no must be the number of one transfer."),
                code='bad_request',
            )
