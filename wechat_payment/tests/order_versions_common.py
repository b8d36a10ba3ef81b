# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import HttpCase

from odoo.addons.wechat_payment.client import Client
from odoo.addons.wechat_payment.payable import Payable
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon

PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari'
SUB_MCHID = '1900000109'
SECOND_SUB_MCHID = '1900000110'
MOBILE_APPID = 'wx00000000000000ab'
SUB_APPID = 'wx00000000000000ac'


class WechatOrderVersionsCommon(WechatPayV2SandboxCommon, WechatPayCommon, HttpCase):
    """Orders in each version, of merchants and of service providers, against the sandbox."""

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', 0)

    def _use(self, version, partner=False, sign_type='HMAC-SHA256', **settings):
        """Let the provider order in a version, as a merchant or as a service provider.

        A service provider serves a sub-merchant who has an app of their own.
        """
        settings = {'allow_loopback_ip': True, 'v2_close_after': 0, **settings}
        self.provider.write({'wechat_sub_mch_id': False, 'wechat_sub_appid': False})
        if version == 'v2':
            self._connect_v2_sandbox(sign_type=sign_type, **settings)
        else:
            self._connect_sandbox(**settings)
        apps = self.env['wechat.app']
        self.mobile = apps.search([('appid', '=', MOBILE_APPID)]) or apps.create({
            'name': "Shop App", 'app_type': 'mobile', 'appid': MOBILE_APPID,
            'company_id': self.provider.company_id.id,
        })
        self.sub_app = apps.search([('appid', '=', SUB_APPID)]) or apps.create({
            'name': "Sub-merchant", 'app_type': 'miniprogram', 'appid': SUB_APPID,
            'company_id': self.provider.company_id.id,
        })
        self._control('POST', 'apps', appid=MOBILE_APPID, app_type='mobile')
        self._control('POST', 'apps', appid=SUB_APPID, app_type='miniprogram')
        changes = {'sub_merchants': [
            {'mchid': SUB_MCHID, 'appids': [SUB_APPID]}, {'mchid': SECOND_SUB_MCHID, 'appids': []},
        ]} if partner else {}
        self._control(
            'PATCH', f'merchants/{MCHID}', appids=[self.app.appid, MOBILE_APPID], **changes,
        )
        self.provider.write({
            'wechat_app_ids': [(6, 0, (
                self.app + self.mobile + (self.sub_app if partner else apps)
            ).ids)],
            'wechat_sub_mch_id': partner and SUB_MCHID,
            'wechat_sub_appid': partner and SUB_APPID,
        })
        self.env.flush_all()

    def _order(self, trade_type, app=None, placed=True):
        """Return a transaction as prepay leaves it, ordered at the sandbox if `placed`."""
        app = app or (self.mobile if trade_type == 'APP' else self.app)
        self.person = self._control('POST', 'login_code', appid=app.appid)
        tx = self.env['payment.transaction'].with_user(self.customer)._wechat_create_order(
            Payable(
                document=self.customer.partner_id,
                company=self.provider.company_id,
                partner=self.customer.partner_id,
                currency=self.currency_cny,
                amount=19.99,
                description="Tea",
                transactions=self.env['payment.transaction'],
            ),
            self.provider, app, self.person['openid'] if trade_type == 'JSAPI' else '', trade_type,
            Client('127.0.0.1', PHONE),
        )
        if placed:
            self._place(tx)
        return tx

    def _place(self, tx):
        """Make the order call without what commits around it."""
        result = self.provider._wechat_send_order(tx)
        is_prepay_id = tx.wechat_trade_type in ('JSAPI', 'APP')
        tx['wechat_prepay_id' if is_prepay_id else 'wechat_pay_url'] = result

    def _pay(self, tx, notify=True):
        """Pay an order as its customer does, with what the client was given."""
        values = tx._wechat_build_client_values()
        if tx.wechat_trade_type in ('JSAPI', 'APP'):
            answer = self._control(
                'POST', 'request_payment', appid=tx.wechat_app_id.appid, user=self.person['user'],
                payment=values, notify=notify,
            )
            self.assertEqual(answer['errMsg'], 'requestPayment:ok')
            return answer
        if tx.wechat_trade_type == 'NATIVE':
            scanned = self._control(
                'POST', 'scan', code_url=values['code_url'], user=self.person['user'],
            )
            self.assertEqual((scanned['out_trade_no'], scanned['total']), (tx.reference, 1999))
        else:
            page = self._fetch('GET', values['h5_url'], verify=False, headers={
                'User-Agent': PHONE, 'Referer': f'{self.base_url()}/',
            })
            self.assertEqual(page.status_code, 200, page.text)
        return self._at_merchant(
            'pay', out_trade_no=tx.reference, user=self.person['user'], notify=notify,
        )

    def _notify_payment(self, tx, **kwargs):
        """Have WeChat Pay notify, and return the status of what Odoo answered each time."""
        answers = self._at_merchant('notify', out_trade_no=tx.reference, **kwargs)['answers']
        return [answer['status'] for answer in answers]
