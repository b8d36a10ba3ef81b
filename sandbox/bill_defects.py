# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills with something wrong in them, as tests of a reconciliation want them."""

import secrets
from datetime import datetime

from . import bill_flow, bill_trade
from .bill_money import yuan
from .world import Refusal

STRANGER = '1900009999'
LARGEST_BOMB = 1024 ** 3
# defect -> what it must be told, and what it may
DEFECTS = {
    # lines
    'missing_line': ({'number': str}, {}),
    'extra_line': ({}, {'values': dict}),
    'changed': ({'number': str, 'values': dict}, {}),
    'amount_changed': ({'number': str, 'amount': int}, {}),
    'state_changed': ({'number': str, 'state': str}, {}),
    'fee_changed': ({'number': str, 'fee': str}, {}),
    'duplicate': ({'number': str}, {}),
    'other_merchant': ({}, {'values': dict}),
    # columns and summary
    'column_missing': ({'column': str}, {}),
    'column_added': ({'column': str}, {'value': str}),
    'columns_reordered': ({}, {}),
    'no_summary': ({}, {}),
    'wrong_summary': ({}, {'values': dict}),
    # the file and its download
    'wrong_hash': ({}, {}),
    'compressed_hash': ({}, {}),
    'truncated_gzip': ({}, {}),
    'not_gzip': ({}, {}),
    'html': ({}, {}),
    'bomb': ({'bytes': int}, {}),
    'redirect': ({'url': str}, {}),
    'other_host': ({'url': str}, {}),
    'expired': ({}, {}),
    'slow': ({'seconds': (int, float)}, {'chunks': int}),
    'interrupted': ({'after': int}, {'times': int}),
}


def prepare(items, kind, mchid, day):
    """Check what a test wants, and make the lines that are to be added.

    :param items: list of dict `defect` and its parameters
    :return: the same with `line` where there is one to add
    :raise Refusal: it makes no sense
    """
    prepared = []
    _check(items)
    for item in items:
        name = item['defect']
        if name in ('extra_line', 'other_merchant'):
            make = _extra_payment if kind == 'trade' else _extra_flow
            line = make(mchid if name == 'extra_line' else STRANGER, day)
            item = item | {'line': line | item.get('values', {})}
        prepared.append(dict(item))
    return prepared


def _check(items):
    for item in items:
        name = item.get('defect') if isinstance(item, dict) else None
        if name not in DEFECTS:
            raise Refusal(f"defect must be one of {', '.join(DEFECTS)}")
        required, optional = DEFECTS[name]
        kinds = required | optional
        for key, value in item.items():
            if key == 'defect':
                continue
            if key not in kinds:
                raise Refusal(f"{name} does not know {key!r}")
            if not isinstance(value, kinds[key]) or isinstance(value, bool):
                raise Refusal(f"{key} of {name} is of the wrong type")
        for key in required:
            if key not in item:
                raise Refusal(f"{name} wants {key}")
        _check_values(item)


def _check_values(item):
    if not all(isinstance(value, str) for value in item.get('values', {}).values()):
        raise Refusal("values are column -> text")
    if item.get('chunks', 1) < 1 or item.get('after', 0) < 0 or item.get('times', 1) < 0 \
            or not 0 <= item.get('seconds', 0) <= 120 \
            or not 0 <= item.get('bytes', 0) <= LARGEST_BOMB:
        raise Refusal("a number is out of its range")


def spoil(lines, kind, defects):
    """Change the lines of a bill.

    :param lines: iterator of dict column -> text
    :param str kind: `trade` or `fundflow`
    :return: iterator of the same
    """
    by_number = {}
    for item in defects:
        by_number.setdefault(item.get('number', ''), []).append(item)
    pending = {number for number in by_number if number}
    added = {
        item['column']: item.get('value', '1') for item in defects
        if item['defect'] == 'column_added'
    }
    for line in lines:
        line |= added
        number = _number(line, pending) if pending else None
        if not number:
            yield line
            continue
        # Of a fund-flow bill the first line of a number only, each other line has its own number.
        if kind == 'fundflow':
            pending.discard(number)
        yield from _changed(line, by_number[number], kind)
    for item in by_number.get('', []):
        if 'line' in item:
            yield item['line'] | added


