# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestCall(WechatCommon):

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.calls = self.env['wechat.call']
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', 3)

    def _count(self, address, times=1):
        """Return how many of some calls were let through."""
        passed = 0
        for _call in range(times):
            try:
                self.calls._count(address)
                passed += 1
            except WeChatError as error:
                self.assertEqual(error.context, {'code': 'rate_limited', 'errcode': None})
        return passed

    def test_calls_past_the_limit_are_refused(self):
        self.assertEqual(self._count('192.0.2.1', 3), 3)
        with self.assertRefused('rate_limited') as refused:
            self.calls._count('192.0.2.1')
        self.assertIn("minute", str(refused.exception))

    def test_other_addresses_are_unharmed(self):
        self.assertEqual(self._count('192.0.2.1', 10), 3)
        self.assertEqual(self._count('192.0.2.2'), 1)

    def test_refused_calls_do_not_prolong_the_refusal(self):
        start = datetime.now(UTC)
        with freeze_time(start):
            self._count('192.0.2.1', 3)
        for seconds in range(5, 60, 5):
            with freeze_time(start + timedelta(seconds=seconds)):
                self.assertEqual(self._count('192.0.2.1'), 0)
        with freeze_time(start + timedelta(seconds=61)):
            self.assertEqual(self._count('192.0.2.1', 5), 3)

    def test_limit_can_be_changed_and_turned_off(self):
        parameters = self.env['ir.config_parameter']
        parameters.set_param('wechat.calls_per_minute', '0')
        self.assertEqual(self._count('192.0.2.1', 100), 100)
        self.assertFalse(self.calls.search([]))
        parameters.set_param('wechat.calls_per_minute', '5')
        self.assertEqual(self._count('192.0.2.1', 10), 5)
        for default in (False, 'nonsense'):
            parameters.set_param('wechat.calls_per_minute', default)
            self.assertEqual(self.calls._calls_per_minute(), 60)

    def test_one_client_with_many_ipv6_addresses_is_one(self):
        addresses = [f'2001:db8:1:2::{number:x}' for number in range(1, 6)]
        self.assertEqual(sum(self._count(address) for address in addresses), 3)
        self.assertEqual(self._count('2001:db8:1:3::1'), 1)
        self.assertEqual(self.calls._normalize_address('::ffff:192.0.2.1'), '192.0.2.1')
        self.assertEqual(self.calls._normalize_address('fe80::1%eth0'), 'fe80::/64')

    def test_strange_addresses_are_counted_too(self):
        for address in (None, '', "'; DROP TABLE x; --", 'x' * 1000, '%s'):
            self.assertTrue(self._count(address))

    def test_old_calls_are_deleted(self):
        with freeze_time(datetime.now(UTC) - timedelta(minutes=11)):
            self._count('192.0.2.1')
        self._count('192.0.2.2')
        self.calls._gc_calls()
        self.assertEqual(self.calls.search([]).mapped('address'), ['192.0.2.2'])
