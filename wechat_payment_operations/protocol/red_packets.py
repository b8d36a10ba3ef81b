# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Red packets: API v2 with MD5 and the merchant certificate; answers have no sign (A9.4)."""

import re
from datetime import datetime

SEND_PATHS = {
    'normal': '/mmpaymkttransfers/sendredpack',
    'group': '/mmpaymkttransfers/sendgroupredpack',
}
QUERY_PATH = '/mmpaymkttransfers/gethbinfo'
# The only nested part of an answer: who received how much.
LISTS = {'hblist': 'hbinfo'}

MIN_GROUP, MAX_GROUP = 3, 20
SCENES = tuple(f'PRODUCT_{number}' for number in range(1, 9))
# Each, in fen: without a scene.
MIN_AMOUNT, MAX_AMOUNT = 100, 20000

# WeChat Pay's states, and ours.
STATES = {
    'SENDING': 'processing',
    'SENT': 'waiting',
    'RFUND_ING': 'processing',
    'RECEIVED': 'done',
    'FAILED': 'failed',
    'REFUND': 'returned',
}


class RedPacketError(Exception):
    """The answer is none about a red packet. Nothing is quoted."""


def read_red_packet(message):
    """Return a red packet as a query tells it.

    :param dict message: The fields of the answer.
    :return: {mch_billno, mch_id, status, total_amount, total_num, refund_amount (fen), reason,
        received: [{openid, amount (fen), rcv_time (Beijing, naive) or None}]}
    :rtype: dict
    :raise RedPacketError: If something is missing or cannot be read, or the state is not known.
    """
    packet = {}
    for name in ('mch_billno', 'mch_id', 'status'):
        packet[name] = message.get(name)
        if not packet[name]:
            raise RedPacketError(name)
    if packet['status'] not in STATES:
        raise RedPacketError('status')
    packet['total_amount'] = _read_integer(message, 'total_amount')
    packet['total_num'] = _read_integer(message, 'total_num')
    packet['refund_amount'] = (
        _read_integer(message, 'refund_amount') if 'refund_amount' in message else 0
    )
    packet['reason'] = message.get('reason', '')
    packet['received'] = []
    for share in message.get('hblist') or []:
        if not share.get('openid'):
            raise RedPacketError('openid')
        packet['received'].append({
            'openid': share['openid'],
            'amount': _read_integer(share, 'amount'),
            'rcv_time': _read_time(share.get('rcv_time', '')),
        })
    return packet


def _read_integer(values, name):
    text = values.get(name, '')
    if not re.fullmatch(r'[0-9]{1,12}', text, re.ASCII):
        raise RedPacketError(name)
    return int(text)


def _read_time(text):
    try:
        return datetime.strptime(text, '%Y-%m-%d %H:%M:%S')
    except ValueError:
        return None
