# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for money sent to users: red packets and transfers."""

from . import notifications, red_packets, transfers
from .clock import rfc3339
from .control_accounts import _read
from .world import Refusal

# === Red packets === #

def red_packet_view(packet):
    """:return: a red packet with everything the sandbox knows about it (dict)."""
    return {
        'mchid': packet.mchid, 'mch_billno': packet.number, 'status': packet.state,
        'kind': packet.kind, 'appid': packet.appid, 'openid': packet.openid,
        'amount': packet.amount, 'count': packet.count, 'created': rfc3339(packet.created),
        'send_listid': packet.business_id, 'reason': packet.reason or None,
        'received': [
            {**item, 'time': rfc3339(item['time'])} for item in packet.received
        ],
        'returned': packet.returned,
    }


def list_red_packets(sandbox, data):
    """GET red_packets."""
    world = sandbox.world
    with world.lock:
        return {'red_packets': [
            red_packet_view(red_packets.settle(world, item))
            for item in world.red_packets.values()
        ]}


def change_red_packet(sandbox, data):
    """POST red_packet: what becomes of one."""
    values = _read(data, mchid_=str, mch_billno_=str, action_=str, user=str, reason=str)
    world = sandbox.world
    with world.lock:
        packet = world.red_packets.get((values['mchid'], values['mch_billno']))
        if not packet:
            raise Refusal(f"there is no red packet {values['mch_billno']!r}")
        red_packets.settle(world, packet)
        user = world.user(values['user']) if 'user' in values else None
        red_packets.change(world, packet, values['action'], user, values.get('reason', ''))
        return red_packet_view(packet)


# === Transfers === #

def _transfer(world, values):
    transfer = world.transfers.get((values['mchid'], values['out_bill_no']))
    if not transfer:
        raise Refusal(f"there is no transfer {values['out_bill_no']!r}")
    return transfer


def transfer_view(transfer):
    """:return: a transfer with everything the sandbox knows about it (dict)."""
    return {
        'mchid': transfer.mchid, 'out_bill_no': transfer.number,
        'transfer_bill_no': transfer.business_id, 'state': transfer.state,
        'fail_reason': transfer.fail_reason or None, 'amount': transfer.amount,
        'appid': transfer.appid, 'openid': transfer.openid,
        'package_info': transfer.package_info or None, 'created': rfc3339(transfer.created),
        'parameters': transfer.parameters, 'returned': transfer.returned,
        'notifications': list(transfer.notifications),
    }


def list_transfers(sandbox, data):
    """GET transfers."""
    world = sandbox.world
    with world.lock:
        return {'transfers': [
            transfer_view(transfers.settle(world, item)) for item in world.transfers.values()
        ]}


def _told(world, transfer, notify):
    """:return: the state, and what came of telling the merchant (dict)."""
    told = None
    if notify and transfer.state in transfers.FINAL and transfer.notify_url:
        told = notifications.notify(world, transfer)[0]
    return {
        'state': transfer.state, 'fail_reason': transfer.fail_reason or None,
        'notification': told,
    }


def change_transfer(sandbox, data):
    """POST transfer: what becomes of one."""
    values = _read(
        data, mchid_=str, out_bill_no_=str, action_=str, state=str, reason=str, notify=bool,
    )
    world = sandbox.world
    with world.lock:
        transfer = _transfer(world, values)
        transfers.settle(world, transfer)
        transfers.change(
            world, transfer, values['action'], values.get('state', ''), values.get('reason', ''),
        )
    return _told(world, transfer, values.get('notify', True))


def request_merchant_transfer(sandbox, data):
    """POST request_merchant_transfer: what the client call of that name does."""
    values = _read(data, appid_=str, user_=str, parameters_=dict, cancel=bool, notify=bool)
    world = sandbox.world
    parameters = values['parameters']
    with world.lock:
        user = world.user(values['user'])
        transfer = next((
            item for item in world.transfers.values()
            if item.package_info and item.package_info == parameters.get('package')
        ), None)
        why = _refused(world, transfer, parameters, values['appid'], user)
        if not why and values.get('cancel'):
            why = 'cancel'
        if not why:
            transfers.confirm(world, transfer)
    if why:
        return {
            'errMsg': f'requestMerchantTransfer:fail {why}',
            'state': transfer and transfer.state, 'fail_reason': None, 'notification': None,
        }
    return {'errMsg': 'requestMerchantTransfer:ok'} | _told(
        world, transfer, values.get('notify', True),
    )


