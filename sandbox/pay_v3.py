# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""api.mch.weixin.qq.com, API v3: JSAPI orders, query, close, platform certificates."""

import json
import secrets
from datetime import datetime
from urllib.parse import unquote

from . import signing
from .clock import BEIJING, parse_rfc3339, rfc3339
from .fields import Text
from .messages import Answer, dump, json_answer
from .order_fields import CLOSE, JSAPI_ORDER, check_number
from .v3_errors import V3Error, error_answer, invalid_request, param_error, request_id, sign_error
from .world import DAY, Order

PREPAY_LIFETIME = 7200
# Where a request without User-Agent is refused, before its signature is looked at (A1.2).
_WANT_USER_AGENT = ('/v3/certificates', '/v3/refund/')
STATE_TEXTS = {'NOTPAY': '订单未支付', 'SUCCESS': '支付成功', 'CLOSED': '订单已关闭'}


def serve(world, request, handler, **parameters):
    """Run one v3 call: headers, signature, the call itself.

    :return: the `Answer`; a 2xx one names who signs it
    """
    try:
        check_headers(request)
        merchant = authenticate(world, request)
        signer = choose_signer(world, merchant, request)
        answer = handler(world, merchant, request, **parameters)
    except V3Error as error:
        return error_answer(error, request)
    answer.signer = signer
    answer.set('Request-ID', request_id(0))
    return answer


# === Around every call === #

def check_headers(request):
    """Check User-Agent, Accept and Content-Type (A1.2)."""
    if not (request.one('User-Agent') or '').strip():
        if request.path.startswith(_WANT_USER_AGENT):
            raise invalid_request('请求头缺少 User-Agent', "the header User-Agent is missing")
        request.problems.append("warning: no User-Agent; other v3 paths refuse that")
    accept = request.one('Accept') or ''
    kinds = [item.partition(';')[0].strip().lower() for item in accept.split(',')]
    if not {'application/json', 'application/*', '*/*'} & set(kinds):
        raise invalid_request(
            '请求头 Accept 必须为 application/json',
            "the header Accept must be application/json",
        )
    if request.body:
        kind = (request.one('Content-Type') or '').partition(';')[0].strip().lower()
        if kind != 'application/json':
            raise invalid_request(
                '请求头 Content-Type 必须为 application/json',
                "the header Content-Type must be application/json",
            )


def authenticate(world, request):
    """Check the Authorization header (A1.3, A1.4): form, clock, serial, signature.

    :return: the `Merchant` that signed the request
    """
    values = request.all('Authorization')
    if len(values) != 1:
        why = "Authorization is given more than once" if values else "Authorization is missing"
        raise sign_error(
            'Http头Authorization缺失或重复', "Authorization is missing or repeated", why,
        )
    try:
        pairs = signing.parse_authorization(values[0])
    except signing.MalformedAuthorization as error:
        raise sign_error(
            'Http头Authorization值格式错误', "Authorization is malformed", str(error),
        ) from None
    late = world.clock.now() - int(pairs['timestamp'])
    if abs(late) > signing.TOLERANCE:
        raise sign_error(
            'Http头Authorization中的timestamp与服务器时间相差超过5分钟',
            "the timestamp of Authorization is more than 5 minutes off",
            f"the timestamp is {late:.0f} s behind the sandbox's clock",
        )
    wrong = ('签名错误，请检查后再试', "the signature is wrong")
    merchant = world.merchants.get(pairs['mchid'])
    if not merchant:
        raise sign_error(*wrong, f"there is no merchant {pairs['mchid']!r}")
    if pairs['serial_no'] != merchant.certificate.serial:
        raise sign_error(
            '商户证书序列号有误', "serial_no is not the serial of the merchant's certificate",
        )
    message = signing.request_message(
        request.method, request.target, pairs['timestamp'], pairs['nonce_str'], request.body,
    )
    if not signing.verify(merchant.certificate.public_key, message, pairs['signature']):
        raise sign_error(*wrong, "the signature does not belong to this request and key")
    return merchant


