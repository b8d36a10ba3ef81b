# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatUnknown

from .test_codes import LOGGER, CodesCommon


@tagged('post_install', '-at_install')
class TestLinks(CodesCommon):

    def setUp(self):
        super().setUp()
        self.fake.answer('POST', '/wxa/generate_urllink', {
            'errcode': 0, 'url_link': 'https://wxaurl.cn/abc'})
        self.fake.answer('POST', '/wxa/generatescheme', {
            'errcode': 0, 'openlink': 'weixin://dl/business/?t=abc'})
        self.fake.answer('POST', '/wxa/genwxashortlink', {'errcode': 0, 'link': '#小程序://茶/abc'})

    def link(self, **values):
        """Make a link with the wizard."""
        wizard = self.wizard(
            'wechat.miniprogram.link', records=self.partner, page_id=self.page.id, **values,
        )
        wizard.action_make()
        return wizard

    def test_url_link_to_a_record(self):
        wizard = self.link(days=7)
        self.assertEqual(wizard.url, 'https://wxaurl.cn/abc')
        self.assertEqual(self.body('/wxa/generate_urllink'), {
            'path': 'pages/contact/contact', 'query': f'id={self.partner.id}',
            'env_version': 'release', 'expire_type': 1, 'expire_interval': 7,
        })
        self.assertTrue(wizard.expires_at)

    def test_scheme_to_a_record(self):
        self.assertEqual(self.link(kind='scheme').url, 'weixin://dl/business/?t=abc')
        self.assertEqual(self.body('/wxa/generatescheme'), {
            'jump_wxa': {
                'path': 'pages/contact/contact', 'query': f'id={self.partner.id}',
                'env_version': 'release',
            },
            'is_expire': True, 'expire_type': 1, 'expire_interval': 30,
        })

    def test_short_link_to_a_record(self):
        wizard = self.link(kind='short_link', title="茶", is_permanent=True)
        self.assertEqual(wizard.url, '#小程序://茶/abc')
        self.assertFalse(wizard.expires_at)
        self.assertEqual(self.body('/wxa/genwxashortlink'), {
            'page_url': f'pages/contact/contact?id={self.partner.id}', 'page_title': "茶",
            'is_permanent': True,
        })

    def test_link_lives_30_days_at_most(self):
        for days in (0, 31):
            with self.subTest(days=days), self.assertRefused('bad_request', 85401):
                self.link(days=days)
        self.assertFalse(self.fake.requests)

    @mute_logger(LOGGER)
    def test_refusals_say_what_to_do(self):
        for errcode, word in ((40165, "published"), (85079, "published"), (85407, "verified")):
            self.fake.answer('POST', '/wxa/generate_urllink', {'errcode': errcode})
            code = 'misconfigured' if errcode == 85407 else 'bad_request'
            with self.subTest(errcode=errcode), self.assertRefused(code, errcode) as refused:
                self.link()
            self.assertIn(word, str(refused.exception))

    def test_answer_without_a_link_is_not_taken_for_one(self):
        for answer in ({'errcode': 0}, {'url_link': ''}, {'url_link': {}}):
            self.fake.answer('POST', '/wxa/generate_urllink', answer)
            with self.subTest(answer=answer), self.assertRaises(WeChatUnknown):
                self.link()

    def test_link_can_be_made_from_the_wizard_for_codes(self):
        wizard = self.wizard(records=self.partner, page_id=self.page.id)
        context = wizard.action_make_link()['context']
        link = self.env['wechat.miniprogram.link'].with_context(**context).create({})
        link.action_make()
        self.assertEqual(self.body('/wxa/generate_urllink')['query'], f'id={self.partner.id}')
