# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Telling the merchant that an order was paid or what became of a refund (wechat-pay.md A7)."""

import base64
import copy
import http.client
import re
import secrets
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from . import defects, notifications_v2, refunds, signing, transfers
from .clock import rfc3339
from .messages import dump
from .orders import order_object
from .v3_errors import request_id
from .world import Refusal

LIMIT = 5
HUGE = 2 * 1024 * 1024
BODY_DEFECTS = ('wrong_key', 'wrong_algorithm', 'garbage_body', 'empty_body', 'huge_body')
DEFECTS = defects.DEFECTS + BODY_DEFECTS
# What is encrypted, by the first word of its event; anything else is a transaction.
_ORIGINALS = {'REFUND': 'refund', 'MCHTRANSFER': 'mch_payment'}
_V2_SUCCESS = re.compile(r'<return_code>\s*(<!\[CDATA\[)?SUCCESS\b')
_SUMMARIES = {
    'TRANSACTION.SUCCESS': '支付成功', 'REFUND.SUCCESS': '退款成功', 'REFUND.ABNORMAL': '退款异常',
    'REFUND.CLOSED': '退款关闭', 'MCHTRANSFER.BILL.FINISHED': '商家转账单据终态通知',
}


def check_defect(subject, defect):
    """Raise `Refusal` for a defect that does not exist."""
    if subject.version == 2:
        notifications_v2.check_defect(subject, defect)
        return
    if defect and defect not in BODY_DEFECTS and not defects.is_known(defect):
        raise Refusal(f"unknown defect {defect!r}; there are {', '.join(DEFECTS)}")


def content(world, subject, overrides=None):
    """An order or a refund as the merchant will decrypt it.

    What is not paid or not refunded yet is shown as though it were: early, or forged.

    :param subject: `Order`, `Refund` or `Transfer`
    :param dict overrides: dotted path -> value (None removes the member)
    :return: (dict, event type)
    """
    with world.lock:
        shown = copy.copy(subject)
        if isinstance(shown, refunds.Refund):
            state = shown.state if shown.state in refunds.OUTCOMES else 'SUCCESS'
            shown.success_time = shown.success_time or world.clock.now()
            data, event = refunds.notified_object(shown, state), f'REFUND.{state}'
        elif isinstance(shown, transfers.Transfer):
            if shown.state not in transfers.FINAL:
                shown.state = 'SUCCESS'
            data = transfers.notified_object(world, shown)
            event = 'MCHTRANSFER.BILL.FINISHED'
        else:
            if not shown.paid:
                shown.transaction_id = world.new_transaction_id()
                shown.success_time = world.clock.now()
            data = order_object(shown, 'SUCCESS', world.sub_openid(shown))
            event = 'TRANSACTION.SUCCESS'
    for path, value in (overrides or {}).items():
        defects.set_path(data, path, value)
    return data, event