def _refused(world, transfer, parameters, appid, user):
    """:return: why the client shows no page to confirm; None if it does."""
    if set(parameters) - {'mchId', 'appId', 'subAppId', 'subMchId', 'package', 'openId'}:
        return "(parameter error: unknown parameter)"
    for name in ('mchId', 'appId', 'package'):
        if not isinstance(parameters.get(name), str) or not parameters[name]:
            return f"(parameter error: parameter.{name} should be a string)"
    if not transfer:
        return "(package: there is no such transfer)"
    if (parameters['mchId'], parameters['appId']) != (transfer.mchid, transfer.appid):
        return "(mchId or appId is not the transfer's)"
    if appid != transfer.appid:
        return "(the transfer was made for another appid)"
    if user.openids.get(transfer.appid) != transfer.openid:
        return "(the transfer is for another person)"
    transfers.settle(world, transfer)
    if transfer.state not in ('WAIT_USER_CONFIRM', 'TRANSFERING'):
        return f"(the transfer is {transfer.state})"
    return None


def notify_transfer(sandbox, data):
    """POST notify_transfer: the notification again, early, or with something wrong."""
    values = _read(
        data, mchid_=str, out_bill_no_=str, signer=str, defect=str, overrides=dict,
        envelope=dict, event_type=str, url=str, repeat=int, parallel=bool, identical=bool,
        timestamp_offset=int,
    )
    world = sandbox.world
    with world.lock:
        transfer = _transfer(world, values)
        merchant = world.merchant(transfer.mchid)
    if values.get('signer', 'public_key') not in {
            'public_key', 'certificate', *merchant.signers()}:
        raise Refusal("signer must be public_key, certificate, or a serial")
    if not 1 <= values.get('repeat', 1) <= 100:
        raise Refusal("repeat must be 1 to 100")
    if not values.get('url', transfer.notify_url):
        raise Refusal("the transfer has no notify_url; name a url")
    options = {
        name: values[name] for name in (
            'signer', 'defect', 'overrides', 'event_type', 'url', 'repeat', 'parallel',
            'identical', 'timestamp_offset',
        ) if name in values
    }
    return {'answers': notifications.notify(
        world, transfer, envelope_overrides=values.get('envelope'), **options,
    )}


# === What the merchant has set in the console === #

def set_scenes(sandbox, data):
    """POST transfer_scenes: what was granted to the merchant; nothing: the product is off."""
    values = _read(data, mchid_=str, scenes_=dict)
    for scene in values['scenes'].values():
        if not isinstance(scene, dict) or set(scene) != {'infos', 'perceptions'} \
                or not all(isinstance(item, list) for item in scene.values()):
            raise Refusal("scenes are id -> {infos, perceptions}, two lists")
    with sandbox.world.lock:
        sandbox.world.merchant(values['mchid'])
        sandbox.world.transfer_scenes[values['mchid']] = values['scenes']
    return {'scenes': values['scenes']}


def set_addresses(sandbox, data):
    """POST transfer_ips: from where the merchant may send money; null: from anywhere."""
    values = _read(data, mchid_=str, addresses=list)
    with sandbox.world.lock:
        sandbox.world.merchant(values['mchid'])
        sandbox.world.transfer_ips[values['mchid']] = values.get('addresses')
    return {'addresses': values.get('addresses')}


def set_real_name(sandbox, data):
    """POST real_name: what WeChat knows a person by."""
    values = _read(data, user_=str, name_=str)
    with sandbox.world.lock:
        user = sandbox.world.user(values['user'])
        sandbox.world.real_names[user.user] = values['name']
    return {'user': user.user, 'name': values['name']}


ROUTES = [
    ('GET', '/_sandbox/red_packets', list_red_packets),
    ('POST', '/_sandbox/red_packet', change_red_packet),
    ('GET', '/_sandbox/transfers', list_transfers),
    ('POST', '/_sandbox/transfer', change_transfer),
    ('POST', '/_sandbox/request_merchant_transfer', request_merchant_transfer),
    ('POST', '/_sandbox/notify_transfer', notify_transfer),
    ('POST', '/_sandbox/transfer_scenes', set_scenes),
    ('POST', '/_sandbox/transfer_ips', set_addresses),
    ('POST', '/_sandbox/real_name', set_real_name),
]
