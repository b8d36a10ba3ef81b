# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import oaep
from odoo.addons.wechat_payment.protocol.refunds import REFUND_PATH


class PaymentTransaction(models.Model):
    """Completing a refund that the customer's card or account did not take (A6.3)."""

    _inherit = 'payment.transaction'

    wechat_is_completed_by_hand = fields.Boolean(
        compute='_compute_wechat_is_completed_by_hand',
        help="The provider uses API v2 only, which has no call that completes a refund.",
    )

    # === COMPUTE METHODS === #

    @api.depends('provider_id.wechat_api_version')
    def _compute_wechat_is_completed_by_hand(self):
        for tx in self:
            tx.wechat_is_completed_by_hand = tx.provider_id.sudo().wechat_api_version == 'v2'

    # === BUSINESS METHODS - REFUNDS === #

    def _wechat_complete_abnormal_refund(self, bank_account=None):
        """Have an abnormal refund paid to a bank account instead.

        The state is not taken from the acceptance; WeChat Pay is asked for it.

        :param dict bank_account: The customer's {bank_type, bank_account, real_name}, sent
            encrypted and kept nowhere; none: the merchant's own account, who then pays the
            customer.
        :return: None
        :raise UserError: If the refund is not abnormal (any more).
        :raise WeChatError: If WeChat Pay refuses, or the outcome is not known.
        """
        self.ensure_one()
        tx = self.sudo()
        if tx._wechat_is_open_refund():
            tx._wechat_query_refund()
            tx._wechat_commit()  # What was found must stay, and no lock is held during the call.
        if tx.state != 'pending' or tx.wechat_refund_status != 'ABNORMAL':
            raise UserError(self.env._(
                "WeChat Pay does not wait for anything with this refund. Its state there:"
                " %(state)s.",
                state=tx.wechat_refund_status or '-',
            ))
        if tx.wechat_is_completed_by_hand:
            raise UserError(tx._wechat_describe_abnormal_refund())
        provider = tx.provider_id
        payload, headers = {'out_refund_no': tx.reference}, {}
        if sub_mchid := provider.wechat_sub_mch_id:
            payload['sub_mchid'] = sub_mchid
        if bank_account:
            serial_no, key_pem = provider._wechat_get_encryption_key()
            if not key_pem:
                raise provider._wechat_misconfigured('keys_missing')
            headers['Wechatpay-Serial'] = serial_no
            payload |= {
                'type': 'USER_BANK_CARD',
                'bank_type': bank_account['bank_type'],
                'bank_account': oaep.encrypt(bank_account['bank_account'], key_pem),
                'real_name': oaep.encrypt(bank_account['real_name'], key_pem),
            }
        else:
            payload['type'] = 'MERCHANT_BANK_CARD'
        path = f'{REFUND_PATH}/{tx.wechat_refund_id}/apply-abnormal-refund'
        try:
            answer = provider._wechat_send_signed(path, payload, headers)
        except WeChatPayRefused as error:
            raise UserError(tx._wechat_describe_refused_refund(error)) from None
        tx._wechat_lock()
        if problem := tx._wechat_find_refund_mismatch(answer):
            tx._wechat_alert(problem)
        elif tx.state == 'pending':
            tx.wechat_refund_status = 'PROCESSING'
            tx._wechat_drop_abnormal_alert()
        tx.wechat_query_count = 0
        tx._wechat_schedule_query()
