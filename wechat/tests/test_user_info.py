# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import BaseCase, tagged

from ..protocol import user_info as profile


@tagged('post_install', '-at_install')
class TestUserInfo(BaseCase):
    """What a client says about its user."""

    def test_nickname_is_kept_as_it_is(self):
        for name in ("Anna", "小明", "O'Neill & Söhne", "😀👍", "👨\u200d👩\u200d👧"):
            with self.subTest(name=name):
                self.assertEqual(profile.nickname({'nickName': name}), name)

    def test_nickname_loses_control_characters(self):
        for name, clean in (
            ("An\x00na", "Anna"), ("\u202eannA", "annA"), ("An\ud800na", "Anna"),
            ("An\u200bna\ufeff", "Anna"), (" An \n\t na ", "An na"), ("\u200d", ""), ("\x07", ""),
        ):
            with self.subTest(name=name):
                self.assertEqual(profile.nickname({'nickName': name}), clean)

    def test_nickname_has_64_characters_at_most(self):
        self.assertEqual(profile.nickname({'nickName': "好" * 100_000}), "好" * 64)

    def test_nickname_of_another_type_is_none(self):
        for value in (None, 1, True, [], {}, ["Anna"]):
            self.assertEqual(profile.nickname({'nickName': value}), '')
        self.assertEqual(profile.nickname({}), '')

    def test_avatars_of_WeChat_are_kept(self):
        for url in (
            'https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4TwGTfTK-x_y/132',
            'https://wx.qlogo.cn/mmhead/ver_1/abc/0?x=1',
            'https://a.b.qlogo.cn/',
            'HTTPS://WX.QLOGO.CN/x',
        ):
            with self.subTest(url=url):
                self.assertEqual(profile.avatar_url({'avatarUrl': url}), url)

    def test_other_avatars_are_dropped(self):
        for url in (
            'http://wx.qlogo.cn/x', 'https://qlogo.cn.evil.example/x', 'https://evil-qlogo.cn/x',
            'https://evilqlogo.cn/x', 'https://user@wx.qlogo.cn/x',
            'https://wx.qlogo.cn@evil.example/x', 'https://wx.qlogo.cn:8080/x',
            'https://wx.qlogo.cn:443/x', 'https://evil.example/wx.qlogo.cn/x',
            'https://evil.example#.qlogo.cn/x', 'https://evil.example?.qlogo.cn/x',
            'https://evil.example\\.qlogo.cn/x', 'https://wx.qlogo.cn\\@evil.example/',
            'https://wx.qlogo.cn/a b', 'https://wx.qlogo.cn/"onload="x', 'https://wx.qlogo.cn/<x>',
            'https://wx.qlogo.cn/x\n', '\thttps://wx.qlogo.cn/x', 'https://wx.qlogo.cn',
            'https://ｗx.qlogo.cn/x', '//wx.qlogo.cn/x', 'javascript:alert(1)', 'data:x', '',
            'https://127.0.0.1/x', 'https://.qlogo.cn/x',
            'https://wx.qlogo.cn/' + 'x' * 600, None, 1, [], {}, ['https://wx.qlogo.cn/x'],
        ):
            with self.subTest(url=url):
                self.assertEqual(profile.avatar_url({'avatarUrl': url}), '')

    def test_languages_of_WeChat_find_installed_ones(self):
        installed = ['en_US', 'fr_FR', 'zh_CN', 'zh_TW']
        for tag, code in (
            ('zh_CN', 'zh_CN'), ('zh', 'zh_CN'), ('zh-Hans-CN', 'zh_CN'), ('zh_TW', 'zh_TW'),
            ('zh_HK', 'zh_TW'), ('zh-Hant-TW', 'zh_TW'), ('en', 'en_US'), ('en_GB', 'en_US'),
            ('fr', 'fr_FR'), ('ja', ''),
        ):
            with self.subTest(tag=tag):
                self.assertEqual(profile.match_language(tag, installed), code)

    def test_what_is_no_language_is_none(self):
        for value in (None, 1, '', 'x', 'zh_CN; DROP', ['zh_CN'], 'z' * 50, 'zh_CN\n'):
            with self.subTest(value=value):
                self.assertEqual(profile.language({'language': value}), '')