def envelope(world, merchant, data, event, defect=None, overrides=None):
    """The body of a notification (A7.1).

    :param dict data: what is encrypted
    :param str event: the event type
    :param dict overrides: dotted path -> value in the envelope itself
    :return: bytes
    """
    if defect == 'garbage_body':
        return b'<html>not json at all \xff\xfe</html>'
    if defect == 'empty_body':
        return b''
    original = _ORIGINALS.get(event.partition('.')[0], 'transaction')
    key = merchant.api_v3_key
    if defect == 'wrong_key':
        key = key[::-1] if key != key[::-1] else 'x' * 32
    resource = signing.encrypt(key, dump(data), original)
    if defect == 'wrong_algorithm':
        resource['algorithm'] = 'AEAD_SM4_GCM'
    body = {
        'id': str(uuid.uuid4()),
        'create_time': rfc3339(world.clock.now()),
        'resource_type': 'encrypt-resource',
        'event_type': event,
        'summary': _SUMMARIES.get(event, event),
        'resource': {'original_type': original, **resource},
    }
    if defect == 'huge_body':
        body['summary'] = base64.b64encode(secrets.token_bytes(HUGE * 3 // 4)).decode()
    for path, value in (overrides or {}).items():
        defects.set_path(body, path, value)
    return dump(body)


def headers(world, signer, body, defect=None, timestamp_offset=0):
    """:return: all headers of one delivery (list of pairs); each retry is signed afresh."""
    return [
        ('Content-Type', 'application/json'),
        ('User-Agent', 'Mozilla/4.0'),
        ('Accept', '*/*'),
        ('Request-ID', request_id(0)),
        *defects.signed_headers(signer, world.clock, body, defect, timestamp_offset),
    ]


def deliver(url, pairs, body, limit=LIMIT):
    """POST one notification; redirects are not followed, proxies are not used.

    :return: dict `status` (int, None if there was no answer), `body` (text), `seconds`
    """
    began = time.monotonic()
    parts = urlsplit(url)
    target = parts.path or '/'
    if parts.query:
        target += f'?{parts.query}'
    status, text = None, ''
    try:
        if parts.scheme == 'https':
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=limit, context=context,
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=limit)
        try:
            connection.putrequest('POST', target, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            connection.putheader('Content-Length', str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            text = answer.read(65536).decode('utf-8', 'replace')
            status = answer.status
        finally:
            connection.close()
    except TimeoutError:
        text = f"no answer within {limit} seconds"
    except (OSError, http.client.HTTPException) as error:
        text = f"no answer: {type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    if seconds > limit and status is not None:
        # http.client's limit is per read: an answer that trickles in is late all the same.
        status, text = None, f"no answer within {limit} seconds"
    return {'status': status, 'body': text, 'seconds': round(seconds, 3)}


def accepted(outcome):
    """:return: whether WeChat Pay would stop retrying after this answer (A7.2)."""
    if outcome.get('version') == 2:
        return outcome['status'] == 200 and bool(_V2_SUCCESS.search(outcome['body']))
    return outcome['status'] in (200, 204)


def notify(
    world, subject, *, signer=None, defect=None, overrides=None, envelope_overrides=None,
    event_type=None, url=None, repeat=1, parallel=False, identical=False, timestamp_offset=0,
):
    """Send the notification of an order, a refund or a transfer, once or several times.

    :param subject: `Order`, `Refund` or `Transfer`
    :param str signer: `public_key`, `certificate` or a serial; default: the trust mode
    :param bool identical: send the very same bytes each time instead of signing afresh
    :return: list of what `deliver` returns
    """
    check_defect(subject, defect)
    target = url or subject.notify_url
    if subject.version == 2:
        def make():
            sent = notifications_v2.body(world, subject, defect, overrides, envelope_overrides)
            return notifications_v2.HEADERS, sent
    else:
        with world.lock:
            merchant = world.merchant(subject.mchid)
            who = merchant.notification_signer(world.clock.now(), signer)
        data, event = content(world, subject, overrides)
        body = envelope(world, merchant, data, event_type or event, defect, envelope_overrides)
        sent = defects.tamper(body) if defect == 'tampered_body' else body

        def make():
            return headers(world, who, body, defect, timestamp_offset), sent
    first = make()

    def once(index):
        return deliver(target, *(make() if index and not identical else first))

    if parallel and repeat > 1:
        with ThreadPoolExecutor(repeat) as pool:
            answers = list(pool.map(once, range(repeat)))
    else:
        answers = [once(index) for index in range(repeat)]
    with world.lock:
        for outcome in answers:
            subject.notifications.append({
                'time': rfc3339(world.clock.now()), 'defect': defect, **outcome,
                **({'version': 2} if subject.version == 2 else {}),
            })
    return answers


def finish_refund(world, refund, outcome='SUCCESS', *, signer=None, url=None):
    """Let a refund reach a state and tell the merchant, if that wants to be told.

    A refund of the console, or one asked for without notify_url, is told in v2 XML to the
    address that the merchant set in the console, if any (A6.4, the trap).

    :param str url: told there instead
    :return: what `deliver` returns, None if there was nobody to tell
    """
    refunds.finish(world, refund, outcome)
    if refund.notify_url:
        return notify(world, refund, signer=signer, url=url)[0]
    with world.lock:
        merchant = world.merchant(refund.mchid)
        target = url or merchant.refund_notify_url
        if not target:
            return None
    body = notifications_v2.body(world, refund)
    answer = deliver(target, notifications_v2.HEADERS, body)
    with world.lock:
        refund.notifications.append({
            'time': rfc3339(world.clock.now()), 'defect': None, 'version': 2, **answer,
        })
    return answer


def finish_transfer(world, transfer):
    """Let a cancelled transfer come to its end and tell the merchant, if that wants to be told.

    :return: what `deliver` returns, None if there was nobody to tell or nothing to end
    """
    with world.lock:
        if transfer.state != 'CANCELING':
            return None
        transfers.end(world, transfer, 'CANCELLED')
    return notify(world, transfer)[0] if transfer.notify_url else None
