# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from decimal import Decimal
from itertools import islice

from odoo import fields, models

from odoo.addons.wechat_payment_operations.const import LOAD_BATCH, MIDNIGHT_MINUTES
from odoo.addons.wechat_payment_operations.exceptions import WeChatBillRefused
from odoo.addons.wechat_payment_operations.protocol import bills

# What is stored of a line, in this order; the first ones are the bill's.
COLUMNS = (
    'bill_id', 'provider_id', 'company_id', 'currency_id', 'bill_date', 'bill_type', 'create_uid',
    'write_uid', 'line_no', 'kind', 'time', 'number', 'out_trade_no', 'wechat_number',
    'wechat_transaction_id', 'flow_no', 'amount', 'settled_amount', 'fee', 'balance',
    'bill_currency', 'trade_type', 'status', 'description',
)


class WechatPayBill(models.Model):
    """Store the lines of a downloaded bill: all of a file that was read through, or none."""

    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - LOADING === #

    def _load(self, downloaded):
        """Store the lines of a downloaded bill, continuing where it was interrupted.

        The file is read through once before anything is stored. The lines of one and the same file
        (by its hash) are stored once, however often this runs; those of another one replace them.

        :param DownloadedBill downloaded: The bill's file.
        :return: None
        :raise WeChatBillRefused: If the file is no bill of this merchant.
        """
        self.ensure_one()
        count, summary_note = self._check_file(downloaded.file)
        if self.file_hash != downloaded.sha1:
            self.env.cr.execute(
                "DELETE FROM wechat_pay_bill_line WHERE bill_id = %s AND line_no > 0", [self.id],
            )
        self.write({
            'state': 'downloading', 'file_hash': downloaded.sha1, 'summary_note': summary_note,
        })
        self._keep_progress()
        stored = self._get_stored_count()
        downloaded.file.seek(0)
        lines = islice(enumerate(self._open_reader(downloaded.file), 1), stored, None)
        while batch := list(islice(lines, LOAD_BATCH)):
            self._store_lines(batch)
            self._keep_progress()
        if stored < count:
            # Without it PostgreSQL takes the table for empty, and compares each with each.
            self.env.cr.execute("ANALYZE wechat_pay_bill_line")
        self.write({
            'state': 'loaded', 'loaded_on': fields.Datetime.now(), 'error': False,
            'next_try': False, 'try_count': 0, 'is_statement_due': self.bill_type == 'fundflow',
        })

    def _get_stored_count(self):
        """Return how many lines of the file are stored: they are stored in its order.

        :rtype: int
        """
        self.env.cr.execute(
            "SELECT COALESCE(max(line_no), 0) FROM wechat_pay_bill_line WHERE bill_id = %s",
            [self.id],
        )
        return self.env.cr.fetchone()[0]

    def _open_reader(self, file):
        """Return what reads the lines of this bill's file.

        :param file: The file.
        :rtype: BillReader
        """
        provider = self.provider_id.sudo()
        return bills.BillReader(
            file, self.bill_type, mchid=provider.wechat_mch_id,
            sub_mchid=provider.wechat_sub_mch_id or None,
        )

    def _check_file(self, file):
        """Read a file through, so that nothing of a bad one is stored.

        :param file: The file.
        :return: The number of lines, and what a person should know of the file (or `False`).
        :rtype: tuple[int, str|bool]
        :raise WeChatBillRefused: If it is no bill of this merchant and day.
        """
        file.seek(0)
        reader = self._open_reader(file)
        margin = timedelta(minutes=MIDNIGHT_MINUTES)
        start, end = self._get_day_limits()
        dated = outside = 0
        sums = {'in': Decimal(0), 'out': Decimal(0), 'fee': Decimal(0)}
        try:
            for line in reader:
                sums['in' if line.amount > 0 else 'out'] += abs(line.amount)
                sums['fee'] += getattr(line, 'fee', 0)
                # What the time of a trade bill's refund is, WeChat Pay does not say.
                if self.bill_type == 'fundflow' or line.kind == 'payment':
                    dated += 1
                    outside += not start - margin <= line.time < end + margin
        except bills.BillFormatError as error:
            raise WeChatBillRefused(
                self._describe_format_error(error), error.reason,
            ) from None
        if outside and outside == dated:
            raise WeChatBillRefused(self.env._(
                "This is not the bill of %(date)s: all its lines are of other days. Nothing of it"
                " was loaded. Fetch it again; if it stays so, report this to who maintains the"
                " system.", date=self.bill_date,
            ), 'day')
        notes = [self._compare_summary(reader, sums)]
        if outside:
            notes.append(self.env._(
                "Lines that are not of the bill's day in Beijing: %(count)s", count=outside,
            ))
        return reader.count, '\n'.join(filter(None, notes)) or False

    def _compare_summary(self, reader, sums):
        """Return what the bill's own sums say that its lines do not.

        :param BillReader reader: The reader, at the end of its file.
        :param dict sums: What the lines sum up to.
        :return: A text for a person, or `False` if all agree.
        :rtype: str|bool
        """
        expected = {
            '总交易单数': reader.count,
            '订单总金额': sums['in'],
            '申请退款总金额': sums['out'],
            '手续费总金额': sums['fee'],
        } if self.bill_type == 'trade' else {
            '资金流水总笔数': reader.count,
            '收入金额': sums['in'],
            '支出金额': sums['out'],
        }
        differences = []
        for name, value in expected.items():
            told = reader.summary.get(name)
            if told is None:
                continue
            if not bills.is_equal_amount(told, value):
                differences.append(self.env._(
                    "%(name)s: %(told)s, the lines sum up to %(value)s",
                    name=name, told=told[:32], value=value,
                ))
        return '\n'.join(differences) or False

    def _store_lines(self, batch):
        """Insert lines by one statement per thousand; those that are there stay as they are.

        :param list batch: Pairs of place and line.
        :return: None
        """
        common = (
            self.id, self.provider_id.id, self.company_id.id, self.currency_id.id, self.bill_date,
            self.bill_type, self.env.uid, self.env.uid,
        )
        values = self._get_trade_values if self.bill_type == 'trade' else self._get_fundflow_values
        template = f"({', '.join(['%s'] * len(COLUMNS))}, now() AT TIME ZONE 'UTC')"
        self.env.cr.execute_values(
            f"INSERT INTO wechat_pay_bill_line ({', '.join(COLUMNS)}, create_date) VALUES %s"
            " ON CONFLICT (bill_id, line_no) WHERE line_no > 0 DO NOTHING",
            [common + (line_no, *values(line)) for line_no, line in batch],
            template=template, page_size=1000,
        )

    def _get_trade_values(self, line):
        """Return what is stored of a line of a trade bill, in the order of `COLUMNS`.

        :param TradeLine line: The line.
        :rtype: tuple
        """
        is_refund = line.kind == 'refund'
        return (
            line.kind, line.time, line.out_refund_no if is_refund else line.out_trade_no,
            line.out_trade_no, line.refund_id or line.transaction_id, line.transaction_id, None,
            line.amount, line.settled_amount, line.fee, None, line.currency, line.trade_type,
            line.status, line.description,
        )

    def _get_fundflow_values(self, line):
        """Return what is stored of a line of a fund-flow bill, in the order of `COLUMNS`.

        :param FundflowLine line: The line.
        :rtype: tuple
        """
        return (
            line.kind, line.time, line.voucher_no or None, None, line.business_no or None, None,
            line.flow_no, line.amount, line.amount, 0, line.balance, 'CNY', None,
            line.business_type,
            ' '.join(filter(None, (line.business_name, line.note))),
        )

    def _describe_format_error(self, error):
        """Return what is wrong with a file, for a person.

        :param BillFormatError error: The error.
        :rtype: str
        """
        texts = {
            'header': self.env._("What came has no columns of a bill."),
            'column_missing': self.env._("Columns are missing: %(detail)s.", detail=error.detail),
            'column_twice': self.env._("Columns are there twice: %(detail)s.", detail=error.detail),
            'cells': self.env._("Line %(line)s has another number of cells than there are columns.",
                                line=error.line_no),
            'amount': self.env._("Line %(line)s: %(detail)s is no amount.",
                                 line=error.line_no, detail=error.detail),
            'time': self.env._("Line %(line)s: %(detail)s is no time.",
                               line=error.line_no, detail=error.detail),
            'number': self.env._("Line %(line)s: %(detail)s is no number.",
                                 line=error.line_no, detail=error.detail),
            'kind': self.env._("Line %(line)s: %(detail)s has a value that is not known.",
                               line=error.line_no, detail=error.detail),
            'merchant': self.env._(
                "Line %(line)s belongs to another merchant: %(detail)s.",
                line=error.line_no, detail=error.detail,
            ),
            'truncated': self.env._("The end with the sums is missing: the file broke off."),
            'after_end': self.env._("Something follows the sums in line %(line)s.",
                                    line=error.line_no),
            'encoding': self.env._("Line %(line)s is no text.", line=error.line_no),
            'long_line': self.env._("Line %(line)s has no end.", line=error.line_no),
        }
        return self.env._(
            "The bill cannot be read, and nothing of it was loaded. %(reason)s Fetch it again; if"
            " it stays so, WeChat Pay has changed its bills: report this to who maintains the"
            " system.",
            reason=texts[error.reason],
        )