def choose_signer(world, merchant, request):
    """Find who signs the answer (A2.3): the key that Wechatpay-Serial names.

    Without the header a platform certificate signs, in both trust modes.
    """
    serials = request.all('Wechatpay-Serial')
    if not serials:
        if merchant.trust_mode == 'public_key':
            request.problems.append(
                "warning: no Wechatpay-Serial, so a platform certificate signs the answer",
            )
        return merchant.platform_signer(world.clock.now())
    signer = merchant.signers().get(serials[0])
    if not signer or len(serials) > 1:
        raise param_error(
            'Wechatpay-Serial', serials[0],
            "is no WeChat Pay public key id or platform certificate of this merchant",
            location='header',
        )
    return signer


def read_body(request, schema):
    """:return: the JSON body (dict), checked field by field."""
    try:
        body = json.loads(
            request.body.decode('utf-8'),
            object_pairs_hook=_unique, parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise param_error('/', None, "the body is not UTF-8 JSON") from None
    schema.test(body)
    return body


def _unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member is given twice")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(name)


def _check_mchid(merchant, mchid, field, location):
    if mchid != merchant.mchid:
        raise param_error(
            field, mchid, "is not the mchid of the Authorization header", location=location,
        )


def _query_mchid(merchant, request):
    mchid = request.params().get('mchid')
    if not mchid:
        raise param_error('mchid', mchid, "is required in the query string", location='query')
    _check_mchid(merchant, mchid, 'mchid', 'query')
    if request.body:
        request.problems.append("warning: a GET should have no body")


# === Orders === #

def create_jsapi(world, merchant, request):
    """POST /v3/pay/transactions/jsapi (A4.2)."""
    body = read_body(request, JSAPI_ORDER)
    _check_mchid(merchant, body['mchid'], '/mchid', 'body')
    if body['description'] != body['description'].strip():
        request.problems.append("warning: description begins or ends with a blank")
    if 'detail' in body and len(dump(body['detail'])) > 6144:
        raise param_error('/detail', None, "is longer than 6144 bytes")
    with world.lock:
        if body['appid'] not in merchant.appids or body['appid'] not in world.apps:
            raise V3Error(
                400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配，请检查后再试',
                "appid is not bound to mchid", number=268445527,
            )
        if 'JSAPI' not in merchant.products or 'identity' in body['payer']:
            raise V3Error(
                403, 'NO_AUTH', '商户无权限使用该产品',
                "the product is not enabled for this merchant",
            )
        if not world.user_of_openid(body['payer']['openid'], body['appid']):
            raise param_error(
                '/payer/openid', body['payer']['openid'],
                "is not an openid of this appid", number=268501013,
            )
        order = world.order(merchant.mchid, body['out_trade_no'])
        if order:
            _check_repeat(world, order, body)
        else:
            order = _new_order(world, merchant, body, request)
        prepay_id = _new_prepay(world, order)
    return json_answer({'prepay_id': prepay_id})


def _check_repeat(world, order, body):
    """An out_trade_no that was used before: only the same unpaid order may come again."""
    if order.state == 'SUCCESS':
        raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268449538)
    if order.state == 'CLOSED':
        raise V3Error(400, 'ORDER_CLOSED', '该订单已关闭', "the order is closed")
    if order.parameters != body:
        changed = sorted(
            name for name in set(order.parameters) | set(body)
            if order.parameters.get(name) != body.get(name)
        )
        raise V3Error(
            403, 'OUT_TRADE_NO_USED', '商户订单号重复：请求重入时参数与首次请求不一致',
            "out_trade_no was used with other parameters", number=268498688,
            why=f"out_trade_no was used with another {', '.join(changed)}",
        )
    if world.clock.now() > order.pay_until:
        raise invalid_request('订单已过期', "the order's time_expire has passed", number=268447914)


def _new_order(world, merchant, body, request):
    now = world.clock.now()
    pay_until = now + 7 * DAY
    if 'time_expire' in body:
        asked = parse_rfc3339(body['time_expire'])
        pay_until = min(max(asked, now + 60), now + 15 * DAY)
        if pay_until != asked:
            request.problems.append(
                f"warning: time_expire was moved to {rfc3339(pay_until)}",
            )
    order = Order(
        merchant.mchid, body['appid'], body['out_trade_no'], body, created=now,
        pay_until=pay_until,
    )
    world.orders[order.mchid, order.out_trade_no] = order
    return order


