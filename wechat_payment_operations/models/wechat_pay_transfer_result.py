# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.const import PAYOUT_STATUS_SECONDS
from odoo.addons.wechat_payment_operations.models.wechat_pay_payout import FINAL_STATES
from odoo.addons.wechat_payment_operations.protocol import transfers

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)

# What may be taken back (A9.3).
CANCELLABLE_STATES = ('processing', 'waiting')
# States at WeChat Pay in which the page of confirmation may be shown (A9.2).
CONFIRMABLE_STATES = ('WAIT_USER_CONFIRM', 'TRANSFERING')


class WechatPayTransfer(models.Model):
    """What becomes of transfers: cancelled here, confirmed by the recipient, notified."""

    _inherit = 'wechat.pay.transfer'

    # === BUSINESS METHODS - CANCELLING === #

    def _cancel(self):
        """Take this transfer back. Whether that was in time is what WeChat Pay says then.

        :return: None
        :raise AccessError: If this user may not.
        :raise UserError: If there is nothing to take back, or WeChat Pay must be asked first.
        """
        self.ensure_one()
        self._check_is_manager()
        transfer = self._in_company_language()
        transfer._lock()
        if transfer.state == 'refused':
            transfer._commit()
            transfer._give_up()
            return
        if transfer.state not in CANCELLABLE_STATES:
            raise UserError(self.env._(
                "%(name)s cannot be cancelled: its state is “%(state)s”.",
                name=transfer.display_name, state=self._get_state_label(),
            ))
        transfer._message_log(
            body=self.env._("%(name)s cancels the transfer.", name=self.env.user.name),
        )
        transfer.query_count = 0
        transfer._schedule()
        transfer._commit()
        path = f'{transfers.TRANSFER_PATH}/out-bill-no/{transfer.out_bill_no}/cancel'
        try:
            transfer._get_calling_provider()._wechat_request('POST', path)
        except WeChatError as error:
            # Too late, or not known: what holds is what WeChat Pay says when asked.
            _logger.warning("Could not cancel transfer %s: %s", transfer.out_bill_no, error)
        transfer._keep(transfer._try_query)

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    def _process_notification(self, provider, content):
        """Apply a verified and decrypted notification (A9.3).

        :param payment.provider provider: The provider whose address was notified.
        :param dict content: The decrypted content.
        :return: None
        """
        out_bill_no = content.get('out_bill_no')
        transfer = self.search([
            ('out_bill_no', '=', out_bill_no), ('provider_id', '=', provider.id),
            ('state', '!=', 'draft'),
        ], limit=1) if isinstance(out_bill_no, str) and out_bill_no else self.browse()
        if not transfer:
            # Another database may share the merchant; telling so would only help who guesses.
            _logger.warning("WeChat Pay notified an unknown transfer.")
            return
        transfer = transfer._in_company_language()
        try:
            answer = transfers.read_transfer(content)
        except transfers.TransferError as error:
            transfer._alert(transfer.env._(
                "WeChat Pay notified this transfer in a way that cannot be read (%(name)s). Nothing"
                " was changed.", name=str(error),
            ))
            return
        missing = [
            name for name in ('mch_id', 'openid', 'transfer_amount') if name not in answer
        ]
        if missing or transfers.STATES[answer['state']] not in ('done', 'failed', 'cancelled'):
            # It says too little, or what this event never says: WeChat Pay is asked.
            transfer.next_query = fields.Datetime.now()
            transfer.env.ref('wechat_payment_operations.cron_wechat_transfers')._trigger()
            return
        transfer._apply(answer)

    # === BUSINESS METHODS - THE RECIPIENT === #

    @api.model
    def _find_own(self, domain):
        """Return transfers to the current user.

        Only by an identity that this user signs in with: a contact may be shared.

        :param Domain domain: Which of them.
        :return: The transfers, in sudo mode.
        :rtype: wechat.pay.transfer
        """
        domain &= Domain('identity_id.user_id', '=', self.env.uid)
        return self.sudo().search(domain, limit=100)

    @api.model
    def _get_waiting_for_client(self):
        """Return what waits for the current user to confirm it.

        :return: [{out_bill_no, amount (major units), currency, remark}]
        :rtype: list[dict]
        """
        return [{
            'out_bill_no': transfer.out_bill_no,
            'amount': transfer.amount,
            'currency': transfer.currency_id.name,
            'remark': transfer.remark,
        } for transfer in self._find_own(Domain('state', '=', 'waiting'))]

    @api.model
    def _get_client_values(self, out_bill_no):
        """Return what the current user's client needs to show the page of confirmation.

        It may be shown again while WeChat Pay is transferring (A9.2).

        :param str out_bill_no: The number.
        :return: {mchId, appId, package}
        :rtype: dict
        :raise WeChatError: `bad_request` if no such transfer waits for this user.
        """
        transfer = self._find_own(
            Domain('out_bill_no', '=', out_bill_no)
            & Domain('wechat_state', 'in', CONFIRMABLE_STATES)
        )
        if transfer and transfer._claim_query():
            transfer._keep(transfer._try_query)  # Kept, whatever is raised then.
        if (
            not transfer or transfer.wechat_state not in CONFIRMABLE_STATES
            or not transfer.package_info
        ):
            raise WeChatError(
                self.env._("There is no transfer that waits for you under this number."),
                code='bad_request',
            )
        return {
            'mchId': transfer.provider_id.wechat_mch_id,
            'appId': transfer.identity_id.app_id.appid,
            'package': transfer.package_info,
        }

    @api.model
    def _get_status_for_client(self, out_bill_no):
        """Return what became of a transfer to the current user; WeChat Pay is asked if it is open.

        :param str out_bill_no: The number.
        :return: {out_bill_no, state}
        :rtype: dict
        :raise WeChatError: `bad_request` if no such transfer was sent to this user.
        """
        transfer = self.sudo().search([
            ('identity_id.user_id', '=', self.env.uid), ('out_bill_no', '=', out_bill_no),
            ('wechat_state', '!=', False),
        ], limit=1)
        if not transfer:
            raise WeChatError(
                self.env._("There is no transfer to you under this number."), code='bad_request',
            )
        if transfer.state not in FINAL_STATES and transfer._claim_query():
            transfer._try_query()
        return {'out_bill_no': transfer.out_bill_no, 'state': transfer.state}

    def _claim_query(self):
        """Tell whether WeChat Pay may be asked now, and make other servers know that it was.

        :rtype: bool
        """
        now = fields.Datetime.now()
        earliest = now - timedelta(seconds=PAYOUT_STATUS_SECONDS)
        if self.last_query and self.last_query > earliest:
            return False
        self.last_query = now
        self._commit()
        return True
