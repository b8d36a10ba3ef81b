# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hashlib
import time

from odoo.tests import tagged

from odoo.addons.wechat.tests.common import APPID, WechatCommon


@tagged('post_install', '-at_install')
class TestSignature(WechatCommon):

    def setUp(self):
        super().setUp()
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', lambda request: {
            'ticket': f"TICKET_{request.query['type']}", 'expires_in': 7200,
        })

    def _sha1(self, text):
        return hashlib.sha1(text.encode()).hexdigest()

    def test_page_is_signed_without_its_fragment(self):
        url = 'https://shop.example.com/web?x=%E4%B8%AD&y=1'
        signed = self.app._sign_jssdk(f'{url}#/cart?a=b')
        self.assertEqual(set(signed), {'appId', 'timestamp', 'nonceStr', 'signature', 'url'})
        self.assertEqual((signed['appId'], signed['url']), (APPID, url))
        self.assertIsInstance(signed['timestamp'], int)
        self.assertAlmostEqual(signed['timestamp'], time.time(), delta=5)
        self.assertRegex(signed['nonceStr'], r'^[0-9A-Za-z]{16}$')
        self.assertEqual(signed['signature'], self._sha1(
            f"jsapi_ticket=TICKET_jsapi&noncestr={signed['nonceStr']}"
            f"&timestamp={signed['timestamp']}&url={url}",
        ))

    def test_each_signature_has_a_nonce_of_its_own(self):
        nonces = {self.app._sign_jssdk('https://a.example.com/')['nonceStr'] for _n in range(20)}
        self.assertEqual(len(nonces), 20)
        self.assertEqual(len(self.fake.calls('/cgi-bin/ticket/getticket')), 1)

    def test_card_is_signed_with_the_values_that_are_used(self):
        for given in ({}, {'openid': 'o1'}, {'code': '77'}, {'openid': 'o1', 'code': '77'}):
            with self.subTest(given=given):
                ext = self.app._sign_card('pCARD', **given)
                self.assertEqual(set(ext), {'timestamp', 'nonce_str', 'signature', *given})
                self.assertEqual(ext['signature'], self._sha1(''.join(sorted([
                    'TICKET_wx_card', ext['timestamp'], ext['nonce_str'], 'pCARD',
                    *given.values()]))))

    def test_choice_of_cards_is_signed(self):
        values = self.app._sign_choose_card(card_type='GROUPON', shop_id='7')
        self.assertEqual(values['signType'], 'SHA1')
        self.assertEqual(
            (values['cardType'], values['cardId'], values['shopId']), ('GROUPON', '', '7'))
        self.assertEqual(values['cardSign'], self._sha1(''.join(sorted([
            'TICKET_wx_card', APPID, '7', values['timestamp'], values['nonceStr'], 'GROUPON']))))