def _number(line, wanted):
    names = ('商户订单号', '微信订单号')
    if '资金流水单号' in line:
        names = ('业务凭证号', '资金流水单号')
    elif line['交易状态'] != 'SUCCESS':
        names = ('商户退款单号', '微信退款单号')
    return next((line[name] for name in names if line[name] in wanted), None)


def _changed(line, items, kind):
    copies = 1
    for item in items:
        name = item['defect']
        if name == 'missing_line':
            return
        if name == 'duplicate':
            copies += 1
        elif name == 'changed':
            line = line | item['values']
        elif name == 'fee_changed':
            line = line | {'手续费': item['fee']}
        elif name == 'state_changed':
            refund = line.get('交易状态') == 'REFUND'
            line = line | {'退款状态' if refund else '交易状态': item['state']}
        elif name == 'amount_changed':
            line = line | _amounts(line, kind, yuan(item['amount']))
    for _copy in range(copies):
        yield line


def _amounts(line, kind, amount):
    if kind == 'fundflow':
        return {'收支金额(元)': amount}
    if line['交易状态'] == 'SUCCESS':
        return {'订单金额': amount, '应结订单金额': amount}
    return {'退款金额': amount, '申请退款金额': amount}


def _new_number():
    return f'{secrets.randbelow(10 ** 12):012d}'


def _extra_payment(mchid, day):
    return dict.fromkeys(bill_trade.COLUMNS['ALL'] + bill_trade.COLUMNS['REFUND'], '') | {
        '交易时间': f'{day} 12:00:00',
        '公众账号ID': 'wx0000000000000002',
        '商户号': mchid,
        '特约商户号': '0',
        '微信订单号': f"4299000000{_day(day)}{_new_number()[:10]}",
        '商户订单号': f'EXTRA{_new_number()}',
        '用户标识': f'oEXTRA{secrets.token_hex(11)}',
        '交易类型': 'NATIVE',
        '交易状态': 'SUCCESS',
        '付款银行': 'OTHERS',
        '货币种类': 'CNY',
        '应结订单金额': '1.00',
        '代金券金额': '0.00',
        '微信退款单号': '0',
        '商户退款单号': '0',
        '退款金额': '0.00',
        '充值券退款金额': '0.00',
        '商品名称': '示例商品',
        '手续费': '0.01000',
        '费率': '0.60%',
        '订单金额': '1.00',
        '申请退款金额': '0.00',
    }


def _extra_flow(mchid, day):
    return dict.fromkeys(bill_flow.COLUMNS, '') | {
        '记账时间': f'{day} 12:00:00',
        '微信支付业务单号': f"4299000000{_day(day)}{_new_number()[:10]}",
        '资金流水单号': f'{_day(day)}{_new_number()}99999999',
        '业务名称': '交易',
        '业务类型': '交易',
        '收支类型': '收入',
        '收支金额(元)': '1.00',
        '账户结余(元)': '1.00',
        '资金变更提交申请人': 'system' if mchid != STRANGER else mchid,
        '业务凭证号': f'EXTRA{_new_number()}',
    }


def _day(day):
    return datetime.strptime(day, '%Y-%m-%d').strftime('%Y%m%d')


def columns(names, defects):
    """:return: the columns of a bill (list of text)."""
    names = list(names)
    for item in defects:
        if item['defect'] == 'column_missing':
            names = [name for name in names if name != item['column']]
        elif item['defect'] == 'column_added':
            names.insert(len(names) // 2, item['column'])
        elif item['defect'] == 'columns_reordered':
            names.reverse()
    return names


def summary(names, values, defects):
    """:return: (names, values) of the summary; two empty lists if it is to be missing."""
    for item in defects:
        if item['defect'] == 'no_summary':
            return [], []
        if item['defect'] == 'wrong_summary':
            changes = item.get('values') or {names[0]: '999'}
            values = [changes.get(name, value) for name, value in zip(names, values, strict=True)]
    return names, values
