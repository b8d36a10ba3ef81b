# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

LOGGERS = (
    'odoo.addons.wechat_payment_operations.models.wechat_pay_payout',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_payout_send',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_transfer',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_transfer_result',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_red_packet',
    'odoo.addons.wechat_payment.models.payment_provider_api',
    'odoo.addons.wechat_payment.models.payment_provider_v2',
    'odoo.addons.wechat_payment.controllers.main',
)
USER = 'wechat_payment_operations.group_payout_user'
MANAGER = 'wechat_payment_operations.group_payout_manager'


class PayoutCommon(WechatPayCommon):
    """Somebody who prepares money for others, and somebody else who sends it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company_ids = [(6, 0, cls.provider.company_id.ids)]

        def user(login, groups):
            return new_test_user(
                cls.env, login=login, password='payout-password', groups=groups,
                company_id=cls.provider.company_id.id, company_ids=company_ids,
            )

        cls.preparer = user('payout-preparer', USER)
        cls.sender = user('payout-sender', MANAGER)
        cls.both = user('payout-both', f'{USER},{MANAGER}')
        cls.scene = cls.env.ref('wechat_payment_operations.transfer_scene_marketing')

    def _create_transfer(self, amount=1.0, user=None, **values):
        """Return a draft of a transfer, made by who prepares."""
        draft = self.env['wechat.pay.transfer'].with_user(user or self.preparer).create({
            'identity_id': self.identity.id, 'amount': amount, 'scene_id': self.scene.id,
            'remark': "活动奖励", **values,
        })
        return draft.with_env(self.env)

    def _create_red_packet(self, amount=1.0, user=None, **values):
        """Return a draft of a red packet, made by who prepares."""
        draft = self.env['wechat.pay.red.packet'].with_user(user or self.preparer).create({
            'identity_id': self.identity.id, 'amount': amount, 'send_name': "示例商店",
            'act_name': "会员活动", 'remark': "快来抢", **values,
        })
        return draft.with_env(self.env)

    @contextmanager
    def _as(self, payout, user=None):
        """Give a payout to a user whose commits do not end the test's transaction."""
        self.env.flush_all()
        with ExitStack() as stack:
            if not isinstance(self, HttpCase):  # Which is in test mode already.
                stack.enter_context(self.enter_registry_test_mode())
            cr = stack.enter_context(self.registry.cursor())
            yield payout.with_env(self.env(cr=cr, user=user or self.sender, su=False))
        self.env.invalidate_all()

    def _send(self, payout, user=None):
        with self._as(payout, user) as sent:
            sent.action_send()
        return payout


def answer_transfer(fake, request, state='WAIT_USER_CONFIRM'):
    """Answer the creation of a transfer as WeChat Pay does, signed."""
    number = request.json['out_bill_no']
    return fake.signed({
        'out_bill_no': number, 'transfer_bill_no': f'1330{number}', 'state': state,
        'create_time': '2026-11-21T12:00:00+08:00', 'package_info': f'package-of-{number}',
    })


class SandboxPayoutCommon(WechatSandboxCommon, PayoutCommon):
    """Money that is sent by the project's sandbox."""

    def _connect_payouts(self, app_type='miniprogram', **settings):
        """Connect, with keys of both versions of the interface, and find the recipient there."""
        self._connect_sandbox(**settings)
        self.sandbox_tls = os.environ['WECHAT_SANDBOX_TLS_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox_tls)
        merchant = self._control('GET', 'world')['merchants'][0]
        self.mchid = merchant['mchid']
        self.provider.write({
            'wechat_api_v2_key': merchant['api_v2_key'], 'wechat_v2_sign_type': 'MD5',
        })
        if app_type != self.app.app_type:
            self.app = self.env['wechat.app'].create({
                'name': "Account", 'app_type': app_type, 'appid': 'wx00000000000000aa',
                'company_id': self.provider.company_id.id,
            })
            self._control('POST', 'apps', appid=self.app.appid, app_type=app_type)
            self._control('PATCH', f'merchants/{self.mchid}', appids=[self.app.appid])
            self.provider.wechat_app_ids |= self.app
        self.person = self._meet()
        self.identity = self._create_identity(self.person, self.customer)

    def _meet(self):
        """Return somebody at WeChat who knows the app: {user, openid}."""
        return self._control('POST', 'login_code', appid='wx0000000000000002') if (
            self.app.app_type == 'miniprogram'
        ) else self._follow()

    def _follow(self):
        user = self._control('POST', 'users', nickname="Guest")
        return {'user': user['user'], 'openid': user['openids'][self.app.appid]}

    def _create_identity(self, person, user=None):
        return self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': person['openid'], 'user_id': user and user.id,
            'partner_id': user and user.partner_id.id,
        })

    def _settle(self, payout):
        """Let time pass and the scheduled action run."""
        payout.next_query = fields.Datetime.now() - timedelta(seconds=1)
        self.env.flush_all()
        name = {'wechat.pay.transfer': 'transfers', 'wechat.pay.red.packet': 'red_packets'}
        self.env.ref(
            f'wechat_payment_operations.cron_wechat_{name[payout._name]}'
        ).method_direct_trigger()
        self.env.invalidate_all()

    def _fault(self, action, path, **values):
        self._control('POST', 'faults', action=action, path=path, **values)

    def _balance(self):
        return self._control('GET', 'world')['merchants'][0]['balance']

    def _calls(self, path):
        """Return how often a path was called."""
        return len([
            request for request in self._control('GET', 'requests')['requests']
            if path in request['path'] and request['method'] == 'POST'
        ])
