# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happens around every call of API v2: XML, sign, certificate, parameters (B1, B2)."""

import secrets
from dataclasses import dataclass, field

from . import v2_signing, v2_xml
from .messages import Answer
from .v2_errors import V2Error, V2Refusal, of_v3
from .v3_errors import V3Error

_HEADERS = [('Content-Type', 'text/plain; charset=utf-8')]
# What stands in every call beside its own parameters.
_COMMON = ('appid', 'mch_id', 'sub_appid', 'sub_mch_id', 'nonce_str', 'sign', 'sign_type')
# What differs each time an order or a refund is repeated.
_NEVER_SAME = ('nonce_str', 'sign')


@dataclass
class Call:
    """A path of API v2.

    :param handler: function(world, merchant, request, values) that returns the fields of the
        answer (dict), or an `Answer`
    :param Fields fields: its own parameters
    :param bool certificate: whether the merchant's client certificate is demanded
    :param str sign_type: the one type that it takes, whatever the merchant has chosen
    :param str appid: what it calls the appid
    :param str style: `bill` or `payout`: calls that answer unsigned and fail in their own way
    """

    handler: object
    fields: object
    certificate: bool = False
    sign_type: str = ''
    appid: str = 'appid'
    style: str = ''


@dataclass
class Reply:
    """What an answer says; signed last, so that a fault can spoil it."""

    values: dict
    key: str
    sign_type: str
    defect: str | None = None
    overrides: dict = field(default_factory=dict)

    def body(self):
        """:return: the XML (bytes)."""
        values = dict(self.values)
        sign_type = self.sign_type
        if self.defect == 'other_sign_type':
            sign_type = 'MD5' if sign_type == 'HMAC-SHA256' else 'HMAC-SHA256'
        if self.defect != 'unsigned':
            wrong = self.defect not in (None, 'other_sign_type')
            values['sign'] = v2_signing.sign(
                values, self.key[::-1] if wrong else self.key, sign_type,
            )
        for name, value in self.overrides.items():
            values[name] = value
            if value is None:
                del values[name]
        return v2_xml.write(values)


def serve(world, request, call):
    """Run one v2 call.

    :return: the `Answer`: HTTP 200 whatever happens
    """
    try:
        values = read(request)
        merchant, sign_type = authenticate(world, request, values, call.sign_type)
        if call.certificate:
            check_certificate(world, merchant, request)
    except V2Refusal as refusal:
        return refused(refusal, request, call)
    filled = {name: value for name, value in values.items() if value}
    for name in set(values) - set(filled):
        request.problems.append(f"warning: {name} is empty: leave it out")
    reply = Reply({}, merchant.api_v2_key, sign_type, _defect(call))
    answer = Answer(200, b'', list(_HEADERS), v2=reply)
    finishes = None
    try:
        check_common(world, merchant, filled, call)
        call.fields.test({
            name: value for name, value in filled.items() if name not in (*_COMMON, call.appid)
        })
        try:
            result = call.handler(world, merchant, request, filled)
        except V3Error as error:
            raise of_v3(error) from None
        if isinstance(result, Answer):
            return result
        finishes = result.pop('_finishes', None)
        reply.values = envelope(filled, call) | _written({'result_code': 'SUCCESS', **result})
    except V2Error as error:
        request.problems.append(f'{error.code}: {error.why}')
        reply.values = failure(world, filled, call, error)
    answer.finishes = finishes
    return answer


def _defect(call):
    return 'unsigned' if call.style else None


def _written(values):
    """:return: values without empty ones, as texts; what holds elements of its own stays (dict)."""
    return {
        name: value if isinstance(value, list) else str(value)
        for name, value in values.items() if value not in (None, '')
    }


def envelope(values, call=None):
    """:return: what every processed answer begins with (dict)."""
    head = {'return_code': 'SUCCESS', 'return_msg': 'OK'}
    names = ('appid', 'mch_id', 'sub_appid', 'sub_mch_id')
    if call and call.style == 'payout':
        names = ('mch_billno', 'mch_id', call.appid, 're_openid', 'total_amount')
    for name in names:
        if name in values:
            head[name] = values[name]
    if call and call.style:
        return head
    return head | {'nonce_str': secrets.token_hex(16)}


# What calls that send money call common errors.
_PAYOUT_CODES = {
    'LACK_PARAMS': 'PARAM_ERROR', 'INVALID_REQUEST': 'PARAM_ERROR', 'NOAUTH': 'NO_AUTH',
    'APPID_NOT_EXIST': 'ILLEGAL_APPID', 'APPID_MCHID_NOT_MATCH': 'ILLEGAL_APPID',
}


def failure(world, values, call, error):
    """:return: what a processed failure says (dict), in the way of the call."""
    if call.style == 'bill':
        code = error.code if error.code.isdigit() else '20001'
        return {'return_code': 'FAIL', 'return_msg': error.zh, 'error_code': code}
    outcome = _written({
        'result_code': 'FAIL', 'err_code': error.code, 'err_code_des': error.zh, **error.extra,
    })
    if call.style == 'payout':
        outcome |= {
            'return_code': world.settings['red_packet_return_code'], 'return_msg': error.zh,
            'err_code': _PAYOUT_CODES.get(error.code, error.code),
        }
    return envelope(values, call) | outcome


