# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API under /_sandbox/: what tests and the web page use to play WeChat's side."""

import re
from urllib.parse import urlsplit

from . import (
    control_accounts,
    control_bills,
    control_component,
    control_miniprograms,
    control_oauth,
    control_payment_codes,
    control_payouts,
    control_push,
    control_tokens,
    control_user_data,
    notifications,
    refunds,
    tokens,
)
from .client import request_payment
from .clock import rfc3339
from .messages import json_answer
from .orders import order_object
from .refund_fields import check_refund_number
from .v3_errors import V3Error
from .world import PRODUCTS, SIGN_TYPES, TRUST_MODES, Refusal, merchant_view

_TEXT = (str, "text")
_FLAG = (bool, "true or false")
_OBJECT = (dict, "an object")
_LIST = (list, "a list")
_NUMBER = ((int, float), "a number")


def _read(data, required=(), **kinds):
    """Check a control request.

    :param dict data: the body
    :param required: names that must be there
    :param kinds: name -> (type, how to call it)
    :return: the body without members that are null
    """
    unknown = sorted(set(data) - set(kinds))
    if unknown:
        known = ', '.join(kinds) or 'none'
        raise Refusal(f"unknown parameter {', '.join(unknown)}; this call knows: {known}")
    values = {name: value for name, value in data.items() if value is not None}
    for name in required:
        if name not in values:
            raise Refusal(f"{name} is missing")
    for name, value in values.items():
        kind, words = kinds[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refusal(f"{name} must be {words}")
    return values


# === The world === #

def get_world(sandbox, data):
    """GET world."""
    world = sandbox.world
    with world.lock:
        return {
            'url': world.address,
            'backup_url': world.backup_address,
            'tls_url': world.tls_address,
            'tls_ca_certificate': world.authority.certificate,
            'apps': [app.public() for app in world.apps.values()],
            'merchants': [merchant_view(item) for item in world.merchants.values()],
            'settings': dict(world.settings),
        }


def reset(sandbox, data):
    """POST reset."""
    _read(data)
    sandbox.world.reset()
    sandbox.simulator_server = ''
    sandbox.faults.clear()
    sandbox.log.clear()
    return {'reset': True}


def add_app(sandbox, data):
    """POST apps."""
    values = _read(
        data, ('appid',), appid=_TEXT, secret=_TEXT, app_type=_TEXT, open_platform=_TEXT,
    )
    return sandbox.world.add_app(**values).public()


def add_merchant(sandbox, data):
    """POST merchants."""
    values = _read(data, ('mchid', 'appids'), mchid=_TEXT, appids=_LIST, trust_mode=_TEXT)
    if not re.fullmatch(r'\d{8,32}', values['mchid'], re.ASCII):
        raise Refusal("mchid must be 8 to 32 digits")
    return merchant_view(sandbox.world.add_merchant(**values))


def change_merchant(sandbox, data, mchid):
    """PATCH merchants/<mchid>."""
    values = _read(
        data, trust_mode=_TEXT, appids=_LIST, api_v3_key=_TEXT, products=_LIST,
        refund_notify_url=_TEXT, h5_domains=_LIST, api_v2_key=_TEXT, v2_sign_type=_TEXT,
        sub_merchants=_LIST,
    )
    if set(values.get('products', ())) - set(PRODUCTS):
        raise Refusal(f"products are of {', '.join(PRODUCTS)}")
    if values.get('refund_notify_url'):
        _check_url(values['refund_notify_url'])
    if values.get('trust_mode', 'public_key') not in TRUST_MODES:
        raise Refusal(f"trust_mode must be one of {', '.join(TRUST_MODES)}")
    for name in ('api_v3_key', 'api_v2_key'):
        key = values.get(name)
        if key is not None and (len(key) != 32 or not key.isascii()):
            raise Refusal(f"{name} must be 32 ASCII characters")
    if values.get('v2_sign_type', 'MD5') not in SIGN_TYPES:
        raise Refusal(f"v2_sign_type must be one of {', '.join(SIGN_TYPES)}")
    _check_sub_merchants(mchid, values.get('sub_merchants', ()))
    with sandbox.world.lock:
        merchant = sandbox.world.merchant(mchid)
        for name, value in values.items():
            setattr(merchant, name, value)
        return merchant_view(merchant)


def _check_sub_merchants(mchid, items):
    for item in items:
        fine = isinstance(item, dict) and set(item) == {'mchid', 'appids'}
        if not fine or not isinstance(item['appids'], list) \
                or not re.fullmatch(r'\d{8,32}', str(item['mchid']), re.ASCII):
            raise Refusal("sub_merchants are objects of mchid (8 to 32 digits) and appids (a list)")
        if item['mchid'] == mchid:
            raise Refusal("a sub-merchant cannot be the service provider itself")


def change_settings(sandbox, data):
    """POST settings."""
    values = _read(
        data, auto_refund=_FLAG, allow_loopback_ip=_FLAG, refund_interval=_NUMBER,
        push_limit=_NUMBER, push_retry_after=_NUMBER, v2_close_after=_NUMBER,
        reverse_after=_NUMBER, reverse_recalls=_NUMBER,
    )
    for name in set(values) - {'auto_refund', 'allow_loopback_ip'}:
        if values.get(name, 0) < 0:
            raise Refusal(f"{name} must be 0 or more")
    if type(values.get('reverse_recalls', 0)) is not int:
        raise Refusal("reverse_recalls must be a whole number")
    with sandbox.world.lock:
        sandbox.world.settings.update(values)
        return dict(sandbox.world.settings)


def set_funds(sandbox, data):
    """POST funds."""
    values = _read(data, ('mchid',), mchid=_TEXT, balance=_NUMBER)
    balance = values.get('balance')
    if balance is not None and (type(balance) is not int or balance < 0):
        raise Refusal("balance must be a number of fen, or null for enough")
    with sandbox.world.lock:
        sandbox.world.merchant(values['mchid']).balance = balance
        return {'mchid': values['mchid'], 'balance': balance}


def add_certificate(sandbox, data, mchid):
    """POST merchants/<mchid>/certificates."""
    values = _read(data, effective_in=_NUMBER, expire_in=_NUMBER, replace=_FLAG)
    merchant = sandbox.world.merchant(mchid)
    sandbox.world.add_platform_certificate(merchant, **values)
    return merchant_view(merchant)


def revoke_token(sandbox, data):
    """POST revoke_token."""
    values = _read(data, ('appid',), appid=_TEXT)
    with sandbox.world.lock:
        return {'revoked': tokens.revoke(sandbox.world, values['appid'])}


# === Users and logins === #

def _user_view(world, user):
    return {
        'user': user.user,
        'nickname': user.nickname,
        'blocked': user.blocked,
        'account_abnormal': user.account_abnormal,
        'openids': {appid: world.openid(user, appid) for appid in world.apps},
        'unionid': next(iter(user.unionids.values()), None),
        'unionids': {appid: world.unionid(user, appid) for appid in world.apps},
    }


def _full_user_view(world, user):
    with world.lock:
        for appid in world.apps:
            world.unionid(user, appid)
        return _user_view(world, user)


def add_user(sandbox, data):
    """POST users."""
    values = _read(data, nickname=_TEXT)
    user = sandbox.world.add_user(**values)
    return _full_user_view(sandbox.world, user)


def list_users(sandbox, data):
    """GET users."""
    world = sandbox.world
    with world.lock:
        return {'users': [_full_user_view(world, user) for user in world.users.values()]}


def change_user(sandbox, data, user):
    """PATCH users/<user>."""
    values = _read(data, nickname=_TEXT, blocked=_FLAG, account_abnormal=_FLAG)
    with sandbox.world.lock:
        person = sandbox.world.user(user)
        for name, value in values.items():
            setattr(person, name, value)
    return _full_user_view(sandbox.world, person)


def login_code(sandbox, data):
    """POST login_code."""
    values = _read(
        data, ('appid',), appid=_TEXT, user=_TEXT, expired=_FLAG, new_session_key=_FLAG,
    )
    world = sandbox.world
    with world.lock:
        if values['appid'] not in world.apps:
            raise Refusal(f"there is no app {values['appid']!r}")
        user = world.user(values['user']) if 'user' in values else world.add_user()
        code = world.login(user, values['appid'])
        if values.get('expired'):
            code.expires = world.clock.now() - 1
        if values.get('new_session_key'):
            world.new_session_key(user, values['appid'])
        return {
            'code': code.code,
            'user': user.user,
            'openid': world.openid(user, values['appid']),
            'unionid': world.unionid(user, values['appid']),
        }


# === Payments === #

def _outcome(world, order, notify, signer=None):
    if not notify:
        return None
    return notifications.notify(world, order, signer=signer)[0]


def pay_on_phone(sandbox, data):
    """POST request_payment."""
    values = _read(
        data, ('appid', 'user', 'payment'), appid=_TEXT, user=_TEXT, payment=_OBJECT,
        notify=_FLAG, cancel=_FLAG,
    )
    world = sandbox.world
    message, order = request_payment(
        world, values['appid'], world.user(values['user']), values['payment'],
        values.get('cancel', False),
    )
    if not order:
        return {'errMsg': message}
    return {
        'errMsg': message,
        'transaction_id': order.transaction_id,
        'notification': _outcome(world, order, values.get('notify', True)),
    }


def _order(sandbox, values):
    order = sandbox.world.order(values['mchid'], values['out_trade_no'])
    if not order:
        raise Refusal(f"merchant {values['mchid']} has no order {values['out_trade_no']!r}")
    return order


def pay(sandbox, data):
    """POST pay."""
    values = _read(
        data, ('mchid', 'out_trade_no'), mchid=_TEXT, out_trade_no=_TEXT, notify=_FLAG,
        signer=_TEXT, user=_TEXT,
    )
    _check_signer(sandbox, values)
    order = _order(sandbox, values)
    user = sandbox.world.user(values['user']) if 'user' in values else None
    sandbox.world.pay(order, user)
    return {
        'transaction_id': order.transaction_id,
        'notification': _outcome(
            sandbox.world, order, values.get('notify', True), values.get('signer'),
        ),
    }


def scan(sandbox, data):
    """POST scan."""
    values = _read(data, ('code_url',), code_url=_TEXT, user=_TEXT)
    world = sandbox.world
    with world.lock:
        user = world.user(values['user']) if 'user' in values else world.add_user()
        return phone_view(world.scan(values['code_url'], user)) | {'user': user.user}


def phone_view(order):
    """:return: what the phone shows of an order before it is paid (dict)."""
    return {
        'mchid': order.mchid,
        'out_trade_no': order.out_trade_no,
        'description': order.description,
        'total': order.total,
    }


def order_view(order):
    """:return: an order with everything the sandbox knows about it (dict)."""
    return {
        **order_object(order),
        'mchid': order.mchid,
        'appid': order.appid,
        'version': order.version,
        'description': order.description,
        'openid': order.openid,
        'product': order.product,
        'code_url': order.code_url or None,
        'scanned_by': order.scanned_by or None,
        'notify_url': order.notify_url or None,
        'created': rfc3339(order.created),
        'pay_until': rfc3339(order.pay_until),
        'refunds': [item.out_refund_no for item in order.refunds],
        'notifications': list(order.notifications),
    }


def list_orders(sandbox, data):
    """GET orders."""
    world = sandbox.world
    with world.lock:
        return {'orders': [order_view(world.settle(item)) for item in world.orders.values()]}


def _check_signer(sandbox, values):
    known = {*TRUST_MODES, *sandbox.world.merchant(values['mchid']).signers()}
    if values.get('signer', 'public_key') not in known:
        raise Refusal(f"signer must be one of {', '.join(TRUST_MODES)}, or a serial")


def _check_url(url):
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ('http', 'https') and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not url.isascii():
        raise Refusal("url must be a complete http or https address")


def notify(sandbox, data):
    """POST notify."""
    values = _read(
        data, ('mchid',), mchid=_TEXT, out_trade_no=_TEXT, out_refund_no=_TEXT, signer=_TEXT,
        defect=_TEXT, overrides=_OBJECT, envelope=_OBJECT, event_type=_TEXT, repeat=_NUMBER,
        parallel=_FLAG, identical=_FLAG, url=_TEXT, timestamp_offset=_NUMBER,
    )
    _check_signer(sandbox, values)
    if ('out_trade_no' in values) == ('out_refund_no' in values):
        raise Refusal("name either an out_trade_no or an out_refund_no")
    subject = _order(sandbox, values) if 'out_trade_no' in values else _refund(sandbox, values)
    repeat = values.get('repeat', 1)
    if type(repeat) is not int or not 1 <= repeat <= 100:
        raise Refusal("repeat must be 1 to 100")
    if 'url' in values:
        _check_url(values['url'])
    elif not subject.notify_url:
        raise Refusal("the order or refund has no notify_url; name a url")
    # A null in overrides means: remove the member.
    return {'answers': notifications.notify(
        sandbox.world, subject,
        signer=values.get('signer'),
        defect=values.get('defect'),
        overrides=values.get('overrides'),
        envelope_overrides=values.get('envelope'),
        event_type=values.get('event_type'),
        url=values.get('url'),
        repeat=repeat,
        parallel=values.get('parallel', False),
        identical=values.get('identical', False),
        timestamp_offset=values.get('timestamp_offset', 0),
    )}


# === Refunds === #

def _refund(sandbox, values):
    refund = sandbox.world.refunds.get((values['mchid'], values['out_refund_no']))
    if not refund:
        raise Refusal(f"merchant {values['mchid']} has no refund {values['out_refund_no']!r}")
    return refund


def refund_view(refund):
    """:return: a refund with everything the sandbox knows about it (dict)."""
    return {
        **refunds.refund_object(refund),
        'mchid': refund.mchid,
        'source': 'API' if refund.parameters else 'CONSOLE',
        'reason': refund.parameters.get('reason'),
        'notify_url': refund.notify_url or None,
        'abnormal': dict(refund.abnormal) or None,
        'notifications': list(refund.notifications),
    }


def list_refunds(sandbox, data):
    """GET refunds."""
    world = sandbox.world
    with world.lock:
        return {'refunds': [refund_view(item) for item in world.refunds.values()]}


def refund_outcome(sandbox, data):
    """POST refund_outcome."""
    values = _read(
        data, ('mchid', 'out_refund_no', 'status'), mchid=_TEXT, out_refund_no=_TEXT,
        status=_TEXT, notify=_FLAG, signer=_TEXT, url=_TEXT,
    )
    world = sandbox.world
    _check_signer(sandbox, values)
    if 'url' in values:
        _check_url(values['url'])
    refund = _refund(sandbox, values)
    outcome = None
    if values.get('notify', True):
        outcome = notifications.finish_refund(
            world, refund, values['status'], signer=values.get('signer'), url=values.get('url'),
        )
    else:
        refunds.finish(world, refund, values['status'])
    return {'refund_id': refund.refund_id, 'status': refund.state, 'notification': outcome}


def console_refund(sandbox, data):
    """POST console_refund."""
    values = _read(
        data, ('mchid', 'out_trade_no', 'amount'), mchid=_TEXT, out_trade_no=_TEXT,
        amount=_NUMBER, out_refund_no=_TEXT,
    )
    world = sandbox.world
    amount = values['amount']
    if type(amount) is not int or amount < 1:
        raise Refusal("amount must be a number of fen, 1 or more")
    with world.lock:
        merchant = world.merchant(values['mchid'])
        order = _order(sandbox, values)
        number = values.get('out_refund_no') or f"CONSOLE{world.number('console'):010d}"
        if not order.paid:
            raise Refusal("the order is not paid")
        if (order.mchid, number) in world.refunds:
            raise Refusal(f"the out_refund_no {number!r} is used")
        try:
            check_refund_number(number)
            refund = refunds.apply(world, merchant, order, number, amount, {})
        except (V3Error, ValueError) as error:
            raise Refusal(str(error)) from None
        return refund_view(refund)


# === Faults, clock, log === #

def add_fault(sandbox, data):
    """POST faults."""
    return sandbox.faults.add(data).public()


def list_faults(sandbox, data):
    """GET faults."""
    return {'faults': sandbox.faults.list()}


def clear_faults(sandbox, data):
    """DELETE faults."""
    sandbox.faults.clear()
    return {'faults': []}


def _clock_view(sandbox):
    clock = sandbox.world.clock
    return {'offset': clock.offset, 'now': rfc3339(clock.now()), 'timestamp': clock.now()}


def get_clock(sandbox, data):
    """GET clock."""
    return _clock_view(sandbox)


def set_clock(sandbox, data):
    """POST clock."""
    values = _read(data, ('offset',), offset=_NUMBER)
    if abs(values['offset']) > 20 * 365 * 86400:
        raise Refusal("offset must be at most 20 years")
    sandbox.world.clock.offset = float(values['offset'])
    return _clock_view(sandbox)


def get_requests(sandbox, data):
    """GET requests."""
    return sandbox.log.view()


def clear_requests(sandbox, data):
    """DELETE requests."""
    sandbox.log.clear()
    return sandbox.log.view()


ROUTES = [
    ('GET', '/_sandbox/world', get_world),
    ('POST', '/_sandbox/reset', reset),
    ('POST', '/_sandbox/apps', add_app),
    ('POST', '/_sandbox/merchants', add_merchant),
    ('PATCH', '/_sandbox/merchants/{mchid}', change_merchant),
    ('POST', '/_sandbox/merchants/{mchid}/certificates', add_certificate),
    ('POST', '/_sandbox/revoke_token', revoke_token),
    ('GET', '/_sandbox/users', list_users),
    ('POST', '/_sandbox/users', add_user),
    ('PATCH', '/_sandbox/users/{user}', change_user),
    ('POST', '/_sandbox/login_code', login_code),
    ('POST', '/_sandbox/request_payment', pay_on_phone),
    ('POST', '/_sandbox/pay', pay),
    ('POST', '/_sandbox/scan', scan),
    ('GET', '/_sandbox/orders', list_orders),
    ('GET', '/_sandbox/refunds', list_refunds),
    ('POST', '/_sandbox/refund_outcome', refund_outcome),
    ('POST', '/_sandbox/console_refund', console_refund),
    ('POST', '/_sandbox/funds', set_funds),
    ('POST', '/_sandbox/settings', change_settings),
    ('POST', '/_sandbox/notify', notify),
    ('GET', '/_sandbox/faults', list_faults),
    ('POST', '/_sandbox/faults', add_fault),
    ('DELETE', '/_sandbox/faults', clear_faults),
    ('GET', '/_sandbox/clock', get_clock),
    ('POST', '/_sandbox/clock', set_clock),
    ('GET', '/_sandbox/requests', get_requests),
    ('DELETE', '/_sandbox/requests', clear_requests),
    *control_accounts.ROUTES,
    *control_bills.ROUTES,
    *control_component.ROUTES,
    *control_miniprograms.ROUTES,
    *control_oauth.ROUTES,
    *control_payment_codes.ROUTES,
    *control_payouts.ROUTES,
    *control_push.ROUTES,
    *control_tokens.ROUTES,
    *control_user_data.ROUTES,
]


def serve(sandbox, request, handler, **parameters):
    """Run one call of the control API.

    :return: the `Answer`; 400 with `error` in plain words if it cannot be done
    """
    try:
        _check_origin(request)
        return json_answer(handler(sandbox, _body(request), **parameters))
    except Refusal as error:
        return json_answer({'error': str(error)}, 400)


def _body(request):
    try:
        data = request.json() if request.body else {}
    except ValueError:
        raise Refusal("the body is not UTF-8 JSON") from None
    if not isinstance(data, dict):
        raise Refusal("the body must be a JSON object")
    return data


def _check_origin(request):
    """A page of another site, open in the developer's browser, must not steer the sandbox."""
    origin = request.one('Origin')
    if origin and origin.partition('://')[2] != request.one('Host'):
        raise Refusal(f"calls from the site {origin} are not taken")
