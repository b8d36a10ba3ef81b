# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The calls about transfers: create, query, cancel (wechat-pay.md A9.2, A9.3)."""

import re
from urllib.parse import unquote

from . import signing
from .clock import rfc3339
from .fields import Array, Integer, Object, Text, one_of
from .messages import json_answer
from .order_fields import check_notify_url
from .transfers import (
    CANCELLABLE,
    SCENES,
    SHORT,
    Transfer,
    cancel,
    new_business_id,
    settle,
    take_money,
    transfer_object,
)
from .v3_call import encryption_key, read_body
from .v3_errors import V3Error, invalid_request, param_error

# In fen: from here on the payee's name is demanded, below it is refused.
NAMED_FROM, NAMELESS_BELOW = 200000, 30
_LETTERS = re.compile(r'[0-9A-Za-z]+', re.ASCII)


def _check_number(value):
    if not _LETTERS.fullmatch(value):
        raise ValueError("only digits and letters are allowed")


BODY = Object(
    appid=Text(32, required=True),
    out_bill_no=Text(32, required=True, check=_check_number),
    transfer_scene_id=Text(36, required=True),
    openid=Text(64, required=True),
    user_name=Text(1024),
    transfer_amount=Integer(1, required=True),
    transfer_remark=Text(32, required=True),
    notify_url=Text(256, check=check_notify_url),
    user_recv_perception=Text(64),
    transfer_scene_report_infos=Array(Object(
        info_type=Text(15, required=True),
        info_content=Text(32, required=True),
    ), 10, required=True),
    user_recv_style=Object(type=Text(32, check=one_of('CONFIRM_PAGE', 'RED_PACKET'))),
)


def create(world, merchant, request):
    """POST /v3/fund-app/mch-transfer/transfer-bills (A9.2)."""
    _check_address(world, merchant, request)
    body = read_body(request, BODY)
    name = _open_name(world, merchant, request, body)
    plain = body | ({'user_name': name} if name else {})
    with world.lock:
        _check_scene(world, merchant, body)
        if body['appid'] not in merchant.appids or body['appid'] not in world.apps:
            raise invalid_request('appid与商户号不匹配', "appid is not bound to mchid")
        transfer = world.transfers.get((merchant.mchid, body['out_bill_no']))
        if transfer:
            _repeat(world, transfer, plain)
        else:
            transfer = _new(world, merchant, body, plain)
        answer = {
            'out_bill_no': transfer.number,
            'transfer_bill_no': transfer.business_id,
            'create_time': rfc3339(transfer.created),
            'state': transfer.state,
        }
        if transfer.fail_reason:
            answer['fail_reason'] = transfer.fail_reason
        if transfer.state == 'WAIT_USER_CONFIRM':
            answer['package_info'] = transfer.package_info
        return json_answer(answer)


def _check_address(world, merchant, request):
    allowed = world.transfer_ips.get(merchant.mchid)
    if allowed is not None and request.client_ip not in allowed:
        raise invalid_request(
            '此IP地址不允许调用该接口', f"{request.client_ip} is not on the IP allow list",
        )


def _check_scene(world, merchant, body):
    scenes = world.transfer_scenes.get(merchant.mchid, SCENES)
    if not scenes:
        raise V3Error(
            403, 'NO_AUTH', '商户号未开通商家转账', "the product is not enabled for this merchant",
        )
    scene = scenes.get(body['transfer_scene_id'])
    if not scene:
        raise invalid_request(
            '该转账场景未获得授权', "transfer_scene_id is not granted to this merchant",
        )
    perception = body.get('user_recv_perception')
    if perception is not None and perception not in scene['perceptions']:
        raise invalid_request(
            '用户收款感知不在该转账场景的可选范围内',
            f"user_recv_perception must be one of {', '.join(scene['perceptions'])}",
        )
    given = [item['info_type'] for item in body['transfer_scene_report_infos']]
    if sorted(given) != sorted(scene['infos']):
        raise invalid_request(
            '转账场景报备信息与该转账场景不符',
            f"transfer_scene_report_infos must be {', '.join(scene['infos'])}",
        )


