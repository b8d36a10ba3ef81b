# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_code_common import (
    CASHIER,
    CODE,
    SETTLEMENT,
    V3,
    WechatPayCodeCommon,
)

SUB_MCHID, SUB_APPID = '1900000109', 'wx00000000000000ac'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCodesV3(WechatPayCodeCommon, WechatPayCommon, HttpCase):
    """Payment codes by API v3, for the merchants who have them (A5)."""

    PAY, REVERSE = '/codepay', '/reverse'

    def setUp(self):
        super().setUp()
        self._connect_till('v3')

    def test_a_scanned_code_is_charged_at_once(self):
        payment = self._charge(self._show_code(), device_info='TILL-1')
        self.assertEqual(payment['state'], 'done')
        tx = self._find(payment['reference'])
        self.assertEqual((tx.state, tx.wechat_api_version), ('done', 'v3'))
        self.assertEqual(self._problems(), [])

    def test_a_password_that_never_comes_is_reversed(self):
        payment = self._charge(self._show_code(password=True))
        self.assertEqual(payment['phase'], 'password')
        self._pass_time(31, payment['reference'])
        self.assertEqual(self._poll(payment['reference'])['state'], 'cancel')
        self.assertEqual(len(self._get_calls(self.REVERSE)), 1)
        self.assertEqual(self._problems(), [])

    @mute_logger(V3, CODE)
    def test_a_reversal_is_repeated_while_wechat_says_so(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._control('POST', 'settings', reverse_recalls=1)
        self._pass_time(31, reference)
        with mute_logger(CASHIER):
            self.assertEqual(self._poll(reference)['phase'], 'reversing')
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')

    @mute_logger(V3, CODE, CASHIER, SETTLEMENT)
    def test_an_answer_that_is_lost_or_not_believed_is_asked_for(self):
        for action in ('drop', 'unsigned', 'wrong_signature', 'status'):
            with self.subTest(action):
                self._control('POST', 'faults', action=action, path=self.PAY)
                reference = self._charge(self._show_code())['reference']
                payment = self._poll(reference)
                if action == 'status':  # It was not processed.
                    self._pass_time(31, reference)
                    payment = self._poll(reference)
                self.assertEqual(payment['state'], 'cancel' if action == 'status' else 'done')

    @mute_logger(V3, CODE)
    def test_failures_are_said_and_reversed(self):
        payment = self._charge(self._show_code(failure='NOTENOUGH'))
        self.assertEqual(payment['state'], 'error')
        self._pass_time(16, payment['reference'])
        self._run_cron()
        self.assertEqual(self._find(payment['reference']).wechat_trade_state, 'REVOKED')

    def test_a_service_provider_charges_for_a_sub_merchant(self):
        self._control(
            'PATCH', f'merchants/{self.provider.wechat_mch_id}',
            sub_merchants=[{'mchid': SUB_MCHID, 'appids': []}],
        )
        self.provider.wechat_sub_mch_id = SUB_MCHID
        self.assertEqual(self._charge(self._show_code())['state'], 'done')
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        self.assertEqual(self._problems(), [])

    def test_a_service_provider_charges_in_the_sub_merchants_app(self):
        self._control('PATCH', f'merchants/{self.provider.wechat_mch_id}', sub_merchants=[
            {'mchid': SUB_MCHID, 'appids': [SUB_APPID]},
        ])
        self._assert_codes_in_the_sub_app(SUB_MCHID, SUB_APPID)
