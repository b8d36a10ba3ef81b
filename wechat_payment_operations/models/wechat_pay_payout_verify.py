# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayPayout(models.AbstractModel):
    """What may change between the draft that somebody looked at and the call."""

    _inherit = 'wechat.pay.payout'

    recipient_openid = fields.Char(
        string="Recipient's openid", compute='_compute_recipient_openid', store=True,
        precompute=True, help="When the draft was made: nobody else gets its money.",
    )

    # === COMPUTE METHODS === #

    # Not of the identity's openid: what changes there later must not change it here.
    @api.depends('identity_id')
    def _compute_recipient_openid(self):
        for payout in self:
            payout.recipient_openid = payout.identity_id.sudo().openid

    # === ACTION METHODS === #

    def action_send(self):
        """Override to send a draft as it was seen: the button says so (`wechat_seen`)."""
        seen = self.env.context.get('wechat_seen')
        if seen and len(self) == 1 and self.state == 'draft' and (
            list(seen) != [self.identity_id.id, self.amount]
        ):
            raise UserError(self.env._(
                "This draft was changed since you opened it. Look at it again."
            ))
        return super().action_send()

    # === BUSINESS METHODS === #

    def _send(self):
        """Override to send nothing to anybody but who was drafted.

        Identities are kept by others than those who prepare and send money.
        """
        self._check_is_manager()
        payout = self.sudo()
        if not payout.body:  # Else it is repeated to the letter.
            payout._check_recipient()
        return super()._send()

    def _check_recipient(self):
        """Check that the recipient is the person of the draft.

        :return: None
        :raise UserError: If not.
        """
        self._check_identity()
        identity = self.identity_id
        partner = identity.partner_id or identity.user_id.partner_id
        if identity.openid != self.recipient_openid or (
            self.partner_id and partner != self.partner_id
        ):
            raise UserError(self.env._(
                "The recipient's openid or contact was changed since this draft was made. Make sure"
                " who gets the money, and make a new draft."
            ))

    def _call(self):
        """Override to make no call for a provider that was disabled; it is still asked."""
        if self.provider_id.state == 'disabled':
            _logger.warning("Payout %s is not sent: its provider is disabled.", self.id)
            return
        super()._call()

    def _query(self):
        """Override to ask nothing about what WeChat Pay was never told."""
        if not self.sudo().body:
            return False
        return super()._query()
