# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AUTHENTICATE, SID, MiniprogramCommon


@tagged('post_install', '-at_install')
class TestConcurrency(MiniprogramCommon):
    """Logins of one person at the same moment.

    A test has one database connection, so another server's commit cannot be seen to arrive: the
    snapshot that is too old is what is made here. tests/system does it with real servers.
    """

    @contextmanager
    def late_for(self, method, value, times=1):
        """Let the model see what an outdated snapshot shows, the first times it looks."""
        Identity = type(self.env['wechat.identity'])
        original = getattr(Identity, method)
        looks = []

        def look(records, *args, **kwargs):
            looks.append(args)
            if len(looks) <= times:
                return value
            return original(records, *args, **kwargs)

        with patch.object(Identity, method, look), patch('time.sleep'):
            yield looks

    def test_whoever_comes_second_finds_the_user_of_the_first(self):
        first = self.authenticate_phone()
        nothing = self.env['wechat.identity']
        with (
            self.late_for('_find_login', nothing) as looks,
            patch.object(
                type(nothing), '_get_person_rows',
                self._rows_of_an_old_snapshot(type(nothing)._get_person_rows, looks),
            ),
        ):
            second = self.authenticate_phone(code='code-2')
        self.assertEqual(len(looks), 2, "The request was not run again")
        self.assertEqual(second['uid'], first['uid'])
        self.assertFalse(second['is_new_user'])
        self.assertEqual(len(self.exchanges()), 2, "A code was sent to WeChat twice")

    def _rows_of_an_old_snapshot(self, original, looks):
        """Let the request's own cursor see no rows as long as it runs for the first time."""
        calls = []

        def rows(records, cr, *args):
            calls.append(cr)
            if len(looks) == 1 and len(calls) == 1:
                return []
            return original(records, cr, *args)

        return rows

    def test_identity_created_meanwhile_makes_the_request_run_again(self):
        first = self.authenticate_phone()
        with (
            mute_logger('odoo.sql_db'),
            self.late_for('_find_login', self.env['wechat.identity']) as looks,
        ):
            second = self.authenticate_phone(code='code-2')
        self.assertEqual(len(looks), 2)
        self.assertEqual(second['uid'], first['uid'])
        self.assertEqual(len(self.exchanges()), 2)
        self.assertEqual(
            self.env['res.users'].search_count([('login', '=like', 'wechat\\_%')]), 1,
            "The user of the first run was left behind",
        )

    def test_session_id_is_that_of_the_last_run(self):
        self.authenticate_phone()
        with mute_logger('odoo.sql_db'), self.late_for('_find_login', self.env['wechat.identity']):
            response = self.post(AUTHENTICATE, {'code': 'code-2'})
        found = SID.findall(str(response.raw.headers.getlist('Set-Cookie')))
        self.assertEqual(set(found), {response.json()['result']['session_id']})

    def test_call_is_counted_once_for_all_runs(self):
        self.authenticate_phone()
        Call = type(self.env['wechat.call'])
        with (
            mute_logger('odoo.sql_db'),
            self.late_for('_find_login', self.env['wechat.identity']),
            patch.object(Call, '_count', autospec=True, side_effect=Call._count) as count,
        ):
            self.authenticate_phone(code='code-2')
        self.assertEqual(count.call_count, 1)

    def test_what_others_committed_meanwhile_is_noticed(self):
        Identity = self.env['wechat.identity']
        for openid, unionid in (('openid-of-anna', ''), ('other', 'union-of-anna')):
            with (
                self.subTest(openid=openid),
                self.late_for('_get_person_rows', [(1, 2, None)]),
                self.assertRaises(ConcurrencyError),
            ):
                Identity._lock_person(self.app, openid, unionid)

    def test_unchanged_rows_let_the_login_go_on(self):
        self.create_identity(self.create_user('anna'), unionid='union-of-anna')
        self.env.flush_all()
        self.env['wechat.identity']._lock_person(self.app, 'openid-of-anna', 'union-of-anna')

    def test_lock_is_that_of_openid_and_unionid(self):
        Identity = self.env['wechat.identity']
        second = self.create_app()
        self.env.cr.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        before = self.env.cr.fetchone()[0]
        Identity._lock_person(self.app, 'a', 'u')
        Identity._lock_person(second, 'b', 'u')
        self.env.cr.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        self.assertEqual(self.env.cr.fetchone()[0] - before, 3)
        self.assertLess(abs(Identity._lock_key('x')), 2 ** 63)
