# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.payable import Payable


class PaymentTransaction(models.Model):
    """Payment codes at the till: `wechat_charge_code` with an order of the point of sale."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - PAYMENT CODES === #

    @api.model
    def _wechat_payable_pos_order(self, document_id, _access_token=None):
        """Return an order of the point of sale as something one can pay, its row locked.

        Only at the till: customers pay on the order's own page, whatever token they have.

        :param int document_id: The order's id.
        :rtype: Payable
        :raise WeChatError: `not_payable`; `misconfigured` if the point of sale does not take WeChat
            Pay; `wechat_busy` if somebody else holds the order; `bad_request` away from the till.
        """
        if not self.env.context.get('wechat_at_till'):
            raise WeChatError(
                self.env._("Orders of the point of sale are paid at the till."),
                code='bad_request',
            )
        refusal = self.env._("There is no such order that you could charge.")
        order_sudo = self._wechat_get_accessible_document(
            'pos.order', document_id, None, refusal=refusal,
        )
        if not order_sudo.sudo(False).has_access('write'):  # As the till's own calls ask for.
            raise WeChatError(refusal, code='not_payable')
        self._wechat_lock_documents(order_sudo)
        problem = order_sudo._wechat_find_till_problem()
        amount = order_sudo._wechat_get_amount_due()
        if not problem and order_sudo.currency_id.compare_amounts(amount, 0) <= 0:
            problem = self.env._("This order is already paid.")
        if problem:
            raise WeChatError(problem, code='not_payable')
        return Payable(
            document=order_sudo,
            company=order_sudo.company_id,
            # As on the order's page.
            partner=order_sudo.partner_id or order_sudo.company_id._get_public_user().partner_id,
            currency=order_sudo.currency_id,
            amount=amount,
            description=f'{order_sudo.company_id.name} {order_sudo.pos_reference}',
            transactions=order_sudo._wechat_get_transactions(),
            create_values={'pos_order_id': order_sudo.id},
            providers=self._wechat_find_till_providers(order_sudo),
        )

    @api.model
    def _wechat_find_till_providers(self, order_sudo):
        """Return which providers take WeChat Pay at the order's point of sale.

        :param pos.order order_sudo: The order.
        :return: The providers, in sudo mode.
        :rtype: payment.provider
        :raise WeChatError: `misconfigured` if there is none.
        """
        method = order_sudo.online_payment_method_id
        providers = method and method._get_online_payment_providers(
            order_sudo.config_id.id, error_if_invalid=False,
        ).filtered(lambda provider: provider.code == 'wechat_pay')
        if not providers:
            raise WeChatError(
                self.env._(
                    "The point of sale %(name)s does not take WeChat Pay: add an online payment"
                    " method with this provider to it.",
                    name=order_sudo.config_id.name,
                ),
                code='misconfigured',
            )
        return providers
