# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
import gzip
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields, sql_db
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.models import wechat_pay_bill_load
from odoo.addons.wechat_payment_operations.tests.bill_common import (
    WechatBillCommon,
    build_fundflow_bill,
    build_trade_bill,
)

LOGGERS = (
    'odoo.addons.wechat_payment_operations.models.payment_provider_bill',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_bill_fetch',
    'odoo.addons.wechat_payment.models.payment_provider_api',
)


@tagged('post_install', '-at_install')
class TestBillFetch(WechatBillCommon):

    def _assert_refused(self, *words, state='failed'):
        """Fetch a bill that must not be taken, and check what a person reads of it."""
        with mute_logger(*LOGGERS):
            self._fetch_bill()
        self.assertEqual(self.bill.state, state)
        for word in words:
            self.assertIn(word, self.bill.error)
        self.assertFalse(self.bill.line_ids)
        return self.bill.error

    def _downloads(self):
        return [r for r in self.fake.requests if r.path == '/v3/billdownload/file']

    # === CALLS === #

    def test_the_bill_is_asked_for_and_downloaded_with_our_signature(self):
        self._load(self._foreign_line())
        asked, download = self.fake.requests
        self.assertEqual(asked.query, {
            'bill_date': self.day.isoformat(), 'bill_type': 'ALL', 'tar_type': 'GZIP',
        })
        self.assertIn('mchid="1900000001"', download.headers['Authorization'])
        self.assertEqual(download.query, {'token': 'trade-a/b~c'}, "sent as it came")

    def test_the_fund_flow_bill_is_asked_for_by_account(self):
        self.bill = self._create_bill('fundflow')
        self._refuse('NO_STATEMENT_EXIST', bill_type='fundflow')
        self._fetch_bill()
        self.assertEqual(self.fake.requests[0].query, {
            'bill_date': self.day.isoformat(), 'account_type': 'BASIC', 'tar_type': 'GZIP',
        })

    def test_a_bill_that_is_not_packed_is_taken_too(self):
        text = build_trade_bill([self._foreign_line()])
        self._serve(text, body=text.encode())
        self._fetch_bill()
        self.assertEqual((self.bill.state, self.bill.line_count), ('loaded', 1))

    # === WHAT IS REFUSED === #

    def test_a_bill_with_another_hash_is_refused(self):
        self._serve(build_trade_bill([self._foreign_line()]), hash_value='0' * 40)
        self._assert_refused("SHA-1")

    def test_a_bill_without_a_hash_is_refused_before_it_is_downloaded(self):
        for changes in (
            {'hash_value': None}, {'hash_value': ''}, {'hash_type': 'MD5'}, {'hash_type': None},
            {'download_url': None}, {'download_url': ['x']},
        ):
            with self.subTest(changes):
                self._serve(build_trade_bill([]), **changes)
                self._assert_refused()
        self.assertFalse(self._downloads())

    def test_a_truncated_download_is_refused(self):
        text = build_trade_bill([self._foreign_line()])
        self._serve(text, body=gzip.compress(text.encode())[:-9])
        self._assert_refused("GZIP")

    def test_a_download_elsewhere_is_not_made(self):
        port = self.fake.url.rpartition(':')[2]
        for url in (
            'https://bills.example.com/v3/billdownload/file?token=x',
            'https://api.mch.weixin.qq.com/v3/billdownload/file?token=x',  # Not the configured one.
            'http://169.254.169.254/latest/meta-data',
            'file:///etc/passwd',
            f'http://127.0.0.1:{port}@bills.example.com/file',
            f'http://user:pass@127.0.0.1:{port}/v3/billdownload/file',
            f'http://localhost:{port}/v3/billdownload/file',
            f'http://127.0.0.1:{int(port) + 1}/v3/billdownload/file',
            f'{self.fake.url}/v3/billdownload/file#x',
            f'{self.fake.url}/v3/billdownload/file?token=x y',
            f'{self.fake.url}\\@bills.example.com/v3/billdownload/file',
            f'{self.fake.url}',
            '/v3/billdownload/file',
            'x',
        ):
            with self.subTest(url):
                self._serve(build_trade_bill([]), download_url=url)
                self._assert_refused("not WeChat Pay's")
        self.assertFalse(self._downloads())

    def test_the_real_hosts_are_taken_unless_another_is_configured(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', False)
        for host in ('api', 'api2'):
            target = self.provider._wechat_check_download_url(
                f'https://{host}.mch.weixin.qq.com/v3/billdownload/file?token=a%2Bb',
            )
            self.assertEqual(target, '/v3/billdownload/file?token=a%2Bb')

    def test_a_redirect_is_not_followed(self):
        self._serve(build_trade_bill([]))
        self.fake.override('GET /v3/billdownload/file$', lambda _request: (
            302, {'Location': f'{self.fake.url}/elsewhere'}, b'',
        ))
        self._assert_refused("redirected")
        self.assertFalse(self.fake.calls('/elsewhere'))

    def test_a_web_page_is_no_bill(self):
        self._serve(build_trade_bill([]), body=b'<html><body>Log in to the hotel</body></html>')
        self._assert_refused("web page")

    def test_a_refused_download_tells_why(self):
        self._serve(build_trade_bill([]), status=403, body=b'{"code": "NO_AUTH"}')
        self._assert_refused("NO_AUTH")

    def test_a_line_of_another_merchant_refuses_the_whole_bill(self):
        self._serve(build_trade_bill([
            self._foreign_line(), self._foreign_line('EXTRA0002', 商户号='1900009999'),
        ]))
        self._assert_refused("Line 3 belongs to another merchant: 1900009999")

    def test_a_line_of_a_sub_merchant_is_not_a_direct_merchants(self):
        self._serve(build_trade_bill([self._foreign_line(特约商户号='1900000109')]))
        self._assert_refused("1900000109")

    def test_a_service_provider_takes_the_lines_of_its_sub_merchant_only(self):
        self.provider.wechat_sub_mch_id = '1900000109'
        self._load(self._foreign_line(特约商户号='1900000109'))
        self.assertEqual(self.fake.requests[0].query['sub_mchid'], '1900000109')
        self._serve(build_trade_bill([self._foreign_line(特约商户号='1900000110')]))
        with mute_logger(*LOGGERS):
            self._fetch_bill()
        self.assertEqual(self.bill.state, 'failed')
        self.assertIn('1900000110', self.bill.error)

    def test_a_bill_with_a_column_missing_is_refused(self):
        self._serve(build_trade_bill([self._foreign_line()]).replace('订单金额,申请', '新,申请', 1))
        self._assert_refused("Columns are missing: 订单金额")

    def test_a_bill_with_a_column_more_is_taken(self):
        text = build_trade_bill([self._foreign_line()])
        self._serve(text.replace('费率备注\r\n', '费率备注,新列\r\n').replace(
            '`1.00,`0.00,`\r\n', '`1.00,`0.00,`,`新\r\n'))
        self._fetch_bill()
        self.assertEqual((self.bill.state, self.bill.line_count), ('loaded', 1), self.bill.error)

    def test_nothing_of_a_bill_that_is_bad_at_its_end_is_stored(self):
        lines = [self._foreign_line(f'EXTRA{number:04d}') for number in range(50)]
        self._serve(build_trade_bill(lines).replace('`EXTRA0049,', '`,', 1))
        self._assert_refused("Line 51: 商户订单号")

    def test_sums_that_differ_are_shown_and_the_lines_loaded(self):
        self._load(self._foreign_line(), 总交易单数='2')
        self.assertIn('总交易单数: 2', self.bill.summary_note)

    def test_a_bill_of_another_day_is_refused(self):
        for hours in (-24, 24):
            time = self._beijing(self.noon + timedelta(hours=hours))
            with self.subTest(hours=hours):
                self._serve(build_trade_bill([
                    self._foreign_line(交易时间=time), self._foreign_line('EXTRA2', 交易时间=time),
                ]))
                self._assert_refused("not the bill of")
                self.assertFalse(self.bill.line_ids)

    def test_a_fund_flow_bill_of_another_day_is_refused(self):
        self.bill = self._create_bill('fundflow')
        self._serve(build_fundflow_bill([{
            '记账时间': self._beijing(self.noon - timedelta(hours=24)), '资金流水单号': '1',
            '业务类型': '提现', '收支类型': '支出', '收支金额(元)': '1.00', '账户结余(元)': '0.00',
        }]), 'fundflow')
        self._assert_refused("not the bill of")

    def test_single_lines_of_another_day_are_loaded_and_told(self):
        midnight = self.noon + timedelta(hours=12)
        lines = self._load(*[
            self._foreign_line(f'EXTRA{number}', 交易时间=self._beijing(time))
            for number, time in enumerate((
                midnight - timedelta(hours=24), midnight, midnight + timedelta(hours=1),
            ))
        ])
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            self.bill.summary_note, "Lines that are not of the bill's day in Beijing: 1",
        )

    def test_refunds_do_not_tell_the_day_of_a_trade_bill(self):
        lines = self._load(self._foreign_line(
            交易时间=self._beijing(self.noon - timedelta(hours=24)), 交易状态='REFUND',
            微信退款单号='509', 商户退款单号='R-9', 申请退款金额='1.00', 退款状态='SUCCESS',
            订单金额='0.00',
        ))
        self.assertEqual((len(lines), self.bill.summary_note), (1, False))

    # === WHEN === #

    def test_a_bill_that_is_not_made_yet_is_asked_for_again_in_half_an_hour(self):
        self._refuse('STATEMENT_CREATING')
        before = fields.Datetime.now()
        self._assert_refused("not made the bill yet", state='not_ready')
        minutes = (self.bill.next_try - before).total_seconds() / 60
        self.assertAlmostEqual(minutes, 30, delta=1)

    def test_a_bill_that_is_never_made_is_given_up_after_three_days(self):
        self._refuse('STATEMENT_CREATING')
        self.bill.try_count = 143
        self._assert_refused("not made the bill yet")
        self.assertFalse(self.bill.next_try)

    def test_a_day_without_business_is_settled(self):
        self._refuse('NO_STATEMENT_EXIST')
        self._assert_refused("no business", state='no_business')
        self.assertFalse(self.bill.next_try)

    def test_a_silent_wechat_pay_is_asked_again_later_and_later(self):
        self.fake.override('GET /v3/bill', None)
        self._assert_refused("does not answer", state='draft')
        first = self.bill.next_try - fields.Datetime.now()
        self._assert_refused("does not answer", state='draft')
        self.assertGreater(self.bill.next_try - fields.Datetime.now(), first * 1.5)
        self.bill.try_count = 7
        self._assert_refused("does not answer")

    def test_an_answer_that_is_not_signed_is_not_believed(self):
        self.fake.override('GET /v3/bill/tradebill', lambda _request: (200, {}, {
            'hash_type': 'SHA1', 'hash_value': '0' * 40,
            'download_url': f'{self.fake.url}/v3/billdownload/file',
        }))
        self._assert_refused("not believed", state='draft')
        self.assertFalse(self._downloads())

    def test_a_refusal_is_shown_with_its_code(self):
        self._refuse('NO_AUTH', status=403)
        self._assert_refused("NO_AUTH")

    def test_a_bill_of_today_or_of_the_future_is_not_asked_for(self):
        for days in (-1, -2, -100):
            with self.assertRaises(ValidationError):
                self._create_bill(days_ago=days)

    def test_a_bill_older_than_three_months_is_not_asked_for(self):
        bill = self._create_bill(days_ago=100)
        with self.assertRaisesRegex(UserError, "three months"):
            bill.action_fetch()
        self.assertFalse(self.fake.requests)

    def test_today_is_beijings(self):
        with freeze_time('2026-03-01 15:59:00'):
            self.assertEqual(str(self.bill._get_beijing_today()), '2026-03-01')
        with freeze_time('2026-03-01 16:00:00'):
            self.assertEqual(str(self.bill._get_beijing_today()), '2026-03-02')

    def test_a_service_provider_has_no_fund_flow_bill(self):
        self.provider.wechat_sub_mch_id = '1900000109'
        with self.assertRaisesRegex(ValidationError, "own account"):
            self._create_bill('fundflow')

    def test_there_is_one_bill_of_a_day_and_kind(self):
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger('odoo.sql_db'), \
                self.env.cr.savepoint():
            self._create_bill()

    # === AGAIN AND INTERRUPTED === #

    def _ids(self):
        return self.bill.line_ids.sorted('line_no').ids

    def test_the_same_bill_a_second_time_changes_nothing(self):
        lines = [self._foreign_line(f'EXTRA{number}') for number in range(3)]
        self._load(*lines)
        ids = self._ids()
        self.env.cr.execute("UPDATE wechat_pay_bill_line SET write_date = '2020-01-01'")
        self._fetch_bill()
        self.assertEqual(self._ids(), ids)
        self.assertEqual({line.write_date.year for line in self.bill.line_ids}, {2020})
        self.assertEqual(self.bill.line_count, 3)

    def test_another_bill_of_the_same_day_takes_the_place_of_the_first(self):
        self._load(self._foreign_line('EXTRA1'), self._foreign_line('EXTRA2'))
        ids = self._ids()
        self._load(self._foreign_line('EXTRA2'))
        self.assertEqual(self.bill.line_ids.mapped('number'), ['EXTRA2'])
        self.assertNotIn(self.bill.line_ids.id, ids)
        self.assertEqual(self.bill.in_amount, 1)

    def test_a_bill_that_is_no_more_takes_its_lines_along(self):
        self._load(self._foreign_line('EXTRA1'))
        self._refuse('NO_STATEMENT_EXIST')
        self._fetch_bill()
        self.assertFalse(self.bill.line_ids)
        self.assertEqual((self.bill.line_count, self.bill.in_amount), (0, 0))

    def test_an_interrupted_load_is_continued(self):
        lines = [self._foreign_line(f'EXTRA{number}') for number in range(7)]
        self._serve(build_trade_bill(lines))
        store, stored = type(self.bill)._store_lines, []

        def die_at_the_third(bill, batch):
            if len(stored) == 2:
                raise KeyboardInterrupt
            stored.append([line_no for line_no, _line in batch])
            store(bill, batch)

        self.patch(wechat_pay_bill_load, 'LOAD_BATCH', 2)
        # Not `assertRaises`: it undoes what was committed.
        with patch.object(type(self.bill), '_store_lines', die_at_the_third), \
                contextlib.suppress(KeyboardInterrupt):
            self._fetch_bill()
        self.env.invalidate_all()
        self.assertEqual(self.bill.state, 'downloading')
        ids = self._ids()
        self.assertEqual(len(ids), 4)
        stored.clear()
        with patch.object(type(self.bill), '_store_lines', lambda bill, batch: (
            stored.append([line_no for line_no, _line in batch]), store(bill, batch),
        )):
            self._fetch_bill()
        self.assertEqual(stored, [[5, 6], [7]], "only what was not stored is")
        self.assertEqual(self._ids()[:4], ids)
        self.assertEqual(self.bill.line_ids.sorted('line_no').mapped('number'),
                         [f'EXTRA{number}' for number in range(7)])
        self.assertEqual((self.bill.state, self.bill.line_count), ('loaded', 7))

    def test_a_bill_that_another_server_is_at_is_left_alone(self):
        self._serve(build_trade_bill([]))
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SELECT pg_advisory_xact_lock(hashtext('wechat_pay_bill'), %s)",
                       [self.bill.id])
            with self._committing() as env:
                self.assertFalse(self.bill.with_env(env)._fetch())
                with self.assertRaisesRegex(UserError, "already"):
                    self.bill.with_env(env)._fetch_now()
        self.assertFalse(self.fake.requests)
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded')

    # === THE SCHEDULED ACTION === #

    def _run_cron(self):
        self.env.flush_all()
        with self.enter_registry_test_mode(), mute_logger(*LOGGERS):
            self.env.ref('wechat_payment_operations.cron_wechat_bills').method_direct_trigger()
        self.env.invalidate_all()

    def _at(self, hour, minute=0, days=0):
        """Freeze Beijing's clock at an hour of the day after the bill's."""
        time = datetime.combine(self.day + timedelta(1 + days), datetime.min.time())
        time += timedelta(hours=hour - 8, minutes=minute)
        moment = time.replace(tzinfo=timezone.utc).astimezone(timezone(timedelta(hours=8)))
        return patch.object(
            type(self.bill), '_get_beijing_now', lambda _self: moment,
        )

    def _find(self):
        return self.env['wechat.pay.bill'].search([('provider_id', '=', self.provider.id)])

    def test_yesterdays_bills_are_made_and_fetched_from_ten_in_beijing(self):
        self.bill.unlink()
        for name in ('trade', 'fundflow'):
            self._refuse('NO_STATEMENT_EXIST', bill_type=name)
        with self._at(9, 59):
            self._run_cron()
        self.assertEqual(set(self._find().mapped('bill_date')), {self.day - timedelta(1)})
        with self._at(10):
            self._run_cron()
        self.assertEqual(
            sorted((b.bill_date, b.bill_type, b.state) for b in self._find()),
            sorted((self.day - timedelta(days), name, 'no_business')
                   for days in (0, 1) for name in ('fundflow', 'trade')),
        )

    def test_what_is_not_ready_is_asked_for_only_when_it_is_due(self):
        self._create_bill('fundflow').state = 'loaded'
        self._refuse('STATEMENT_CREATING')
        with self._at(10):
            self._run_cron()
            self.assertEqual((self.bill.state, len(self.fake.requests)), ('not_ready', 1))
            self._run_cron()
            self.assertEqual(len(self.fake.requests), 1)
            self.bill.next_try = fields.Datetime.now() - timedelta(seconds=1)
            self._run_cron()
        self.assertEqual(len(self.fake.requests), 2)

    def test_what_is_settled_or_given_up_is_not_asked_for_again(self):
        self._create_bill('fundflow').state = 'no_business'
        for state in ('loaded', 'no_business', 'failed'):
            self.bill.state = state
            with self._at(10):
                self._run_cron()
        self.assertFalse(self.fake.requests)

    def test_an_interrupted_bill_is_taken_up(self):
        self._create_bill('fundflow').state = 'loaded'
        self.bill.state = 'downloading'
        self._serve(build_trade_bill([]))
        with self._at(10):
            self._run_cron()
        self.assertEqual(self.bill.state, 'loaded')

    def test_days_on_which_odoo_stood_still_are_caught_up_with(self):
        self.bill.bill_date = self.day - timedelta(4)
        self._create_bill('fundflow').state = 'loaded'
        self._refuse('NO_STATEMENT_EXIST')
        with self._at(10):
            self._run_cron()
        dates = self._find().filtered(lambda b: b.bill_type == 'trade').mapped('bill_date')
        self.assertEqual(sorted(dates), [self.day - timedelta(days) for days in (4, 3, 2, 1, 0)])

    def test_a_day_that_was_fetched_by_hand_hides_no_gap_before_it(self):
        self._create_bill('fundflow').state = 'loaded'
        self.bill.state = 'loaded'
        self._create_bill(days_ago=3).state = 'failed'
        self._refuse('NO_STATEMENT_EXIST')
        with self._at(10):
            self._run_cron()
        states = {
            (self.day - bill.bill_date).days: bill.state
            for bill in self._find() if bill.bill_type == 'trade'
        }
        self.assertEqual(
            states, {0: 'loaded', 1: 'no_business', 2: 'no_business', 3: 'failed'},
        )

    def test_who_wants_no_bills_gets_none(self):
        for values in ({'wechat_fetch_bills': False}, {'state': 'disabled'}):
            self.provider.write(values)
            self.bill.state = 'loaded'
            with self._at(10, days=1):
                self._run_cron()
            self.assertEqual(self._find(), self.bill)
        self.bill.state = 'draft'
        with self._at(10):
            self._run_cron()
        self.assertFalse(self.fake.requests, "the provider is disabled")

    def test_what_the_scheduled_action_stores_is_in_the_companys_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.env['ir.module.module']._load_module_terms(['wechat_payment_operations'], ['zh_CN'])
        self.provider.company_id.partner_id.lang = 'zh_CN'
        self._create_bill('fundflow').state = 'loaded'
        self._refuse('NO_STATEMENT_EXIST')
        with self._at(10):
            self._run_cron()
        self.assertEqual(self.bill.error, "微信支付当天没有交易。")

    def test_a_bill_that_cannot_be_handled_keeps_no_other_from_being_fetched(self):
        earlier = self._create_bill(days_ago=1)
        self._create_bill('fundflow').state = 'loaded'
        self._serve(build_trade_bill([]))
        load = type(self.bill)._load

        def fail(bill, downloaded):
            if bill.bill_date == self.day - timedelta(1):
                raise ZeroDivisionError
            load(bill, downloaded)

        with self._at(10), patch.object(type(self.bill), '_load', fail):
            self._run_cron()
        self.assertEqual((earlier.state, self.bill.state), ('failed', 'loaded'))
        self.assertIn("ZeroDivisionError", earlier.error)

    def test_one_bill_that_fails_keeps_no_other_from_being_fetched(self):
        self._create_bill('fundflow')
        self._refuse('NO_AUTH', status=403, bill_type='fundflow')
        self._serve(build_trade_bill([]))
        with self._at(10):
            self._run_cron()
        self.assertEqual(
            {b.bill_type: b.state for b in self._find()},
            {'trade': 'loaded', 'fundflow': 'failed'},
        )
