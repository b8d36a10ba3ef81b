# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The calls about red packets: send to one, to a group, in a mini-program; query (A9.4)."""

import ipaddress
import secrets
from urllib.parse import quote

from .clock import beijing_day
from .fields import one_of
from .red_packets import RedPacket, settle
from .v2_call import changed, lasting
from .v2_errors import V2Error, param_error
from .v2_fields import Field, Fields, fen, stamp

SCENES = tuple(f'PRODUCT_{index}' for index in range(1, 9))
# Each packet in fen: without a scene and with one.
RANGE, SCENE_RANGE = (100, 20000), (30, 500000)
GROUP_SIZE = (3, 20)


def _address(value):
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError("is not an IP address") from None


_COMMON = {
    'mch_billno': Field(28, required=True),
    'msgappid': Field(32),
    'send_name': Field(32, required=True),
    're_openid': Field(32, required=True),
    'total_amount': Field(10, required=True, check=fen),
    'total_num': Field(4, required=True, check=fen),
    'wishing': Field(128, required=True),
    'act_name': Field(32, required=True),
    'remark': Field(256, required=True),
    'scene_id': Field(32, check=one_of(*SCENES)),
    'risk_info': Field(128),
}
NORMAL = Fields(**_COMMON, client_ip=Field(15, required=True, check=_address))
GROUP = Fields(
    **_COMMON, amt_type=Field(32, required=True, check=one_of('ALL_RAND')),
    client_ip=Field(15, check=_address),
)
MINIPROGRAM = Fields(
    **_COMMON, client_ip=Field(15, check=_address),
    notify_way=Field(32, required=True, check=one_of('MINI_PROGRAM_JSAPI')),
)
QUERY = Fields(
    mch_billno=Field(28, required=True),
    bill_type=Field(32, required=True, check=one_of('MCHT')),
)


def send(world, merchant, request, values):
    """POST /mmpaymkttransfers/sendredpack."""
    return _send(world, merchant, request, values, 'NORMAL', ('official_account',))


def send_group(world, merchant, request, values):
    """POST /mmpaymkttransfers/sendgroupredpack."""
    return _send(world, merchant, request, values, 'GROUP', ('official_account',))


def send_miniprogram(world, merchant, request, values):
    """POST /mmpaymkttransfers/sendminiprogramhb."""
    return _send(world, merchant, request, values, 'NORMAL', ('miniprogram',))


def _send(world, merchant, request, values, kind, app_types):
    if values.get('sign_type'):
        request.problems.append("warning: red packets have no sign_type: MD5 is the only one")
    if world.apps[values['wxappid']].app_type not in app_types:
        raise V2Error(
            'ILLEGAL_APPID', '错误传入了app的appid', f"wxappid: must be of type {app_types[0]}",
        )
    _check_amounts(values, kind)
    with world.lock:
        packet = world.red_packets.get((merchant.mchid, values['mch_billno']))
        if packet:
            names = changed(packet.parameters, lasting(values))
            if names:
                raise V2Error(
                    'FATAL_ERROR', '两次请求参数不一致',
                    f"mch_billno was used with another {', '.join(names)}",
                )
            settle(world, packet)
        else:
            packet = _take(world, merchant, values, kind)
        return _answer(packet, kind, app_types)


def _check_amounts(values, kind):
    total, count = int(values['total_amount']), int(values['total_num'])
    least, most = GROUP_SIZE if kind == 'GROUP' else (1, 1)
    if not least <= count <= most:
        raise param_error('total_num', f"must be {least} to {most}")
    least, most = SCENE_RANGE if 'scene_id' in values else RANGE
    if not least * count <= total <= most * count:
        raise V2Error(
            'MONEY_LIMIT', '红包金额发放限制', f"each must be {least} to {most} fen",
        )


def _take(world, merchant, values, kind):
    """:return: a new `RedPacket`; its money has left the account."""
    openid, appid = values['re_openid'], values['wxappid']
    if not world.user_of_openid(openid, appid):
        raise V2Error(
            'OPENID_ERROR', 'openid和appid不匹配', "re_openid: is not an openid of wxappid",
        )
    if values.get('msgappid', appid) not in world.apps:
        raise V2Error('MSGAPPID_ERROR', 'msgappid不合法', "msgappid: there is no such appid")
    now = world.clock.now()
    day = beijing_day(now)
    today = [
        item for item in world.red_packets.values()
        if (item.mchid, item.openid, beijing_day(item.created)) == (merchant.mchid, openid, day)
        and item.state != 'FAILED'
    ]
    if len(today) >= world.settings['red_packet_limit']:
        raise V2Error(
            'SENDNUM_LIMIT', '该用户今日领取红包个数超过限制',
            "the person has got as many today as there may be",
        )
    amount = int(values['total_amount'])
    if merchant.balance is not None:
        if merchant.balance < amount:
            raise V2Error(
                'NOTENOUGH', '帐号余额不足，请到商户平台充值后再重试',
                "the merchant has not enough money",
            )
        merchant.balance -= amount
    number = world.number('red_packet')
    packet = RedPacket(
        merchant.mchid, values['mch_billno'], appid, openid, amount, int(values['total_num']),
        lasting(values), created=now, taken_time=now, kind=kind,
        business_id=f'10000{secrets.randbelow(10 ** 6):06d}{day}300{number:010d}',
        detail_id=f'10000{secrets.randbelow(10 ** 6):06d}{day}301{number:010d}',
        state='SENDING' if world.settings['red_packet_sending'] else 'SENT',
    )
    world.red_packets[packet.mchid, packet.number] = packet
    return packet


def _answer(packet, kind, app_types):
    if packet.state == 'FAILED':
        raise V2Error('SEND_FAILED', '红包发放失败,请更换单号再重试', "the red packet has failed")
    answer = {'send_listid': packet.business_id}
    if app_types == ('miniprogram',):
        answer['package'] = '&'.join(f'{name}={quote(value)}' for name, value in (
            ('sendid', packet.business_id), ('ver', '8'), ('sign', secrets.token_hex(32)),
            ('mchid', packet.mchid), ('spid', packet.mchid),
        ))
    return answer | {'return_msg': '发放成功'}


def query(world, merchant, request, values):
    """POST /mmpaymkttransfers/gethbinfo."""
    with world.lock:
        packet = world.red_packets.get((merchant.mchid, values['mch_billno']))
        if not packet or packet.appid != values['appid']:
            raise V2Error('NOT_FOUND', '指定单号数据不存在', "there is no such red packet")
        settle(world, packet)
        answer = {
            'mch_billno': packet.number,
            'mch_id': packet.mchid,
            'detail_id': packet.detail_id,
            'status': packet.state,
            'send_type': 'API',
            'hb_type': packet.kind,
            'total_num': packet.count,
            'total_amount': packet.amount,
            'reason': packet.reason,
            'send_time': stamp(packet.created, '%Y-%m-%d %H:%M:%S'),
            'wishing': packet.parameters['wishing'],
            'remark': packet.parameters['remark'],
            'act_name': packet.parameters['act_name'],
        }
        if packet.state == 'REFUND':
            answer |= {
                'refund_time': stamp(packet.returned_time, '%Y-%m-%d %H:%M:%S'),
                'refund_amount': packet.returned,
            }
        if packet.received:
            answer['hblist'] = [('hbinfo', {
                'openid': item['openid'], 'amount': str(item['amount']),
                'rcv_time': stamp(item['time'], '%Y-%m-%d %H:%M:%S'),
            }) for item in packet.received]
        return answer
