# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import io
from datetime import timedelta

from PIL import Image

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.tests import HOST, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.push_common import LOGGERS, PushCommon

from ..protocol.content_checks import Result
from .common import MiniprogramCommon

TEXT, MEDIA = '/wxa/msg_sec_check', '/wxa/media_check_async'
USER_INFO, AVATAR = '/wechat/miniprogram/user_info', '/wechat/miniprogram/avatar'
OPENID = 'openid-of-anna'
CALLS = 'odoo.addons.wechat.models.wechat_app_request'


def picture(color='red'):
    """Return a small picture."""
    stream = io.BytesIO()
    Image.new('RGB', (60, 60), color).save(stream, 'PNG')
    return stream.getvalue()


class ContentCommon(MiniprogramCommon, PushCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app.write({'app_type': 'miniprogram', 'check_content': True})
        cls.checks = cls.env['wechat.content.check']

    def setUp(self):
        super().setUp()
        self.wechat_finds('pass', 100)
        self.traces = 0
        self.fake.answer('POST', MEDIA, self._answer_media)

    def _answer_media(self, request):
        self.traces += 1
        return {'errcode': 0, 'trace_id': f'trace-{self.traces}'}

    def wechat_finds(self, suggest, label=21000):
        """Let WeChat judge texts so."""
        self.fake.answer('POST', TEXT, {
            'errcode': 0, 'result': {'suggest': suggest, 'label': label}, 'trace_id': 'x',
        })

    def found(self):
        """Return the checks of the app, oldest first."""
        checks = self.checks.search([('app_id', '=', self.app.id)], order='id')
        checks.invalidate_recordset()
        return checks

    def run_cron(self):
        self.env.ref('wechat_miniprogram.cron_send_content_checks').method_direct_trigger()

    def push_result(self, trace_id, suggest='pass', label=100, is_json=False, errcode=0, **query):
        """Push the result of a picture's check."""
        return self.push(self.event(
            'wxa_media_check', appid=self.app.appid, trace_id=trace_id, version=2, errcode=errcode,
            errmsg='ok', result={'suggest': suggest, 'label': label},
        ), is_json=is_json, **query)

    def upload(self, session_id, content):
        """Upload an avatar as a phone does."""
        self.opener.cookies.clear()
        self.opener.cookies.set('session_id', session_id, domain=HOST)
        response = self.url_open(AVATAR, files={'file': ('a.png', content, 'image/png')}, data={})
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()['avatarUrl']


@tagged('post_install', '-at_install')
class TestTexts(ContentCommon):

    def setUp(self):
        super().setUp()
        self.session_id = self.authenticate_phone()['session_id']

    def rename(self, nickname):
        """Send a nickname as a phone does."""
        return self.post(USER_INFO, {'nickName': nickname}, self.session_id).json()

    def test_text_that_passes_is_taken_and_not_kept(self):
        self.assertEqual(self.rename("小红")['result']['nickName'], "小红")
        self.assertEqual(self.fake.calls(TEXT)[0].json, {
            'content': "小红", 'version': 2, 'scene': 1, 'openid': OPENID,
        })
        self.assertFalse(self.found())

    @mute_logger('odoo.http')
    def test_risky_text_is_refused_with_what_to_do_and_nothing_is_stored(self):
        self.wechat_finds('risky', 20001)
        error = self.rename("违禁")['error']
        self.assertEqual(error['data']['context'], {'code': 'bad_request', 'errcode': 87014})
        self.assertIn("Please change it", error['data']['message'])
        self.assertFalse(self.identity().nickname)
        self.assertFalse(self.found())

    def test_text_for_review_is_taken_and_kept_for_an_administrator(self):
        self.wechat_finds('review', 20012)
        self.assertEqual(self.rename("疑似")['result']['nickName'], "疑似")
        check = self.found()
        self.assertEqual(
            (check.state, check.content, check.reason, check.identity_id),
            ('review', "疑似", "Vulgarity", self.identity()),
        )

    def test_administrator_accepts(self):
        self.wechat_finds('review')
        self.rename("疑似")
        self.found().action_accept()
        self.assertEqual(self.found().decision, 'accepted')
        self.assertEqual(self.identity().nickname, "疑似")

    def test_administrator_removes(self):
        self.wechat_finds('review')
        self.rename("疑似")
        self.assertEqual(self.identity().partner_id.name, "疑似")
        self.found().action_remove()
        self.assertEqual(self.found().decision, 'removed')
        self.assertFalse(self.identity().nickname)
        self.assertNotEqual(self.identity().partner_id.name, "疑似")

    def test_what_was_changed_meanwhile_is_not_removed(self):
        self.wechat_finds('review')
        self.rename("疑似")
        self.wechat_finds('pass')
        self.rename("小红")
        self.found().action_remove()
        self.assertEqual(self.identity().nickname, "小红")

    def test_nothing_is_checked_where_the_app_does_not(self):
        self.app.check_content = False
        self.wechat_finds('risky')
        self.assertEqual(self.rename("违禁")['result']['nickName'], "违禁")
        self.assertFalse(self.fake.calls(TEXT))

    @mute_logger(CALLS)
    def test_nickname_that_comes_along_with_a_login_is_left_out_unless_it_passes(self):
        for number, answer in enumerate((
            {'errcode': 0, 'result': {'suggest': 'risky', 'label': 1}}, {'errcode': -1},
            {'errcode': 0, 'result': {'suggest': 'pass', 'label': 100}},
        )):
            self.fake.answer('POST', TEXT, answer)
            openid = f'openid-{number}'
            self.wechat_says(openid=openid)
            user = self.authenticate_phone(code=openid, user_info={'nickName': "小红"})
            with self.subTest(answer=answer):
                self.assertEqual(user['name'] == "小红", number == 2)
                self.assertEqual(self.identity(openid).nickname, "小红" if number == 2 else False)

    def test_text_that_is_the_same_is_not_checked_again(self):
        self.rename("小红")
        self.rename("小红")
        self.assertEqual(len(self.fake.calls(TEXT)), 1)

    @mute_logger('odoo.http', CALLS)
    def test_text_that_cannot_be_checked_is_not_taken(self):
        for answer, word, errcode in (
            (None, 'wechat_unavailable', None), ({'errcode': -1}, 'wechat_busy', -1),
            ({'errcode': 61010}, 'bad_request', 61010), ({'errcode': 45009}, 'rate_limited', 45009),
            ({'errcode': 0}, 'wechat_unavailable', None),
        ):
            self.fake.answer('POST', TEXT, answer)
            with self.subTest(answer=answer):
                error = self.rename("小红")['error']
                self.assertEqual(error['data']['context'], {'code': word, 'errcode': errcode})
                self.assertFalse(self.identity().nickname)

    def test_long_text_is_checked_to_its_end(self):
        self.fake.answer('POST', TEXT, lambda request: {'errcode': 0, 'result': {
            'suggest': 'risky' if "违禁" in request.json['content'] else 'pass', 'label': 1,
        }})
        with self.assertRaises(WeChatError) as caught:
            self.app._check_text(OPENID, "好" * 6000 + "违禁", 2)
        self.assertEqual(caught.exception.errcode, 87014)
        self.assertEqual(len(self.fake.calls(TEXT)), 3)
        self.assertTrue(all(len(call.json['content']) <= 2500 for call in self.fake.calls(TEXT)))

    def test_empty_text_costs_no_call(self):
        for text in ('', ' ', None):
            self.assertFalse(self.app._check_text(OPENID, text))
        self.assertFalse(self.fake.calls(TEXT))

    def test_person_who_leaves_takes_their_texts_along(self):
        self.wechat_finds('review')
        self.rename("疑似")
        self.identity()._anonymize()
        self.assertFalse(self.found())


@tagged('post_install', '-at_install')
class TestPictures(ContentCommon):

    def setUp(self):
        super().setUp()
        self.session_id = self.authenticate_phone()['session_id']
        self.partner = self.identity().partner_id
        self.url = self.upload(self.session_id, picture())

    def test_picture_is_taken_at_once_and_checked_later(self):
        self.assertTrue(self.partner.image_1920)
        self.assertEqual(self.found().state, 'waiting')
        self.assertFalse(self.fake.calls(MEDIA))
        self.run_cron()
        self.assertEqual(self.fake.calls(MEDIA)[0].json, {
            'media_url': self.url, 'media_type': 2, 'version': 2, 'scene': 1, 'openid': OPENID,
        })
        self.assertEqual((self.found().state, self.found().trace_id), ('sent', 'trace-1'))
        self.run_cron()
        self.assertEqual(len(self.fake.calls(MEDIA)), 1)

    def test_address_that_wechat_gets_loads_without_a_cookie(self):
        self.opener.cookies.clear()
        response = self.url_open(self.url)
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.headers['Content-Type'].startswith('image/'))

    def test_picture_that_passes_stays(self):
        self.run_cron()
        for is_json in (False, True):
            self.assertSuccess(self.push_result('trace-1', is_json=is_json))
        self.assertEqual(self.found().state, 'pass')
        self.assertTrue(self.partner.image_1920)

    def test_risky_picture_is_removed(self):
        self.run_cron()
        self.assertSuccess(self.push_result('trace-1', 'risky', 20002))
        self.assertEqual((self.found().state, self.found().reason), ('risky', "Pornography"))
        self.partner.invalidate_recordset()
        self.assertFalse(self.partner.image_1920)

    def test_picture_that_has_taken_its_place_stays(self):
        self.run_cron()
        self.upload(self.session_id, picture('blue'))
        self.push_result('trace-1', 'risky', 20002)
        self.assertEqual(self.found()[0].state, 'risky')
        self.partner.invalidate_recordset()
        self.assertTrue(self.partner.image_1920)

    def test_picture_for_review_stays_until_an_administrator_removes_it(self):
        self.run_cron()
        self.push_result('trace-1', 'review', 20002)
        self.assertEqual(self.found().state, 'review')
        self.assertTrue(self.partner.image_1920)
        self.found().action_remove()
        self.assertFalse(self.partner.image_1920)

    @mute_logger(*LOGGERS, 'odoo.addons.wechat_miniprogram.models.wechat_app_content')
    def test_result_in_plain_mode_changes_nothing(self):
        self.run_cron()
        self.app.push_mode = 'plain'
        self.assertSuccess(self.push_result('trace-1', 'risky', 20002, mode='plain'))
        self.assertEqual(self.found().state, 'sent')
        self.assertTrue(self.partner.image_1920)

    @mute_logger(*LOGGERS)
    def test_result_of_an_unknown_check_changes_nothing(self):
        self.run_cron()
        other = self.create_app()
        self.found().app_id = other
        self.assertSuccess(self.push_result('trace-1', 'risky', 20002))
        self.assertEqual(self.checks.search([('app_id', '=', other.id)]).state, 'sent')

    def test_result_that_comes_before_its_number_is_handled_again(self):
        self.found().state = 'sending'
        with self.assertRaises(ConcurrencyError):
            self.checks._find_by_trace(self.app, 'trace-1')
        self.found().state = 'sent'
        self.assertFalse(self.checks._find_by_trace(self.app, 'trace-1'))

    def test_second_result_does_not_undo_the_first(self):
        self.run_cron()
        self.push_result('trace-1', 'review')
        self.push_result('trace-1', 'pass')
        self.assertEqual(self.found().state, 'review')

    def test_picture_that_wechat_could_not_load_is_shown_to_administrators(self):
        self.run_cron()
        self.push_result('trace-1', errcode=-1008)
        self.assertEqual(self.found().state, 'failed')
        self.assertIn("web.base.url", self.found().error)

    def test_result_that_never_comes_is_shown_to_administrators(self):
        self.run_cron()
        self.found().sent_at = fields.Datetime.now() - timedelta(minutes=61)
        self.run_cron()
        self.assertEqual(self.found().state, 'failed')
        self.assertIn("message push", self.found().error)

    @mute_logger(CALLS)
    def test_check_that_wechat_does_not_answer_is_tried_again(self):
        for answer in (None, {'errcode': -1}, {'errcode': 45009}):
            self.fake.answer('POST', MEDIA, answer)
            self.run_cron()
            self.assertEqual(self.found().state, 'waiting')
            self.assertTrue(self.found().next_try > fields.Datetime.now())
            self.found().next_try = False
        self.run_cron()
        self.assertEqual(self.found().state, 'failed')

    @mute_logger(CALLS)
    def test_check_that_wechat_refuses_is_shown_to_administrators(self):
        self.fake.answer('POST', MEDIA, {'errcode': 61010})
        self.run_cron()
        self.assertEqual(self.found().state, 'failed')
        self.assertIn("two hours", self.found().error)
        self.run_cron()
        self.assertEqual(len(self.fake.calls(MEDIA)), 1)

    def test_check_that_a_server_left_behind_is_made(self):
        self.found().write({
            'state': 'sending', 'sent_at': fields.Datetime.now() - timedelta(minutes=11)})
        self.run_cron()
        self.assertEqual(self.found().state, 'sent')

    def test_nothing_is_checked_where_the_app_does_not(self):
        self.found().unlink()
        self.app.check_content = False
        self.upload(self.session_id, picture('blue'))
        self.assertFalse(self.found())

    def test_what_is_done_is_deleted_after_a_month(self):
        self.run_cron()
        self.push_result('trace-1', 'review')
        check = self.found()
        self.env.cr.execute(
            "UPDATE wechat_content_check SET create_date = now() - interval '31 days'")
        check.invalidate_recordset()
        self.checks._gc_checks()
        self.assertTrue(check.exists())
        check.action_accept()
        self.checks._gc_checks()
        self.assertFalse(check.exists())

    def test_checks_are_for_administrators(self):
        for user in (self.partner.user_ids, new_test_user(
                self.env, 'clerk-of-checks', 'wechat.group_user')):
            with self.assertRaises(AccessError):
                self.checks.with_user(user).search([])
            with self.assertRaises(AccessError):
                self.found().with_user(user).action_remove()
        manager = new_test_user(self.env, 'manager-of-checks', 'wechat.group_manager')
        with self.assertRaises(AccessError):
            self.found().with_user(manager).read(['media_url'])

    def test_record_of_any_model_can_be_checked(self):
        partner = self.env['res.partner'].create({
            'name': "Shop", 'image_1920': base64.b64encode(picture('green'))})
        check = self.app._check_image(
            OPENID, 'https://shop.example.com/a.png', 3, record=partner, field_name='image_1920')
        check._apply_result(Result('risky', 20002))
        self.assertFalse(partner.image_1920)
