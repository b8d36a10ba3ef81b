# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills as files: made line by line, kept for five minutes, sent in pieces (wechat-pay.md A8)."""

import hashlib
import itertools
import os
import secrets
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from operator import itemgetter

from . import bill_defects, bill_flow, bill_trade

LIFETIME = 300
PIECE = 64 * 1024
_HTML = '<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>'


@dataclass
class BillFile:
    """A file that waits to be downloaded by the merchant who asked for it."""

    token: str
    mchid: str
    stream: object
    length: int
    expires: float
    hash_value: str
    url: str
    defects: list = field(default_factory=list)


@dataclass
class Download:
    """The pieces of a file, as slow or as incomplete as a test wants it."""

    stream: object
    length: int
    seconds: float = 0.0
    pieces: int = 1
    end: int | None = None

    @property
    def interrupted(self):
        """:return: whether the connection ends before the file does."""
        return self.end is not None and self.end < self.length

    def __iter__(self):
        """:return: the pieces, one after the other (iterator of bytes)."""
        end = min(self.length, self.length if self.end is None else self.end)
        size = max(1, min(PIECE, -(-self.length // self.pieces)))
        position = 0
        while position < end:
            if self.seconds:
                time.sleep(self.seconds / max(1, -(-self.length // size)))
            piece = os.pread(self.stream.fileno(), min(size, end - position), position)
            position += len(piece)
            yield piece


def text(world, mchid, kind, day, bill_type, sub_mchid='', defects=()):
    """Write a bill. The caller holds the lock.

    :param str kind: `trade` or `fundflow`
    :param str bill_type: type of a trade bill, or account of a fund-flow bill
    :param defects: what is to be wrong with it (list of dict)
    :return: iterator of lines of text without their ends; nothing if there was no business
    """
    if kind == 'trade':
        columns, totals = bill_trade.COLUMNS[bill_type], _TradeTotals()
        found = bill_trade.lines(world, mchid, day, bill_type, sub_mchid)
    else:
        columns, totals = bill_flow.COLUMNS, _FlowTotals()
        found = bill_flow.lines(world, mchid, day, bill_type, sub_mchid)
    columns = bill_defects.columns(columns, defects)
    cells, template = itemgetter(*columns), ','.join(['`%s'] * len(columns))
    first = True
    for line in bill_defects.spoil(found, kind, defects):
        if first:
            yield ','.join(columns)
            first = False
        totals.add(line)
        yield template % cells(line)
    if first:
        return
    names, values = bill_defects.summary(*totals.result(), defects)
    if names:
        yield ','.join(names)
        yield ','.join(f'`{value}' for value in values)


class _TradeTotals:
    COLUMNS = [column for _name, column in bill_trade.SUMMARY if column]

    def __init__(self):
        self.counts = Counter()
        self.amounts = itemgetter(*self.COLUMNS)

    def add(self, line):
        self.counts[self.amounts(line)] += 1

    def result(self):
        sums = dict.fromkeys(self.COLUMNS, Decimal())
        for amounts, count in self.counts.items():
            for column, amount in zip(self.COLUMNS, amounts, strict=True):
                sums[column] += count * _decimal(amount)
        values = [self.counts.total()] + [
            f"{sums[column]:.{5 if column == '手续费' else 2}f}" for column in self.COLUMNS
        ]
        return [name for name, _column in bill_trade.SUMMARY], values


class _FlowTotals:
    KINDS = ('收入', '支出')

    def __init__(self):
        self.counts = Counter()
        self.amounts = itemgetter('收支类型', '收支金额(元)')

    def add(self, line):
        self.counts[self.amounts(line)] += 1

    def result(self):
        names, values = ['资金流水总笔数'], [self.counts.total()]
        for kind in self.KINDS:
            found = [(amount, count) for (of, amount), count in self.counts.items() if of == kind]
            names += [f'{kind}笔数', f'{kind}金额']
            values.append(sum(count for _amount, count in found))
            values.append(
                f'{sum((count * _decimal(amount) for amount, count in found), Decimal()):.2f}',
            )
        return names, values


def _decimal(value):
    try:
        return Decimal(value)
    except InvalidOperation:
        return Decimal()


def make(world, mchid, kind, day, bill_type, sub_mchid='', gzip=False, address=''):
    """Make the file of a bill. The caller holds the lock.

    :param bool gzip: compress it
    :param str address: base address that it is downloaded from
    :return: the `BillFile`, None if nothing happened that day
    """
    defects = world.bill_defects.get((mchid, day, kind), [])
    named = {item['defect']: item for item in defects}
    settings = world.settings
    end = '\r\n' if settings['bill_newline'] == 'CRLF' else '\n'
    content = text(world, mchid, kind, day, bill_type, sub_mchid, defects)
    if 'html' in named:
        content, gzip = iter([_HTML]), False
    if 'bomb' in named:
        content = itertools.repeat('0' * PIECE, named['bomb']['bytes'] // PIECE)
    packer = zlib.compressobj(wbits=31) if gzip and 'not_gzip' not in named else None
    plain, packed = hashlib.sha1(), hashlib.sha1()
    stream = tempfile.TemporaryFile(prefix='sandbox-bill-')  # noqa: SIM115 kept for its download
    empty = True

    def put(data):
        packed.update(data)
        stream.write(data)

    for piece in _pieces(content, end, settings['bill_bom']):
        empty = False
        plain.update(piece)
        put(packer.compress(piece) if packer else piece)
    if empty:
        stream.close()
        return None
    if packer:
        put(packer.flush())
    stream.flush()
    length = stream.tell()
    if 'truncated_gzip' in named:
        length = length * 2 // 3
        stream.truncate(length)
    hash_value = (packed if 'compressed_hash' in named else plain).hexdigest()
    if 'wrong_hash' in named:
        hash_value = hash_value[::-1]
    return _keep(world, mchid, stream, length, hash_value, address, defects, named)


def _pieces(content, end, bom):
    """:return: lines put together to pieces worth handling one by one (iterator of bytes)."""
    waiting = ['\ufeff'] if bom else []
    size = 0
    for line in content:
        waiting.append(line + end)
        size += len(line)
        if size > PIECE:
            yield ''.join(waiting).encode()
            waiting, size = [], 0
    if size:
        yield ''.join(waiting).encode()


def _keep(world, mchid, stream, length, hash_value, address, defects, named):
    now = world.clock.now()
    for file in list(world.bill_files.values()):
        if file.expires < now - LIFETIME:
            del world.bill_files[file.token]
    token = secrets.token_urlsafe(48)
    if 'other_host' in named:
        address = named['other_host']['url']
    file = BillFile(
        token, mchid, stream, length, now + (-1 if 'expired' in named else LIFETIME), hash_value,
        f'{address}/v3/billdownload/file?token={token}', defects,
    )
    world.bill_files[token] = file
    return file


def download(file):
    """:return: the `Download` of a file, with what is to go wrong."""
    sent = Download(file.stream, file.length)
    for item in file.defects:
        if item['defect'] == 'slow':
            sent.seconds, sent.pieces = item['seconds'], item.get('chunks', 10)
        if item['defect'] == 'interrupted' and item.get('times', 1) > 0:
            item['times'] = item.get('times', 1) - 1
            sent.end = item['after']
    return sent

