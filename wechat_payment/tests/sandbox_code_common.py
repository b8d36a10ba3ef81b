# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta

from odoo import api
from odoo.fields import Command

from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon

CODE = 'odoo.addons.wechat_payment.models.payment_transaction_code'
REVERSE = 'odoo.addons.wechat_payment.models.payment_transaction_reverse'
CASHIER = 'odoo.addons.wechat_payment.models.payment_transaction_cashier'
SETTLEMENT = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'
V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
V3 = 'odoo.addons.wechat_payment.models.payment_provider_api'

CLOCKS = ('wechat_code_time', 'wechat_time_expire', 'wechat_next_query', 'wechat_last_query',
          'wechat_reverse_sent')


class WechatPayCodeCommon(WechatPayV2SandboxCommon):
    """A cashier, and people who show payment codes, at the project's sandbox.

    ``class TestX(WechatPayCodeCommon, WechatPayCommon, HttpCase)``, and :meth:`_connect_till` in
    its `setUp`.
    """

    def _connect_till(self, version='v2', **kwargs):
        """Let the provider take payment codes by a version of the interface."""
        if version == 'v2':
            self._connect_v2_sandbox(**kwargs)
        else:
            self._connect_sandbox(**kwargs)
            self._control(
                'PATCH', f'merchants/{self.provider.wechat_mch_id}', products=[
                    'JSAPI', 'NATIVE', 'APP', 'H5', 'MICROPAY', 'CODEPAY',
                ],
            )
        self.provider.wechat_code_pay_version = version
        self.cashier = self.internal_user
        self.cashier.write({'group_ids': [
            Command.link(self.env.ref('wechat_payment.group_cashier').id),
        ]})
        self.env['ir.default'].set('res.users', 'lang', 'en_US')

    def _show_code(self, **kwargs):
        """Return the payment code that a person's phone shows."""
        return self._control('POST', 'payment_code', **kwargs)['code']

    @contextmanager
    def _server(self, user=None):
        """Open an environment as a server does for a request of a user, committed at the end."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            user = user or self.cashier
            yield api.Environment(cr, user.id, {'lang': 'en_US'})
        self.env.invalidate_all()

    def _charge(self, code, amount=12.5, user=None, **kwargs):
        """Let a cashier charge a code for a free amount.

        :return: What the cashier's screen is told.
        """
        with self._server(user) as env:
            return env['payment.transaction'].wechat_charge_code(code, amount=amount, **kwargs)

    def _call(self, method, reference, user=None):
        with self._server(user) as env:
            return getattr(env['payment.transaction'], method)(reference)

    def _poll(self, reference):
        return self._call('wechat_poll_code', reference)

    def _find(self, reference):
        return self.env['payment.transaction'].search([('reference', '=', reference)])

    def _pass_time(self, seconds, *references):
        """Let time pass, for the sandbox and for these payments."""
        offset = self._control('GET', 'clock')['offset']
        self._control('POST', 'clock', offset=offset + seconds)
        for tx in map(self._find, references):
            for name in CLOCKS:
                if tx[name]:
                    tx[name] -= timedelta(seconds=seconds)

    def _run_cron(self):
        """Let the scheduled action run, as on another server."""
        with self.enter_registry_test_mode():
            self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def _answer_password(self, reference, entered=True):
        return self._at_merchant(
            'payment_password', self.provider.wechat_mch_id, out_trade_no=reference,
            entered=entered,
        )

    def _problems(self):
        """Return what the sandbox found wrong; a password that is asked for is no problem."""
        return [problem for problem in super()._problems() if 'USERPAYING' not in problem]

    def _get_calls(self, path):
        """Return the calls that the sandbox got at a path."""
        return [
            call for call in self._control('GET', 'requests')['requests']
            if call['path'].endswith(path)
        ]

    def _assert_codes_in_the_sub_app(self, mchid, appid):
        """Take payment codes with the sub-merchant's app before the service provider's.

        :param str mchid: The sub-merchant.
        :param str appid: Its mini-program.
        """
        self._control('POST', 'apps', appid=appid, app_type='miniprogram')
        sub_app = self.env['wechat.app'].create({
            'name': "Sub-merchant", 'app_type': 'miniprogram', 'appid': appid, 'sequence': 0,
            'company_id': self.provider.company_id.id,
        })
        self.provider.write({
            'wechat_sub_mch_id': mchid, 'wechat_sub_appid': appid,
            'wechat_app_ids': [Command.link(sub_app.id)],
        })
        self.provider.invalidate_recordset(['wechat_app_ids'])
        tx = self._find(self._charge(self._show_code())['reference'])
        self.assertEqual((tx.state, tx.wechat_app_id, tx.wechat_alert), ('done', sub_app, False))
        order = self._control('GET', 'orders')['orders'][-1]
        self.assertEqual(
            (order['sub_mchid'], order['sub_appid'], order['appid']),
            (mchid, appid, self.app.appid),
        )
        reference = self._charge(self._show_code(password=True))['reference']
        self._answer_password(reference)
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'done')
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        self.assertEqual(self._problems(), [])
