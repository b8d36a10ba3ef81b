# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happens around every call of API v3: headers, Authorization, who signs, the body."""

import json

from . import signing
from .v3_errors import V3Error, error_answer, invalid_request, param_error, request_id, sign_error

# Where a request without User-Agent is refused, before its signature is looked at (A1.2).
_WANT_USER_AGENT = ('/v3/certificates', '/v3/refund/')


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
    answer.signer = None if answer.unsigned else signer
    answer.set('Request-ID', request_id(0))
    return answer


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


def encryption_key(world, merchant, request):
    """Find the key that encrypted fields of a request are for (A2.4).

    :return: WeChat Pay's private key whose public half Wechatpay-Serial names
    """
    if not request.all('Wechatpay-Serial'):
        raise param_error(
            'Wechatpay-Serial', None, "must name the key of the encrypted fields",
            location='header',
        )
    return choose_signer(world, merchant, request).private_key


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


def check_mchid(merchant, mchid, field, location):
    """Raise a `V3Error` unless a mchid is the one that signed the request."""
    if mchid != merchant.mchid:
        raise param_error(
            field, mchid, "is not the mchid of the Authorization header", location=location,
        )
