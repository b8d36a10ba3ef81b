# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Transfers to users, who confirm them: what becomes of the money (wechat-pay.md A9.2, A9.3)."""

import secrets
from dataclasses import dataclass, field
from typing import ClassVar

from .clock import beijing_day, rfc3339
from .world import DAY, Refusal

FINAL = ('SUCCESS', 'FAIL', 'CANCELLED')
# What a transfer may still be cancelled in.
CANCELLABLE = ('ACCEPTED', 'PROCESSING', 'WAIT_USER_CONFIRM')
# Without the money in the account: waits for a repetition, or for the money.
SHORT = ('ACCEPTED', 'PROCESSING')
SCENES = {
    '1000': {'infos': ['活动名称', '奖励说明'], 'perceptions': ['活动奖励', '现金奖励']},
    '1005': {
        'infos': ['岗位类型', '报酬说明'],
        'perceptions': ['劳务报酬', '报销款', '企业补贴', '开工利是'],
    },
}


@dataclass
class Transfer:
    """Money for one person; `parameters` is the body it was made with, the name decrypted."""

    LABEL: ClassVar = '商家转账'
    RETURN_LABEL: ClassVar = '商家转账退回'

    mchid: str
    number: str
    appid: str
    openid: str
    amount: int
    parameters: dict
    created: float
    business_id: str
    state: str = 'ACCEPTED'
    fail_reason: str = ''
    package_info: str = ''
    updated_time: float = 0.0
    taken_time: float = 0.0
    returned_time: float = 0.0
    returned: int = 0
    version: int = 3
    notifications: list = field(default_factory=list)

    @property
    def notify_url(self):
        """:return: where the merchant wants to be told, '' if nothing was said."""
        return self.parameters.get('notify_url', '')


def new_business_id(world):
    """:return: a transfer_bill_no as WeChat Pay gives."""
    number = world.number('transfer')
    return f'13300{secrets.randbelow(10 ** 8):08d}{beijing_day(world.clock.now())}{number:012d}'


def take_money(world, transfer):
    """Take the money from the merchant's account if it is there, and ask the payee.

    The caller holds the lock.

    :return: whether it was there
    """
    merchant = world.merchants[transfer.mchid]
    if merchant.balance is not None:
        if merchant.balance < transfer.amount:
            return False
        merchant.balance -= transfer.amount
    transfer.taken_time = world.clock.now()
    name = transfer.parameters.get('user_name')
    user = world.user_of_openid(transfer.openid, transfer.appid)
    if name and world.real_names.get(user.user, name) != name:
        end(world, transfer, 'FAIL', 'NAME_NOT_CORRECT')
        return True
    transfer.package_info = secrets.token_urlsafe(96)
    _become(world, transfer, 'WAIT_USER_CONFIRM')
    return True


def settle(world, transfer):
    """Let time work. The caller holds the lock.

    :return: the `Transfer`
    """
    now = world.clock.now()
    if transfer.state == 'PROCESSING':
        take_money(world, transfer)
    if transfer.state == 'WAIT_USER_CONFIRM' and now >= transfer.created + DAY:
        end(world, transfer, 'FAIL', 'OVERDUE_CLOSE', transfer.created + DAY)
    return transfer


def _become(world, transfer, state, reason=''):
    transfer.state = state
    transfer.fail_reason = reason
    transfer.updated_time = world.clock.now()


def end(world, transfer, state, reason='', moment=None):
    """Bring a transfer to its end; what was taken goes back unless it arrived.

    :param str state: one of `FINAL`
    :param float moment: when the money goes back, None for now
    """
    _become(world, transfer, state, reason if state == 'FAIL' else '')
    if state != 'SUCCESS' and transfer.taken_time and not transfer.returned_time:
        transfer.returned, transfer.returned_time = transfer.amount, moment or world.clock.now()
        merchant = world.merchants[transfer.mchid]
        if merchant.balance is not None:
            merchant.balance += transfer.amount


def confirm(world, transfer):
    """The payee agrees. The caller holds the lock.

    :raise Refusal: there is nothing to agree to any more
    """
    settle(world, transfer)
    if transfer.state not in ('WAIT_USER_CONFIRM', 'TRANSFERING'):
        raise Refusal(f"the transfer is {transfer.state}")
    if world.settings['transfer_stays_transfering']:
        _become(world, transfer, 'TRANSFERING')
    else:
        end(world, transfer, 'SUCCESS')


def cancel(world, transfer):
    """The merchant takes it back. The caller holds the lock; the state was checked."""
    _become(world, transfer, 'CANCELING')


def change(world, transfer, action, state='', reason=''):
    """Let something happen to a transfer. The caller holds the lock.

    :param str action: `confirm`, `fail`, `expire` or `finish`, which brings it to `state`
    :raise Refusal: it cannot happen to one in its state
    """
    if action == 'confirm':
        confirm(world, transfer)
        return
    if transfer.state in FINAL:
        raise Refusal(f"the transfer is {transfer.state}")
    if action == 'fail':
        end(world, transfer, 'FAIL', reason or 'PAYEE_ACCOUNT_ABNORMAL')
    elif action == 'expire':
        if transfer.state != 'WAIT_USER_CONFIRM':
            raise Refusal(f"the transfer is {transfer.state}")
        end(world, transfer, 'FAIL', 'OVERDUE_CLOSE')
    elif action == 'finish':
        if state not in FINAL:
            raise Refusal(f"state must be one of {', '.join(FINAL)}")
        if state == 'SUCCESS' and not transfer.taken_time:
            raise Refusal("the money of this transfer was never there")
        end(world, transfer, state, reason or 'PAYEE_ACCOUNT_ABNORMAL')
    else:
        raise Refusal("action must be one of confirm, fail, expire, finish")


def transfer_object(transfer):
    """:return: a transfer as a query shows it (A9.3; dict)."""
    view = {
        'mch_id': transfer.mchid,
        'out_bill_no': transfer.number,
        'transfer_bill_no': transfer.business_id,
        'appid': transfer.appid,
        'state': transfer.state,
        'transfer_amount': transfer.amount,
        'transfer_remark': transfer.parameters['transfer_remark'],
        'openid': transfer.openid,
        'create_time': rfc3339(transfer.created),
        'update_time': rfc3339(transfer.updated_time or transfer.created),
    }
    return view | ({'fail_reason': transfer.fail_reason} if transfer.fail_reason else {})


def notified_object(world, transfer):
    """:return: a transfer as its notification shows it (A9.3; dict)."""
    view = transfer_object(transfer)
    names = (
        'out_bill_no', 'transfer_bill_no', 'transfer_amount', 'state', 'fail_reason', 'openid',
        'create_time', 'update_time',
    )
    return {world.settings['transfer_notify_mchid']: transfer.mchid} | {
        name: view[name] for name in names if name in view
    }
