# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import v2_refund_info
from odoo.addons.wechat_payment.protocol.refunds import MAX_REFUNDS

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """Notifications of refunds in the format of API v2: encrypted, not signed (B3.2).

    They come for refunds of API v2, for those that are made by hand on pay.weixin.qq.com and, to
    merchants of v3 as well, for some others (A6.4, "Trap"). What they say is never applied: it is a
    reason to ask WeChat Pay, which the scheduled action does, as WeChat Pay waits for the answer.
    """

    _inherit = 'payment.transaction'

    wechat_told_refunds = fields.Text(
        readonly=True, copy=False, groups='base.group_system',
        help="Numbers of refunds that WeChat Pay is to be asked for, one a line.",
    )

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    def _wechat_process_v2_refund_notification(self, provider, message):
        """Have WeChat Pay asked for the refund that a notification of API v2 tells of.

        :param payment.provider provider: The provider whose address was notified.
        :param dict message: The elements of the notification, which is not signed.
        :return: Whether it could be read: else WeChat Pay is told so, and tells it again.
        :rtype: bool
        """
        provider = provider.sudo()
        txs = self.sudo().with_context(wechat_answer_first=True)
        try:
            if message.get('mch_id') != provider.wechat_mch_id:
                raise v2_refund_info.RefundInfoError("another merchant")
            if not provider.wechat_api_v2_key:
                raise v2_refund_info.RefundInfoError("there is no APIv2 key")
            refund = v2_refund_info.decrypt(message.get('req_info'), provider.wechat_api_v2_key)
        except v2_refund_info.RefundInfoError as error:
            _logger.warning(
                "Provider %s got a refund notification of API v2 that cannot be read: %s. Open"
                " refunds are asked for.", provider.id, error,
            )
            txs._wechat_ask_for_refunds(provider)
            return False
        source = txs._wechat_find_notified(provider, refund.get('out_trade_no'))
        known = txs._wechat_find_refund(provider, refund)
        if not source or known and known.source_transaction_id != source:
            # Another database may share the merchant; telling so would only help who guesses.
            _logger.warning(
                "WeChat Pay notified refund %r of the unknown order %r.",
                refund.get('out_refund_no'), refund.get('out_trade_no'),
            )
        elif known.state != 'done':
            source._wechat_ask_for_told_refund(refund.get('out_refund_no'))
        return True

    def _wechat_ask_for_told_refund(self, out_refund_no):
        """Have WeChat Pay asked soon for a refund of this payment.

        :param str out_refund_no: The number, from a message that is not believed.
        :return: None
        """
        self.ensure_one()
        numbers = (self.wechat_told_refunds or '').split()
        if (
            not isinstance(out_refund_no, str)
            or not re.fullmatch(r'[0-9A-Za-z_\-|*@]{1,64}', out_refund_no)
            or out_refund_no in numbers
            or len(numbers) >= MAX_REFUNDS
        ):
            return
        self.wechat_told_refunds = '\n'.join([*numbers, out_refund_no])
        self.wechat_query_count = 0
        self._wechat_ask_soon()

    # === BUSINESS METHODS - CRON === #

    def _wechat_find_told_refunds(self):
        """Ask WeChat Pay for the refunds of this payment that it told of.

        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should; it is asked again.
        """
        self.ensure_one()
        for number in (self.wechat_told_refunds or '').split():
            try:
                if not self._wechat_find_unknown_refund(number):
                    _logger.warning(
                        "WeChat Pay does not know refund %s of %s, of which it told, or it does"
                        " not agree with it.", number, self.reference,
                    )
            except WeChatPayRefused as error:
                self._wechat_alert(self.env._(
                    "WeChat Pay told of refund %(number)s and does not say how it stands:"
                    " %(error)s Enter the number with Find Refund when this is mended.",
                    number=number, error=str(error),
                ))
            numbers = (self.wechat_told_refunds or '').split()
            self.wechat_told_refunds = '\n'.join(n for n in numbers if n != number)
            self._wechat_commit()