def refused(refusal, request, call=None):
    """:return: the unsigned `Answer` to a request that was not processed."""
    request.problems.append(f'FAIL: {refusal.why}')
    values = {'return_code': 'FAIL', 'return_msg': refusal.zh}
    if call and call.style == 'bill':
        values['error_code'] = '20001'
    elif call and call.style == 'payout':
        values |= {
            'result_code': 'FAIL', 'err_code': refusal.code, 'err_code_des': refusal.zh,
        }
    return Answer(200, v2_xml.write(values), list(_HEADERS))


def failed(world, request, call, code, message='系统繁忙，请稍后再试'):
    """:return: a failure in place of the real answer, signed as the call's, as a fault wants it."""
    try:
        values = read(request)
    except V2Refusal as refusal:
        return refused(refusal, request, call)
    merchant = world.merchants.get(values.get('mch_id'))
    if not merchant:
        return refused(V2Refusal('商户号mch_id不存在', "there is no such merchant"), request, call)
    sign_type = 'HMAC-SHA256' if values.get('sign_type') == 'HMAC-SHA256' else 'MD5'
    outcome = failure(world, values, call, V2Error(code, message, code))
    return Answer(200, b'', list(_HEADERS), v2=Reply(
        outcome, merchant.api_v2_key, sign_type, _defect(call),
    ))


def read(request):
    """:return: the parameters as they came, empty ones too (dict of text)."""
    if request.method != 'POST':
        raise V2Refusal(
            '请使用post方法', "REQUIRE_POST_METHOD: only POST is taken", 'XML_ERROR',
        )
    if not request.body:
        raise V2Refusal('post数据为空', "POST_DATA_EMPTY: the body is empty", 'XML_ERROR')
    try:
        request.body.decode('utf-8')
    except UnicodeDecodeError:
        raise V2Refusal(
            '编码格式错误，请使用UTF-8', "NOT_UTF8: the body is not UTF-8", 'XML_ERROR',
        ) from None
    try:
        return v2_xml.read(request.body)
    except v2_xml.NotXml as error:
        raise V2Refusal('XML格式错误', f"XML_FORMAT_ERROR: {error}", 'XML_ERROR') from None


def authenticate(world, request, values, demanded=''):
    """Check mch_id and sign.

    :param str demanded: the type of signature that the call wants whatever the merchant chose
    :return: (`Merchant`, type of signature)
    """
    merchant = world.merchants.get(values.get('mch_id'))
    if not merchant:
        raise V2Refusal('商户号mch_id不存在', f"there is no merchant {values.get('mch_id', '')!r}")
    wanted = demanded or merchant.v2_sign_type
    given = values.get('sign_type') or 'MD5'
    if given != wanted:
        raise V2Refusal('签名类型错误', f"sign_type is {given}, not {wanted}", 'SIGN_ERROR')
    if not values.get('nonce_str') or len(values['nonce_str']) > 32:
        raise V2Refusal('参数错误：nonce_str', "nonce_str must have 1 to 32 characters")
    if not values.get('sign'):
        raise V2Refusal('缺少签名参数sign', "the sign is missing", 'SIGN_ERROR')
    if values['sign'] != v2_signing.sign(values, merchant.api_v2_key, wanted):
        raise V2Refusal(
            '签名错误', "the sign does not belong to these parameters and this key", 'SIGN_ERROR',
        )
    return merchant, wanted


def check_certificate(world, merchant, request):
    """Check that the merchant's own certificate came with the connection."""
    zh = '证书错误，请登录微信支付商户平台下载证书'
    if not request.certificate:
        raise V2Refusal(
            zh, "no client certificate was sent: call the TLS address with it", 'CA_ERROR',
        )
    if request.certificate != merchant.certificate.serial:
        raise V2Refusal(zh, "the client certificate is not this merchant's", 'CA_ERROR')
    if not merchant.certificate.effective <= world.clock.now() < merchant.certificate.expire:
        raise V2Refusal(zh, "the client certificate is not in force", 'CA_ERROR')


def check_common(world, merchant, values, call):
    """Check who the order is for: appids, and the sub-merchant of a service provider."""
    appid = values.get(call.appid)
    if not appid:
        raise V2Error('LACK_PARAMS', f'缺少参数：{call.appid}', f"{call.appid}: is required")
    if appid not in world.apps:
        raise V2Error('APPID_NOT_EXIST', 'appid不存在', "there is no such appid")
    if appid not in merchant.appids:
        raise _unbound("appid is not bound to mch_id")
    names = [name for name in ('sub_mch_id', 'sub_appid') if name in values]
    if not merchant.is_partner:
        if names:
            raise V2Error(
                'NOAUTH', '商户不是服务商，无此权限', "the merchant is no service provider",
            )
        return
    if 'sub_mch_id' not in values:
        if call.style == 'bill':
            return
        raise V2Error('LACK_PARAMS', '缺少参数：sub_mch_id', "sub_mch_id: is required")
    sub_merchant = merchant.sub_merchant(values['sub_mch_id'])
    if not sub_merchant:
        raise V2Error(
            'NOAUTH', '特约子商户商户号未授权服务商的产品权限',
            "the sub-merchant has not authorised this service provider",
        )
    sub_appid = values.get('sub_appid')
    if sub_appid and (sub_appid not in sub_merchant['appids'] or sub_appid not in world.apps):
        raise _unbound("sub_appid is not bound to sub_mch_id")


def _unbound(why):
    return V2Error('APPID_MCHID_NOT_MATCH', 'appid和mch_id不匹配', why)


def lasting(values):
    """:return: the parameters that a repetition must have again (dict)."""
    return {name: value for name, value in values.items() if name not in _NEVER_SAME}


def changed(old, new):
    """:return: names of parameters that differ, sorted."""
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
