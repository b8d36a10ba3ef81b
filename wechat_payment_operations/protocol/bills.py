# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bill files: text lines in, checked lines out, one at a time (A8, B2.8).

A file has a header, one line per payment, refund or movement of money, a second header and one line
of sums. Each cell of a line begins with a backtick, so that spreadsheets keep long numbers; amounts
are in yuan. Columns are found by name: they differ by merchant, type and year.
"""

import contextlib
import re
from collections import namedtuple
from datetime import datetime, timedelta
from decimal import Decimal

# A line may be as long as this; the longest cells have 128 characters.
MAX_LINE_CHARACTERS = 16 * 1024

# Bills count in Beijing's time, which has no summer time.
BEIJING_OFFSET = timedelta(hours=8)

TRADE_COLUMNS = (
    '交易时间', '商户号', '特约商户号', '微信订单号', '商户订单号', '交易类型', '交易状态',
    '货币种类', '应结订单金额', '微信退款单号', '商户退款单号', '退款金额', '退款状态', '商品名称',
    '手续费', '订单金额', '申请退款金额',
)
FUNDFLOW_COLUMNS = (
    '记账时间', '微信支付业务单号', '资金流水单号', '业务名称', '业务类型', '收支类型',
    '收支金额(元)', '账户结余(元)', '备注', '业务凭证号',
)
REQUIRED_COLUMNS = {'trade': TRADE_COLUMNS, 'fundflow': FUNDFLOW_COLUMNS}

# What a movement of money is, by 业务类型.
FUNDFLOW_KINDS = {
    '交易': 'payment',
    '退款': 'refund',
    '退款失败退回': 'refund_return',
    '撤销': 'reversal',
    '扣除交易手续费': 'fee',
    '退还交易手续费': 'fee_return',
    '现金红包': 'red_packet',
    '现金红包退款': 'red_packet_return',
    '商家转账': 'transfer',
    '商家转账退回': 'transfer_return',
    '充值': 'top_up',
    '提现': 'withdrawal',
}
TRADE_KINDS = {'SUCCESS': 'payment', 'REFUND': 'refund', 'REVOKED': 'reversal'}

# A line of a trade bill: `amount` is what was ordered, or what was asked to go back (negative);
# `settled_amount` what the merchant gets or gives of it, coupons of others left out.
TradeLine = namedtuple('TradeLine', (
    'kind', 'time', 'mchid', 'sub_mchid', 'transaction_id', 'out_trade_no', 'refund_id',
    'out_refund_no', 'trade_type', 'status', 'currency', 'amount', 'settled_amount', 'fee',
    'description',
))
# A line of a fund-flow bill: `amount` is negative if money left the account.
FundflowLine = namedtuple('FundflowLine', (
    'kind', 'time', 'business_no', 'flow_no', 'business_name', 'business_type', 'amount', 'balance',
    'note', 'voucher_no',
))

_AMOUNT = re.compile(r'-?[0-9]{1,12}(?:\.[0-9]{1,6})?', re.ASCII)
_TIME = re.compile(r'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}', re.ASCII)
_NUMBER = re.compile(r'[\x21-\x7e]{1,64}', re.ASCII)


class BillFormatError(Exception):
    """The file is not what a bill must be.

    :ivar str reason: `column_missing`, `column_twice`, `cells`, `amount`, `time`, `number`, `kind`,
        `merchant`, `truncated`, `after_end`, `encoding`, `long_line`, `header`.
    :ivar int line_no: The line of the file, from 1; 0 if it is not about one.
    :ivar str detail: What it is about, as a column's name. Never a whole line.
    """

    def __init__(self, reason, line_no=0, detail=''):
        super().__init__(f"{reason} (line {line_no})")
        self.reason = reason
        self.line_no = line_no
        self.detail = detail


class BillReader:
    """Reads the lines of one bill; afterwards `summary` holds its sums by name, `count` the lines.

    Iterating yields :class:`TradeLine` or :class:`FundflowLine`, and keeps none of them.
    """

    def __init__(self, stream, bill_type, mchid=None, sub_mchid=None):
        """
        :param stream: A binary stream of the file, not compressed.
        :param str bill_type: `trade` or `fundflow`.
        :param str mchid: The merchant whose bill it must be; a fund-flow bill does not say.
        :param str sub_mchid: The sub-merchant whose bill it must be; none for a direct merchant.
        """
        self.stream = stream
        self.bill_type = bill_type
        self.mchid = mchid
        self.sub_mchid = sub_mchid
        self.summary = {}
        self.count = 0

    def __iter__(self):
        """Yield the lines, after the header was checked.

        :raise BillFormatError: If the file is not what it must be, at the line where that shows.
        """
        columns = self._read_columns()
        read = self._read_trade if self.bill_type == 'trade' else self._read_fundflow
        lines = self._lines(2)
        for line_no, text in lines:
            if not text.startswith('`'):
                self._read_summary(line_no, text, lines)
                return
            cells = text[1:].split(',`')
            if len(cells) != len(columns):
                raise BillFormatError('cells', line_no)
            self.count += 1
            row = dict(zip(columns, cells, strict=True))
            try:
                line = read(row)
            except BillFormatError as error:
                raise BillFormatError(error.reason, line_no, error.detail) from None
            yield line
        raise BillFormatError('truncated')

    def _lines(self, first=1):
        """Yield number and text of the lines that are not empty, without their ends."""
        line_no = first - 1
        while line := self.stream.readline(MAX_LINE_CHARACTERS):
            line_no += 1
            if not line.endswith(b'\n') and len(line) >= MAX_LINE_CHARACTERS:
                raise BillFormatError('long_line', line_no)
            try:
                text = line.decode().rstrip('\r\n')
            except UnicodeDecodeError:
                raise BillFormatError('encoding', line_no) from None
            if '\0' in text:  # PostgreSQL takes none.
                raise BillFormatError('encoding', line_no)
            if text:
                yield line_no, text

    def _read_columns(self):
        """Return the names of the columns, in the order of the file."""
        _line_no, header = next(self._lines(), (1, ''))
        header = header.removeprefix('\ufeff')
        columns = [name.strip().removeprefix('`') for name in header.split(',')]
        required = REQUIRED_COLUMNS[self.bill_type]
        if not set(columns) & set(required):
            raise BillFormatError('header', 1)
        if missing := [name for name in required if name not in columns]:
            raise BillFormatError('column_missing', 1, ', '.join(missing))
        if twice := {name for name in columns if name and columns.count(name) > 1}:
            raise BillFormatError('column_twice', 1, ', '.join(sorted(twice)))
        return columns

    def _read_summary(self, line_no, header, lines):
        """Read the sums, which end the file."""
        names = [name.strip() for name in header.split(',')]
        value_line_no, text = next(lines, (line_no, ''))
        cells = text[1:].split(',`') if text.startswith('`') else []
        if len(cells) != len(names):
            raise BillFormatError('truncated', value_line_no)
        if after := next(lines, None):
            raise BillFormatError('after_end', after[0])
        self.summary = dict(zip(names, cells, strict=True))

    def _read_trade(self, row):
        kind = TRADE_KINDS.get(row['交易状态'])
        if not kind:
            raise BillFormatError('kind', detail='交易状态')
        mchid, sub_mchid = row['商户号'], row['特约商户号']
        if mchid != self.mchid or (sub_mchid if sub_mchid != '0' else '') != (self.sub_mchid or ''):
            raise BillFormatError('merchant', detail=_short(sub_mchid if mchid == self.mchid
                                                            else mchid))
        is_payment = kind == 'payment'
        amount = parse_fen_amount(row, '订单金额' if is_payment else '申请退款金额')
        settled_amount = parse_fen_amount(row, '应结订单金额' if is_payment else '退款金额')
        return TradeLine(
            kind=kind,
            time=parse_time(row, '交易时间'),
            mchid=mchid,
            sub_mchid=self.sub_mchid or '',
            transaction_id=parse_number(row, '微信订单号'),
            out_trade_no=parse_number(row, '商户订单号'),
            refund_id='' if is_payment else parse_number(row, '微信退款单号'),
            out_refund_no='' if is_payment else parse_number(row, '商户退款单号'),
            trade_type=_short(row['交易类型']),
            status=_short(row['交易状态'] if is_payment else row['退款状态']),
            currency=_short(row['货币种类']),
            amount=amount if is_payment else -amount,
            settled_amount=settled_amount if is_payment else -settled_amount,
            fee=parse_amount(row, '手续费'),
            description=row['商品名称'][:256],
        )

    def _read_fundflow(self, row):
        direction = row['收支类型']
        if direction not in ('收入', '支出'):
            raise BillFormatError('kind', detail='收支类型')
        amount = parse_fen_amount(row, '收支金额(元)')
        # A blank or a zero stands for no number.
        voucher_no, business_no = (
            '' if row[name] in ('', '0') else parse_number(row, name)
            for name in ('业务凭证号', '微信支付业务单号')
        )
        return FundflowLine(
            kind=FUNDFLOW_KINDS.get(row['业务类型'], 'other'),
            time=parse_time(row, '记账时间'),
            business_no=business_no,
            flow_no=parse_number(row, '资金流水单号'),
            business_name=_short(row['业务名称']),
            business_type=_short(row['业务类型']),
            amount=amount if direction == '收入' else -amount,
            balance=parse_fen_amount(row, '账户结余(元)'),
            note=row['备注'][:256],
            voucher_no=voucher_no,
        )


def parse_amount(row, name):
    """Return an amount in yuan, exactly as it is written.

    :param dict row: The cells by column.
    :param str name: The column.
    :rtype: Decimal
    :raise BillFormatError: If it is not a plain decimal number.
    """
    text = row[name]
    if not _AMOUNT.fullmatch(text):
        raise BillFormatError('amount', detail=name)
    return Decimal(text)


def parse_fen_amount(row, name):
    """Return an amount in yuan that has no fractions of a fen.

    :rtype: Decimal
    :raise BillFormatError: If it is no such amount.
    """
    amount = parse_amount(row, name)
    if amount != round(amount, 2):
        raise BillFormatError('amount', detail=name)
    return round(amount, 2)


def is_equal_amount(told, value):
    """Tell whether a sum is what it should be, as far as it is written out.

    :param str told: The sum as the bill has it, as 0.60 or 0.60000.
    :param Decimal|int value: What it should be.
    :rtype: bool
    """
    if not _AMOUNT.fullmatch(told):
        return False
    told = Decimal(told)
    return round(Decimal(value), -told.as_tuple().exponent) == told


def parse_time(row, name):
    """Return a time of the bill, which is Beijing's, in UTC without a time zone.

    :rtype: datetime
    :raise BillFormatError: If it is none.
    """
    text = row[name]
    if _TIME.fullmatch(text):
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text) - BEIJING_OFFSET
    raise BillFormatError('time', detail=name)


def parse_number(row, name):
    """Return a number of WeChat Pay or of the merchant.

    :rtype: str
    :raise BillFormatError: If it is empty or has other than plain characters.
    """
    number = row[name]
    if not _NUMBER.fullmatch(number):
        raise BillFormatError('number', detail=name)
    return number


def _short(text):
    """Return a word of the bill, cut to what a column of ours takes."""
    return text[:64]
