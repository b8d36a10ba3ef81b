# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.protocol import amounts, order_numbers

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    wechat_app_id = fields.Many2one(
        string="WeChat App", comodel_name='wechat.app', readonly=True, index='btree_not_null',
    )
    wechat_openid = fields.Char(string="Payer (openid)", readonly=True)
    wechat_user_id = fields.Many2one(
        string="Asked For By", comodel_name='res.users', readonly=True, index='btree_not_null',
        help="The user who asked for this payment, and who may ask for its state.",
    )
    wechat_trade_type = fields.Selection(
        string="Trade Type", readonly=True,
        selection=[
            ('JSAPI', "JSAPI"), ('APP', "App"), ('NATIVE', "Native"), ('H5', "H5"),
            ('MICROPAY', "Payment Code"),
        ],
    )
    wechat_api_version = fields.Selection(
        string="API Version", selection=[('v3', "API v3"), ('v2', "API v2")], readonly=True,
        copy=False, help="The version of WeChat Pay's interface in which this was ordered.",
    )
    wechat_order_body = fields.Text(
        string="Order Sent to WeChat Pay", readonly=True, copy=False,
        groups='base.group_system',
        help="The order call as it was first made. It is repeated to the letter, never changed.",
    )
    wechat_time_expire = fields.Datetime(string="Can Be Paid Until", readonly=True, copy=False)
    wechat_prepay_id = fields.Char(
        string="Prepay ID", readonly=True, copy=False, groups='base.group_system',
    )
    wechat_pay_url = fields.Char(
        string="Payment Address", readonly=True, copy=False, groups='base.group_system',
        help="What the customer scans (Native) or opens (H5), as WeChat Pay returned it.",
    )
    wechat_prepay_expire = fields.Datetime(
        string="Prepay Expires", readonly=True, copy=False, groups='base.group_system',
        help="Until when the prepay ID or the payment address can be used.",
    )
    wechat_trade_state = fields.Char(
        string="State at WeChat Pay", readonly=True, copy=False,
        help="As WeChat Pay told it last.",
    )
    wechat_last_query = fields.Datetime(string="Last Asked", readonly=True, copy=False)
    wechat_next_query = fields.Datetime(string="Ask Next", readonly=True, copy=False)
    wechat_query_count = fields.Integer(string="Times Asked", readonly=True, copy=False)
    wechat_alert = fields.Text(
        string="Alert", readonly=True, copy=False,
        help="What WeChat Pay said that does not agree with this transaction. Nothing was changed"
             " because of it: a person must look.",
    )
    wechat_post_process_error = fields.Text(
        string="Trouble After Payment", readonly=True, copy=False,
        help="Why confirming the document or sending its mail did not work. It is tried again.",
    )
    wechat_is_mail_unsent = fields.Boolean(readonly=True, copy=False)
    wechat_is_message_pending = fields.Boolean(
        readonly=True, copy=False,
        help="The payment is not noted on the document yet: post-processing does it.",
    )

    # The cron looks for what is due and open.
    _wechat_next_query_idx = models.Index(
        "(wechat_next_query) WHERE wechat_next_query IS NOT NULL"
    )

    # === BUSINESS METHODS - PAYMENT FLOW === #

    @api.model
    def _compute_reference(self, provider_code, prefix=None, separator='-', **kwargs):
        """Override of `payment` to make references that are legal and unique at WeChat Pay.

        The reference is the out_trade_no: 6 to 32 characters, no `/`, never used before with this
        merchant, not even by a copy of this database (C).
        """
        if provider_code != 'wechat_pay':
            return super()._compute_reference(
                provider_code, prefix=prefix, separator=separator, **kwargs
            )

        # An empty prefix can mean that the document's name is to be found from the other values.
        prefix = prefix or self.sudo()._compute_reference_prefix(separator, **kwargs)
        return super()._compute_reference(
            provider_code, prefix=order_numbers.build_out_trade_no(prefix), separator=separator,
            **kwargs,
        )

    def _wechat_get_api_version(self):
        """Return the version in which WeChat Pay is to be called about this payment or refund.

        The one it was made with; the provider's, if that one's keys are no longer there.

        :return: `v3` or `v2`.
        :rtype: str
        """
        self.ensure_one()
        provider = self.provider_id.sudo()
        version = self.wechat_api_version
        if version and provider._wechat_has_version(version):
            return version
        return provider.wechat_api_version

    def _wechat_is_open(self):
        """Tell whether WeChat Pay may still change this transaction from unpaid to paid.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.provider_code == 'wechat_pay'
            and self.state in ('draft', 'pending')
            and bool(self.sudo().wechat_order_body)
        )

    # === BUSINESS METHODS - PROCESSING === #

    @api.model
    def _extract_reference(self, provider_code, payment_data):
        """Override of `payment` to extract the reference from an order of WeChat Pay."""
        if provider_code != 'wechat_pay':
            return super()._extract_reference(provider_code, payment_data)
        return payment_data.get('out_trade_no')

    def _extract_amount_data(self, payment_data):
        """Override of `payment` to extract the amount; none from an order that is not paid."""
        if self.provider_code != 'wechat_pay':
            return super()._extract_amount_data(payment_data)

        if payment_data.get('trade_state') not in const.PAID_TRADE_STATES:
            return None
        # What was ordered: `payer_total` is lowered by coupons, which WeChat Pay settles.
        amount = payment_data.get('amount') or {}
        return {
            'amount': float(amounts.to_yuan(amount.get('total') or 0)),
            'currency_code': amount.get('currency'),
        }

    def _apply_updates(self, payment_data):
        """Override of `payment` to update the transaction from an order of WeChat Pay."""
        if self.provider_code != 'wechat_pay':
            super()._apply_updates(payment_data)
            return

        # Update the provider reference.
        if payment_data.get('transaction_id'):
            self.provider_reference = payment_data['transaction_id']

        # The payment method stays: WeChat Pay has one.
        self.wechat_trade_state = payment_data.get('trade_state')

        # Update the payment state.
        if self.wechat_trade_state in const.PAID_TRADE_STATES:
            self.wechat_next_query = False
            was_canceled = self.state == 'cancel'
            self._set_done(extra_allowed_states=('cancel',))
            if was_canceled:
                self._log_message_on_linked_documents(self.env._(
                    "%(reference)s was paid after it had been cancelled here. The money is with the"
                    " merchant: deliver, or refund it.",
                    reference=self.reference,
                ))
        elif self.wechat_trade_state in const.CLOSED_TRADE_STATES:
            self.wechat_next_query = False
            if self.state in ('draft', 'pending'):
                self._set_canceled(state_message=self._wechat_describe_closing())
        elif self.wechat_trade_state not in ('NOTPAY', 'USERPAYING', 'ACCEPT', 'PAYERROR'):
            _logger.warning(
                "Received an unknown trade state (%s) for transaction %s.",
                self.wechat_trade_state, self.reference,
            )
