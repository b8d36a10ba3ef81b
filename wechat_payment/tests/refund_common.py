# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.protocol.refunds import REFUND_INTERVAL
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import build_notification


class WechatRefundCommon(WechatPayCommon, HttpCase):
    """A paid transaction, a clerk who presses buttons, a WeChat Pay that refunds."""

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(19.99)
        self.tx._wechat_apply_order(self.fake.pay(self.tx.reference))
        self.assertEqual(self.tx.state, 'done')
        self.tx.wechat_success_time = fields.Datetime.now()
        self.clerk = self.env.ref('base.user_admin')
        self.clerk.login = self.clerk.password = 'clerk-of-the-shop'
        self.env.flush_all()

    def _call_button(self, button, record, **kwargs):
        response = self.url_open(f'/web/dataset/call_kw/{record._name}/{button}', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'model': record._name, 'method': button, 'args': [record.ids], 'kwargs': kwargs,
            },
        }).json()
        self.env.invalidate_all()
        return response

    def _press(self, button, record=None, **kwargs):
        """Press a button as the web client does: what is committed in between is."""
        self.authenticate('clerk-of-the-shop', 'clerk-of-the-shop')
        response = self._call_button(button, self.tx if record is None else record, **kwargs)
        self.assertNotIn('error', response)
        return response.get('result')

    def _press_refused(self, button, record=None, **kwargs):
        """Press a button, and return the message of the refusal."""
        self.authenticate('clerk-of-the-shop', 'clerk-of-the-shop')
        with mute_logger('odoo.http'):
            response = self._call_button(button, self.tx if record is None else record, **kwargs)
        self.assertIn('error', response)
        return response['error']['data']['message']

    def _let_a_minute_pass(self):
        """Make the refunds of the payment old enough for the next one to be sent at once."""
        for refund in self.tx.child_transaction_ids.filtered('wechat_refund_sent'):
            refund.wechat_refund_sent -= timedelta(seconds=REFUND_INTERVAL)
        self.env.flush_all()

    def _refund(self, amount=None, at_once=False):
        """Press Refund, a minute after the last time or `at_once`, and return the new refund."""
        if not at_once:
            self._let_a_minute_pass()
        known = self.tx.child_transaction_ids
        self._press('action_refund', **({} if amount is None else {'amount_to_refund': amount}))
        return self.tx.child_transaction_ids - known

    def _notify_refund(self, refund, event=None, **signing):
        """Send the notification of a refund's state."""
        event = event or f'REFUND.{refund["refund_status"]}'
        answer = self._notify(body=build_notification(refund, event_type=event), **signing)
        self.env.invalidate_all()
        return answer

    def _calls(self, method='POST', path='refund/domestic'):
        return [r for r in self.fake.requests if r.method == method and path in r.path]
