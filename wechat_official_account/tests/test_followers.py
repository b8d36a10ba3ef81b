# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account.tests.account_common import AccountCommon

LIST, PEOPLE = '/cgi-bin/user/get', '/cgi-bin/user/info/batchget'
LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install')
class TestFollowers(AccountCommon):

    def setUp(self):
        super().setUp()
        self.openids = [f'o{index:04d}' for index in range(250)]
        self.page = 1000
        self.fake.answer('GET', LIST, self._answer_list)
        self.fake.answer('POST', PEOPLE, self._answer_people)
        self.sync_cron = self.env.ref('wechat_official_account.cron_synchronize_followers')

    def _answer_list(self, request):
        after = request.query.get('next_openid')
        start = self.openids.index(after) + 1 if after else 0
        page = self.openids[start:start + self.page]
        answer = {'total': len(self.openids), 'count': len(page), 'next_openid': ''}
        return {**answer, 'data': {'openid': page}, 'next_openid': page[-1]} if page else answer

    def _answer_people(self, request):
        people = request.json['user_list']
        if len(people) > 100:
            return {'errcode': 40032, 'errmsg': 'invalid openid list size'}
        return {'user_info_list': [
            {'subscribe': 1, 'openid': person['openid'], 'subscribe_time': 1700000000,
             'unionid': f"u{person['openid']}"} for person in people
        ]}

    def _start(self):
        self.app.action_synchronize_followers()
        return self.env['wechat.follower.sync'].search([('app_id', '=', self.app.id)], limit=1)

    def _known(self):
        return self.env['wechat.identity'].search([('app_id', '=', self.app.id)])

    def _run(self):
        self.run_cron(self.sync_cron)

    def test_all_followers_become_identities_without_users(self):
        sync = self._start()
        self._run()
        self.assertEqual((sync.state, sync.total, sync.done), ('done', 250, 250))
        known = self._known().filtered(lambda identity: identity.openid in self.openids)
        self.assertEqual(len(known), 250)
        self.assertFalse(known.user_id)
        self.assertEqual(set(known.mapped('is_follower')), {True})
        self.assertEqual(str(known[0].followed_at), '2023-11-14 22:13:20')
        self.assertEqual({identity.unionid for identity in known},
                         {f'u{openid}' for openid in self.openids})
        self.assertEqual(len(self.fake.calls(PEOPLE)), 3)

    def test_pages_follow_each_other(self):
        self.page = 100
        self._start()
        self._run()
        self.assertEqual([request.query.get('next_openid') for request in self.fake.calls(LIST)], [
            None, 'o0099', 'o0199', 'o0249'])

    def test_synchronising_again_changes_nothing_of_whom_is_known(self):
        self._start()
        self._run()
        person = self._known().filtered(lambda identity: identity.openid == 'o0001')
        person.write({'nickname': "Li", 'partner_id': self.partner.id})
        count = len(self._known())
        sync = self._start()
        self._run()
        self.assertEqual((sync.state, len(self._known())), ('done', count))
        self.assertEqual((person.nickname, person.partner_id), ("Li", self.partner))

    def test_who_is_not_listed_has_left(self):
        self.identity.followed_at = fields.Datetime.now() - timedelta(days=9)
        self._start()
        self._run()
        self.assertFalse(self.identity.is_follower)
        self.assertTrue(self.identity.unfollowed_at)

    def test_who_left_while_it_ran_is_not_taken_for_a_follower(self):
        self.fake.answer('POST', PEOPLE, lambda request: {'user_info_list': [
            {'subscribe': int(person['openid'] != 'o0007'), 'openid': person['openid']}
            for person in request.json['user_list']
        ]})
        self._start()
        self._run()
        self.assertNotIn('o0007', self._known().mapped('openid'))

    # === INTERRUPTION === #

    def _stop_after(self, batches, action):
        """Have something happen while some batch is fetched."""
        counted = []

        def answer(request):
            counted.append(request)
            if len(counted) == batches:
                return action(request)
            return self._answer_people(request)

        self.fake.answer('POST', PEOPLE, answer)

    @mute_logger(LOGGER)
    def test_interrupted_synchronisation_goes_on_where_it_was(self):
        self._stop_after(2, lambda request: {'errcode': -1, 'errmsg': 'busy'})
        sync = self._start()
        self._run()
        self.assertEqual((sync.state, sync.done, sync.next_openid), ('running', 100, 'o0099'))
        self.assertIn("busy", sync.error)
        self.assertEqual(sync.percent, 40)
        self.fake.answer('POST', PEOPLE, self._answer_people)
        self.fake.requests.clear()
        self._run()
        self.assertEqual((sync.state, sync.done, sync.error), ('done', 250, False))
        self.assertEqual(self.fake.calls(LIST)[0].query['next_openid'], 'o0099')
        self.assertEqual(len(self.fake.calls(PEOPLE)), 2)

    def test_synchronisation_is_stopped_by_a_button_and_gone_on_with(self):
        sync = self._start()
        sync.write({'state': 'running', 'next_openid': 'o0099', 'done': 100,
                    'started_at': fields.Datetime.now()})
        self.app.action_stop_synchronization()
        self._run()
        self.assertEqual(sync.state, 'stopped')
        self.assertFalse(self.fake.requests)
        sync.action_resume()
        self._run()
        self.assertEqual((sync.state, sync.done), ('done', 250))

    @mute_logger(LOGGER)
    def test_one_to_go_on_from_who_left_has_it_begin_anew(self):
        sync = self._start()
        sync.write({'state': 'running', 'next_openid': 'oGONE', 'done': 100,
                    'started_at': fields.Datetime.now()})
        self.fake.answer('GET', LIST, lambda request: (
            {'errcode': 40003, 'errmsg': 'invalid openid'}
            if request.query.get('next_openid') == 'oGONE' else self._answer_list(request)
        ))
        self._run()
        self._run()
        self.assertEqual((sync.state, sync.done), ('done', 250))

    @mute_logger(LOGGER)
    def test_missing_permission_ends_it_with_advice(self):
        self.fake.answer('GET', LIST, {'errcode': 48001, 'errmsg': 'api unauthorized'})
        sync = self._start()
        self._run()
        self.assertEqual(sync.state, 'failed')
        self.assertIn("permission", sync.error)
        self.assertTrue(sync.finished_at)

    @mute_logger(LOGGER)
    def test_quota_that_is_used_up_keeps_what_was_fetched(self):
        self._stop_after(2, lambda request: {'errcode': 45009, 'errmsg': 'quota'})
        sync = self._start()
        self._run()
        self.assertEqual((sync.state, sync.done), ('failed', 100))
        self.assertIn('o0099', self._known().mapped('openid'))

    def test_second_synchronisation_at_once_is_refused(self):
        self._start()
        with self.assertRaises(UserError):
            self.app.action_synchronize_followers()

    def test_account_without_followers_is_done(self):
        self.openids = []
        sync = self._start()
        self._run()
        self.assertEqual((sync.state, sync.total), ('done', 0))
        self.assertFalse(self.fake.calls(PEOPLE))

    def test_counts_are_shown_on_the_app(self):
        self._start()
        self._run()
        self.app.invalidate_recordset()
        self.assertEqual(self.app.follower_sync_state, 'done')
        self.assertEqual(self.app.template_count, 1)
        self.assertGreaterEqual(self.app.follower_count, 250)
