# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.models.payment_provider_report import MAX_TRADES_LENGTH
from odoo.addons.wechat_payment.tests.sandbox_refund_common import SandboxRefundCommon

REPORT = 'odoo.addons.wechat_payment.models.payment_provider_report'
V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxReports(SandboxRefundCommon):
    """How payments went, told to the project's sandbox by an action of its own."""

    def _run(self):
        self._control('DELETE', 'requests')
        self.env.flush_all()
        self.env.ref('wechat_payment.cron_wechat_report').method_direct_trigger()
        self.env.invalidate_all()
        requests = self._control('GET', 'requests')['requests']
        return [request for request in requests if request['path'] == '/payitil/report']

    def test_nothing_is_reported_unless_it_is_switched_on(self):
        self.assertEqual(self._run(), [])

    def test_payments_that_are_over_are_reported_once(self):
        self.provider.wechat_is_reporting = True
        reports = self._run()
        self.assertEqual([report['problems'] for report in reports], [[]])
        self.assertEqual(self._run(), [])

    @mute_logger(REPORT, V2)
    def test_a_report_that_fails_is_dropped_and_harms_nothing(self):
        self.provider.wechat_is_reporting = True
        self._control('POST', 'faults', action='drop', path='payitil', times=3)
        self._run()
        self._control('DELETE', 'faults')
        self.assertEqual(self._run(), [])
        self.assertEqual(self.tx.state, 'done')

    def test_orders_of_v3_and_refunds_are_not_reported(self):
        self.provider.wechat_is_reporting = True
        refund = self._refund()
        self._finish_refund(refund, notify=False)
        refund._wechat_query_refund()
        self.tx.wechat_api_version = 'v3'
        self.assertEqual(self._run(), [])

    def test_many_payments_are_split_into_calls_of_the_allowed_length(self):
        trades = [{
            'out_trade_no': f'S{number:031d}', 'begin_time': '20260102110000',
            'end_time': '20260102110001', 'state': 'OK', 'err_msg': '',
        } for number in range(30)]
        chunks = self.provider._wechat_split_trades(trades)
        self.assertTrue(all(len(chunk.encode()) <= MAX_TRADES_LENGTH for chunk in chunks))
        self.assertLess(len(chunks), len(trades))
        self.assertEqual([trade for chunk in chunks for trade in json.loads(chunk)], trades)

    def test_a_report_tells_beijing_times(self):
        sent = []
        provider_class = type(self.provider)
        send = provider_class._wechat_request_v2

        def note(provider, path, params, **kwargs):
            sent.append(params)
            return send(provider, path, params, **kwargs)

        self.patch(provider_class, '_wechat_request_v2', note)
        self.tx.wechat_success_time = fields.Datetime.to_datetime('2026-01-01 23:00:00')
        self.provider._wechat_report_transactions(self.tx)
        trade = json.loads(sent[0]['trades'])[0]
        self.assertEqual(trade['end_time'], '20260102070000')
        self.assertEqual((trade['out_trade_no'], trade['state']), (self.tx.reference, 'OK'))