def _open_name(world, merchant, request, body):
    """:return: the payee's name, decrypted; '' without one."""
    amount = body['transfer_amount']
    if 'user_name' not in body:
        if amount >= NAMED_FROM:
            raise param_error('/user_name', None, "is required from 2000.00 yuan on")
        return ''
    if amount < NAMELESS_BELOW:
        raise param_error('/user_name', None, "is not allowed below 0.30 yuan")
    key = encryption_key(world, merchant, request)
    try:
        return signing.open_sealed(key, body['user_name'])
    except ValueError:
        issue = "was not encrypted with the key that Wechatpay-Serial names"
        raise param_error('/user_name', None, issue) from None


def _new(world, merchant, body, plain):
    amount = body['transfer_amount']
    most = world.settings['transfer_maximum']
    if amount < world.settings['transfer_minimum'] or most is not None and amount > most:
        raise invalid_request('转账金额超出限制', "transfer_amount is out of the limits")
    if not world.user_of_openid(body['openid'], body['appid']):
        raise param_error('/openid', body['openid'], "is not an openid of this appid")
    transfer = Transfer(
        merchant.mchid, body['out_bill_no'], body['appid'], body['openid'], amount, plain,
        created=world.clock.now(), business_id=new_business_id(world),
    )
    if not take_money(world, transfer):
        transfer.state = world.settings['transfer_short_of_funds']
        if transfer.state not in SHORT:
            raise V3Error(
                403, 'NOT_ENOUGH', '商户运营账户资金不足', "the merchant has not enough money",
            )
    world.transfers[merchant.mchid, transfer.number] = transfer
    return transfer


def _repeat(world, transfer, plain):
    """The same out_bill_no again is the same transfer, or a mistake."""
    changed = sorted(
        name for name in set(transfer.parameters) | set(plain)
        if transfer.parameters.get(name) != plain.get(name)
    )
    if changed:
        raise invalid_request(
            '商户单号已存在，且请求参数与首次请求不一致',
            f"out_bill_no was used with another {', '.join(changed)}",
        )
    settle(world, transfer)
    if transfer.state == 'ACCEPTED':
        take_money(world, transfer)


def _found(transfer):
    if not transfer:
        raise V3Error(
            404, 'NOT_FOUND', '记录不存在', "this merchant has no transfer of this number",
        )
    return transfer


def query(world, merchant, request, out_bill_no):
    """GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no} (A9.3)."""
    with world.lock:
        transfer = _found(world.transfers.get((merchant.mchid, _path_number(out_bill_no))))
        return _shown(world, merchant, request, transfer)


def query_by_bill(world, merchant, request, transfer_bill_no):
    """GET /v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no} (A9.3)."""
    number = unquote(transfer_bill_no)
    with world.lock:
        transfer = _found(next((
            item for item in world.transfers.values()
            if (item.mchid, item.business_id) == (merchant.mchid, number)
        ), None))
        return _shown(world, merchant, request, transfer)


def _shown(world, merchant, request, transfer):
    if request.body:
        request.problems.append("warning: a GET should have no body")
    settle(world, transfer)
    view = transfer_object(transfer)
    name = transfer.parameters.get('user_name')
    if name:
        # For the merchant's eyes: encrypted for the key that signs the merchant's requests.
        view['user_name'] = signing.seal(merchant.certificate.public_key, name)
    return json_answer(view)


def _path_number(raw):
    number = unquote(raw)
    try:
        Text(32, check=_check_number).test(number, 'out_bill_no')
    except V3Error as error:
        error.detail['location'] = 'url'
        raise
    return number


def cancel_by_number(world, merchant, request, out_bill_no):
    """POST /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel (A9.3)."""
    if request.body:
        raise param_error('/', None, "this call has no body")
    with world.lock:
        transfer = _found(world.transfers.get((merchant.mchid, _path_number(out_bill_no))))
        settle(world, transfer)
        if transfer.state in CANCELLABLE:
            cancel(world, transfer)
        elif transfer.state not in ('CANCELING', 'CANCELLED'):
            raise invalid_request(
                '当前单据状态不支持撤销',
                f"a transfer that is {transfer.state} cannot be cancelled",
            )
        answer = json_answer({
            'out_bill_no': transfer.number,
            'transfer_bill_no': transfer.business_id,
            'state': transfer.state,
            'update_time': rfc3339(transfer.updated_time),
        })
        if transfer.state == 'CANCELING' and not world.settings['transfer_stays_canceling']:
            answer.finishes = transfer
        return answer
