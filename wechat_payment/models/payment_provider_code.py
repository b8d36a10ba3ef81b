# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatUnknown
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, errors, v2_errors, v2_orders

# Payment codes (A5). v2: B2.6, B2.7.
V2_PAY_PATH = '/pay/micropay'
V2_REVERSE_PATH = '/secapi/pay/reverse'

# What a reversal answers for a number under which no payment ever arrived.
UNKNOWN_ORDER_CODES = (
    'ORDERNOTEXIST', 'ORDER_NOT_EXIST', 'ORDER_NOT_EXISTS', 'INVALID_TRANSACTIONID',
    'RESOURCE_NOT_EXISTS',
)


class PaymentProvider(models.Model):
    """Payment codes: the cashier scans what the customer's phone shows (A5)."""

    _inherit = 'payment.provider'

    wechat_code_pay_version = fields.Selection(
        string="Payment Codes By", required=True, default='v2', groups='base.group_system',
        selection=[('v2', "API v2 (micropay)"), ('v3', "API v3 (codepay)")],
        help="How the cashier's scans of customers' payment codes (付款码支付) reach WeChat Pay."
             " API v2 works for every merchant who has the product; it needs the APIv2 key and the"
             " merchant certificate. API v3 is open to few merchants.",
    )
    wechat_store_code = fields.Char(
        string="Store Code", default='1', copy=False, groups='base.group_system',
        help="Your own code of the store in which payment codes are scanned. API v3 asks for it.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('wechat_store_code')
    def _check_wechat_store_code(self):
        for provider in self:
            if len(provider.wechat_store_code or '') > 32:
                raise ValidationError(self.env._(
                    "A store code has 32 characters at most."
                ))

    # === BUSINESS METHODS - PAYMENT CODES === #

    @api.model
    def _wechat_companies_take_codes(self, companies):
        """Return which companies can take payment codes, for who may not read providers.

        :param res.company companies: The companies.
        :rtype: res.company
        """
        providers = self.sudo().search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('company_id', 'parent_of', companies.ids), ('wechat_app_ids', '!=', False),
        ]).filtered(lambda provider: not provider._wechat_find_code_problem())
        return companies.filtered(
            lambda company: company.sudo().parent_ids & providers.company_id
        )

    def _wechat_find_code_problem(self):
        """Return which setting is missing to take payment codes, and to reverse the payments.

        :return: A reason of `_wechat_describe_problem`, or `None`.
        :rtype: str|None
        """
        self.ensure_one()
        provider = self.sudo()
        if provider.wechat_code_pay_version == 'v3':
            # An enabled provider of API v2 need not have what v3 needs.
            return None if provider._wechat_has_version('v3') else 'v3_keys_missing'
        if not provider._wechat_has_v2():
            return 'v2_key_missing'
        if not (provider.wechat_merchant_certificate and provider.wechat_merchant_private_key):
            return 'client_certificate_missing'
        return None

    def _wechat_build_code_order(self, tx, description, device_info=''):
        """Return what a payment by code says, without the code itself.

        :param payment.transaction tx: The transaction.
        :param str description: What the customer reads in the bill.
        :param str device_info: The merchant's own name of the terminal; may be empty.
        :return: The body of codepay (A5), or the parameters of micropay (B2.6).
        :rtype: dict
        """
        self.ensure_one()
        total = amounts.to_fen(tx.amount)
        if tx.wechat_api_version == 'v2':
            return {
                **self._wechat_get_v2_code_parties(tx.wechat_app_id),
                'body': description,
                'out_trade_no': tx.reference,
                'total_fee': total,
                'fee_type': tx.currency_id.name,
                'spbill_create_ip': self._wechat_get_terminal_address(),
                **({'device_info': device_info} if device_info else {}),
            }
        return {
            **self._wechat_get_parties(tx.wechat_app_id),
            'description': description,
            'out_trade_no': tx.reference,
            'amount': {'total': total, 'currency': tx.currency_id.name},
            'scene_info': {
                **({'device_id': device_info} if device_info else {}),
                'store_info': {'out_id': self.wechat_store_code or '1'},
            },
        }

    def _wechat_get_v2_code_parties(self, app):
        """Return the apps that a call of API v2 names; the transport adds the merchants.

        :param wechat.app app: The app of the order.
        :return: {appid[, sub_appid]}
        :rtype: dict
        """
        parties = self._wechat_get_v2_parties(app)
        return {name: parties[name] for name in ('appid', 'sub_appid') if parties.get(name)}

    @api.model
    def _wechat_get_terminal_address(self):
        """Return the address from which the cashier charges.

        :return: An IP address.
        :rtype: str
        """
        return (request and request.httprequest.remote_addr) or '127.0.0.1'

    def _wechat_send_code(self, tx, body, auth_code):
        """Charge who showed a payment code. This call is never repeated: a code is used once.

        :param payment.transaction tx: The transaction, whose number is committed.
        :param dict body: What was built by `_wechat_build_code_order`.
        :param str auth_code: The 18 digits.
        :return: WeChat Pay's order as v3 tells it (A4.5).
        :rtype: dict
        :raise WeChatPayRefused: Nothing was done, unless the code is one of the order's state.
        :raise WeChatError: As the transport does: mostly, the outcome is open.
        """
        self.ensure_one()
        if tx.wechat_api_version == 'v2':
            answer = self._wechat_request_v2(V2_PAY_PATH, {**body, 'auth_code': auth_code})
            return self._wechat_read_v2_code_order({**answer, 'trade_state': 'SUCCESS'})
        return self._wechat_request(
            'POST', f'{self._wechat_get_order_path()}/codepay',
            payload={**body, 'payer': {'auth_code': auth_code}},
        )

    def _wechat_read_v2_code_order(self, message):
        """Return the order of a verified answer of API v2 as v3 tells it.

        :param dict message: The fields of the answer.
        :rtype: dict
        :raise WeChatUnknown: If they cannot be read.
        """
        try:
            return v2_orders.read_order(message)
        except v2_orders.V2OrderError:
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            ) from None

    def _wechat_send_reverse(self, tx):
        """Take a payment by code back, or see to it that it will never happen (A5, B2.7).

        Unpaid, it is closed; paid, the money goes back. It may be called as often as one likes.

        :param payment.transaction tx: The transaction.
        :return: `done`; `again` if WeChat Pay wants to be called again; `unknown` if it has never
            seen the number; `refused` if it will never do it.
        :rtype: str
        :raise WeChatError: If WeChat Pay does not answer or cannot be verified, or if an
            administrator must mend something.
        """
        self.ensure_one()
        try:
            if tx._wechat_get_api_version() == 'v2':
                answer = self._wechat_request_v2(
                    V2_REVERSE_PATH,
                    {
                        **self._wechat_get_v2_code_parties(tx.wechat_app_id),
                        'out_trade_no': tx.reference,
                    },
                    certificate=True, repeatable=True,
                )
                return 'again' if answer.get('recall') == 'Y' else 'done'
            parties = self._wechat_get_parties(tx.wechat_app_id)
            self._wechat_request(
                'POST', f'{self._wechat_get_order_path()}/out-trade-no/{tx.reference}/reverse',
                payload=parties, repeatable=True,
            )
        except WeChatPayRefused as error:
            if error.wechat_code in UNKNOWN_ORDER_CODES:
                return 'unknown'
            if error.code == 'misconfigured':
                raise
            if error.wechat_code in ('REVERSE_EXPIRE', 'TRADE_ERROR'):
                return 'refused'
            return 'again'  # Called too early (INVALID_REQUEST), or what else passes.
        return 'done'

    @api.model
    def _wechat_is_order_state_code(self, code):
        """Tell whether a refusal speaks of the order's state rather than of this attempt.

        :param str code: WeChat Pay's code.
        :rtype: bool
        """
        return code in v2_errors.ORDER_STATE_CODES or code in errors.ORDER_STATE_CODES
