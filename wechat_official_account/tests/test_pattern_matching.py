# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account import pattern_matching

# Each takes longer than the universe for a text of forty letters.
CATASTROPHIC = ('(a+)+$', '(a|a)*$', '(.*a){30}$', '([a-z]+)*1$')


@tagged('post_install', '-at_install')
class TestPatternMatching(BaseCase):

    def test_first_expression_that_is_found_wins(self):
        patterns = ['^x', r'^(order|订单) *\d+', '订单']
        self.assertEqual(pattern_matching.first_match(patterns, "订单 42"), 1)
        self.assertEqual(pattern_matching.first_match(patterns, "我的订单"), 2)
        self.assertEqual(pattern_matching.first_match(patterns, "ORDER 42"), 1)
        self.assertIsNone(pattern_matching.first_match(patterns, "hello"))
        self.assertIsNone(pattern_matching.first_match([], "hello"))

    def test_long_texts_are_cut(self):
        self.assertIsNone(pattern_matching.first_match(['z$'], "a" * 2000 + "z"))
        self.assertEqual(pattern_matching.first_match(['a$'], "a" * 3000), 0)

    def test_expressions_that_cannot_be_used_are_refused(self):
        for pattern in ('(', '[', '*', 'a' * 201, '', None, '(?P<1>a)', 'a{99999999999}'):
            with self.subTest(pattern=pattern), self.assertRaises(pattern_matching.PatternError):
                pattern_matching.check(pattern)
        for pattern in ('退货|退款', r'^\d+$', '.*price.*', '(?i)hello', '(ab)+c?'):
            pattern_matching.check(pattern)

    def test_expressions_that_never_end_are_refused(self):
        for pattern in CATASTROPHIC:
            with self.subTest(pattern=pattern), self.assertRaises(pattern_matching.PatternError):
                pattern_matching.check(pattern)

    @mute_logger('odoo.addons.wechat_official_account.pattern_matching')
    def test_expression_that_never_ends_does_not_block(self):
        begun = time.monotonic()
        self.assertIsNone(pattern_matching.first_match(['(a+)+$'], "a" * 60 + "!"))
        self.assertLess(time.monotonic() - begun, 4)

    def test_text_is_data_and_nothing_else(self):
        for text in ('"]]\nimport os', '\0', '\ud800', "'; --", '{{ 1 }}'):
            self.assertIsNone(pattern_matching.first_match(['nothing'], text))
