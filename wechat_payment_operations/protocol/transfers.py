# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Transfers that the recipient confirms (A9.2, A9.3)."""

TRANSFER_PATH = '/v3/fund-app/mch-transfer/transfer-bills'
FINISHED_EVENT = 'MCHTRANSFER.BILL.FINISHED'

# The recipient's name: demanded from here on, refused below, in fen (A9.2).
NAME_FROM, NAME_NOT_BELOW = 200000, 30
MAX_REMARK, MAX_INFO_TYPE, MAX_INFO_CONTENT = 32, 15, 32

# WeChat Pay's states, and ours.
STATES = {
    'ACCEPTED': 'processing',
    'PROCESSING': 'processing',
    'WAIT_USER_CONFIRM': 'waiting',
    'TRANSFERING': 'processing',
    'CANCELING': 'cancelling',
    'SUCCESS': 'done',
    'FAIL': 'failed',
    'CANCELLED': 'cancelled',
}


class TransferError(Exception):
    """What is verified to be WeChat Pay's is no transfer. Nothing is quoted."""


def read_transfer(content):
    """Return a transfer as an answer or a notification tells it.

    :param dict content: The verified content. Of the answer to creating, it tells less.
    :return: {out_bill_no, transfer_bill_no, state} and, if told, {mch_id, appid, openid,
        transfer_amount (fen), fail_reason, package_info}; texts, the amount an integer.
    :rtype: dict
    :raise TransferError: If something is missing or of another type, or the state is not known.
    """
    transfer = {}
    for name in ('out_bill_no', 'transfer_bill_no', 'state'):
        value = content.get(name)
        if not isinstance(value, str) or not value:
            raise TransferError(name)
        transfer[name] = value
    if transfer['state'] not in STATES:
        raise TransferError('state')
    for name in ('appid', 'openid', 'fail_reason', 'package_info'):
        value = content.get(name)
        if value is None or value == '':
            continue
        if not isinstance(value, str):
            raise TransferError(name)
        transfer[name] = value
    # One of both names; tools of WeChat Pay know either (A9.3).
    for name in ('mch_id', 'mchid'):
        if name in content:
            if not isinstance(content[name], str):
                raise TransferError(name)
            if transfer.setdefault('mch_id', content[name]) != content[name]:
                raise TransferError(name)
    if 'transfer_amount' in content:
        amount = content['transfer_amount']
        if type(amount) is not int:
            raise TransferError('transfer_amount')
        transfer['transfer_amount'] = amount
    return transfer