def _new_prepay(world, order):
    now = world.clock.now()
    stamp = datetime.fromtimestamp(now, BEIJING).strftime('%d%H%M%S')
    prepay_id = f'wx{stamp}{secrets.token_hex(13)}'
    world.prepays[prepay_id] = (order, now + PREPAY_LIFETIME)
    return prepay_id


def order_object(order, state=None):
    """:return: an order as query and notification show it (A4.5; dict)."""
    state = state or order.state
    view = {
        'mchid': order.mchid,
        'appid': order.appid,
        'out_trade_no': order.out_trade_no,
    }
    if state == 'SUCCESS':
        view['transaction_id'] = order.transaction_id
    view |= {
        'trade_type': 'JSAPI',
        'trade_state': state,
        'trade_state_desc': STATE_TEXTS.get(state, state),
    }
    amount = {'total': order.total}
    if state == 'SUCCESS':
        view |= {
            'bank_type': 'OTHERS',
            'attach': order.parameters.get('attach', ''),
            'success_time': rfc3339(order.success_time),
            'payer': {'openid': order.openid},
        }
        amount |= {'payer_total': order.total, 'currency': 'CNY', 'payer_currency': 'CNY'}
    else:
        amount['currency'] = 'CNY'
    view['amount'] = amount
    return view


def _not_found(why):
    return V3Error(
        404, 'ORDER_NOT_EXIST', '订单不存在', "the order does not exist", number=268512771, why=why,
    )


def query_by_number(world, merchant, request, out_trade_no):
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no} (A4.5)."""
    _query_mchid(merchant, request)
    with world.lock:
        order = world.order(merchant.mchid, _path_number(out_trade_no))
        if not order:
            raise _not_found("this merchant has no order of this number")
        return json_answer(order_object(order))


def query_by_transaction(world, merchant, request, transaction_id):
    """GET /v3/pay/transactions/id/{transaction_id} (A4.5)."""
    _query_mchid(merchant, request)
    with world.lock:
        order = world.order_of_transaction(merchant.mchid, unquote(transaction_id))
        if not order:
            raise _not_found("this merchant has no payment of this number")
        return json_answer(order_object(order))


def close(world, merchant, request, out_trade_no):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close (A4.5)."""
    body = read_body(request, CLOSE)
    _check_mchid(merchant, body['mchid'], '/mchid', 'body')
    with world.lock:
        order = world.order(merchant.mchid, _path_number(out_trade_no))
        if not order:
            raise _not_found("this merchant has no order of this number")
        if order.state == 'SUCCESS':
            raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268498689)
        order.state = 'CLOSED'
    return Answer(204)


def _path_number(raw):
    number = unquote(raw)
    try:
        Text(32, shortest=6, check=check_number).test(number, 'out_trade_no')
    except V3Error as error:
        error.detail['location'] = 'url'
        raise
    return number


# === Platform certificates === #

def certificates(world, merchant, request):
    """GET /v3/certificates (A2.2)."""
    if merchant.trust_mode == 'public_key':
        raise V3Error(
            404, 'RESOURCE_NOT_EXISTS', '无可用的平台证书，请在商户平台申请使用微信支付公钥',
            "no platform certificate is available: use the WeChat Pay public key",
        )
    now = world.clock.now()
    return json_answer({'data': [{
        'serial_no': signer.serial,
        'effective_time': rfc3339(signer.effective),
        'expire_time': rfc3339(signer.expire),
        'encrypt_certificate': signing.encrypt(
            merchant.api_v3_key, signer.certificate.encode(), 'certificate',
        ),
    } for signer in merchant.platform if now < signer.expire]})


_NUMBER_PATH = '/v3/pay/transactions/out-trade-no/{out_trade_no}'
ROUTES = [
    ('POST', '/v3/pay/transactions/jsapi', create_jsapi),
    ('GET', _NUMBER_PATH, query_by_number),
    ('POST', f'{_NUMBER_PATH}/close', close),
    ('GET', '/v3/pay/transactions/id/{transaction_id}', query_by_transaction),
    ('GET', '/v3/certificates', certificates),
]
