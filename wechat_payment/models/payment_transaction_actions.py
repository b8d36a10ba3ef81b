# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from odoo.addons.payment import utils as payment_utils


class PaymentTransaction(models.Model):
    """Buttons of the transaction's form. Who may write a transaction may press them, as in core."""

    _inherit = 'payment.transaction'

    wechat_alert_history = fields.Text(
        string="Alerts Seen", readonly=True, copy=False,
        help="Earlier alerts, with who saw each of them and when.",
    )
    wechat_needs_attention = fields.Boolean(
        string="Needs Attention", compute='_compute_wechat_needs_attention',
        search='_search_wechat_needs_attention',
        help="A person must look: an alert, a refund that is stuck, or trouble after a payment.",
    )

    # === COMPUTE METHODS === #

    def _compute_wechat_needs_attention(self):
        for tx in self:
            tx.wechat_needs_attention = bool(tx.filtered_domain(tx._wechat_get_attention_domain()))

    def _search_wechat_needs_attention(self, operator, value):
        if operator != 'in':
            return NotImplemented
        if set(value) == {True, False}:
            return []
        if True in value:
            return self._wechat_get_attention_domain()
        return ['!', *self._wechat_get_attention_domain()]

    def _wechat_get_attention_domain(self):
        """Return the domain of the transactions that a person must look at.

        :rtype: list
        """
        return [
            '&', ('provider_code', '=', 'wechat_pay'),
            '|', '|',
            ('wechat_alert', '!=', False),
            ('wechat_post_process_error', '!=', False),
            '&', ('wechat_refund_status', '=', 'ABNORMAL'), ('state', '=', 'pending'),
        ]

    # === ACTION METHODS === #

    def action_wechat_query(self):
        """Ask WeChat Pay for the payment or the refund, and say what it answered.

        :return: The notification for the user.
        :rtype: dict
        """
        tx = self._wechat_check_button()
        if tx.operation == 'refund':
            refund = tx._wechat_query_refund()
            state, description = refund.get('status'), ''
        else:
            order = tx._wechat_query()
            state, description = order.get('trade_state'), order.get('trade_state_desc')
        return tx._wechat_build_answer(state, description)

    def action_wechat_close(self):
        """Close the order at WeChat Pay so that it can no longer be paid, and say how it stands.

        :return: The notification for the user.
        :rtype: dict
        """
        tx = self._wechat_check_button()
        if not tx._wechat_is_open():
            raise UserError(self.env._("Only a payment that is open can be closed."))
        order = tx._wechat_close()
        if tx._wechat_is_open() and tx.wechat_is_close_pending:
            return tx._wechat_build_notification(tx._wechat_describe_close_delay(), 'warning')
        return tx._wechat_build_answer(order.get('trade_state'), order.get('trade_state_desc'))

    def action_wechat_post_process(self):
        """Run the post-processing now instead of waiting for the scheduled action.

        :return: None
        """
        tx = self._wechat_check_button()
        tx.env.ref('payment.cron_post_process_payment_tx').sudo()._trigger()

    def action_wechat_repeat_refund(self):
        """Ask for the refund, and send it again under its own number if WeChat Pay has it not.

        :return: The notification for the user.
        :rtype: dict
        """
        tx = self._wechat_check_button()
        if tx.operation != 'refund' or tx.state not in ('draft', 'pending', 'error'):
            raise UserError(self.env._("Only a refund that did not succeed can be repeated."))
        tx._wechat_repeat_refund()
        if tx.state == 'error':
            return tx._wechat_build_notification(tx.state_message, 'danger')
        if tx._wechat_is_waiting_refund():
            return tx._wechat_build_notification(tx.state_message, 'info')
        return tx._wechat_build_answer(tx.wechat_refund_status, tx.state_message)

    def action_wechat_alert_seen(self):
        """Take the alert away, and keep it with who saw it and when.

        :return: None
        """
        tx = self._wechat_check_button()
        if not tx.wechat_alert:
            return
        seen = self.env._(
            "%(date)s, %(user)s: %(alert)s",
            date=format_datetime(self.env, fields.Datetime.now()), user=self.env.user.name,
            alert=tx.wechat_alert,
        )
        tx.write({
            'wechat_alert': False,
            'wechat_alert_history': '\n'.join(filter(None, [tx.wechat_alert_history, seen])),
        })
        tx._log_message_on_linked_documents(self.env._(
            "%(user)s has seen the alert of %(reference)s.",
            user=self.env.user.name, reference=tx.reference,
        ))

    def action_wechat_refund(self):
        """Open the form that refunds this payment.

        :rtype: dict
        """
        return self._wechat_open_wizard('wechat.pay.refund', self.env._("Refund"))

    def action_wechat_find_refund(self):
        """Open the form that records a refund made outside Odoo.

        :rtype: dict
        """
        return self._wechat_open_wizard('wechat.pay.find.refund', self.env._("Find Refund"))

    def action_wechat_complete_refund(self):
        """Open the form that completes an abnormal refund.

        :rtype: dict
        """
        return self._wechat_open_wizard(
            'wechat.pay.abnormal.refund', self.env._("Complete Abnormal Refund"),
        )

    # === HELPERS === #

    def _wechat_check_button(self):
        """Check that the user may do something with this transaction of WeChat Pay.

        :return: The transaction in sudo mode, for the provider's fields.
        :rtype: payment.transaction
        """
        self.ensure_one()
        payment_utils.check_rights_on_recordset(self)
        tx = self.sudo().with_context(payment_backend_action=True)
        if tx.provider_code != 'wechat_pay':
            raise UserError(self.env._("This is no transaction of WeChat Pay."))
        return tx

    def _wechat_open_wizard(self, model, name):
        self._wechat_check_button()
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_transaction_id': self.id},
        }

    def _wechat_build_answer(self, state, description):
        """Return what WeChat Pay said, as a notification for the user."""
        if not state:
            message = self.env._("WeChat Pay has never seen this number.")
        else:
            message = self.env._(
                "WeChat Pay says: %(state)s %(description)s",
                state=state, description=description or '',
            )
        return self._wechat_build_notification(message, 'info')

    def _wechat_build_notification(self, message, kind):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': self.reference,
                'message': message,
                'type': kind,
                'sticky': kind == 'danger',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _build_action_feedback_notification(self):
        """Override of `payment` to say why, and that a refund is not there yet."""
        feedback = super()._build_action_feedback_notification()
        refunds = self.filtered(
            lambda tx: tx.provider_code == 'wechat_pay' and tx.operation == 'refund'
        )
        if not refunds or refunds != self:
            return feedback
        failed = refunds.filtered(lambda tx: tx.state == 'error')
        if failed:
            feedback['params'].update(
                message='\n'.join(f'{tx.reference}: {tx.state_message}' for tx in failed),
                sticky=True,
            )
        elif unknown := refunds.filtered(lambda tx: tx.state == 'pending' and tx.state_message):
            feedback['params'].update(
                type='info' if refunds._wechat_is_waiting_refund() else 'warning', sticky=True,
                message='\n'.join(f'{tx.reference}: {tx.state_message}' for tx in unknown),
            )
        elif any(tx.state != 'done' for tx in refunds):
            feedback['params']['message'] = self.env._(
                "The refund is under way: to the wallet it takes minutes, to a bank card up to"
                " three working days. It is confirmed here when WeChat Pay says so."
            )
        return feedback
