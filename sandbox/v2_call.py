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
    """

    handler: object
    fields: object
    certificate: bool = False
    sign_type: str = ''


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
        return refused(refusal, request)
    filled = {name: value for name, value in values.items() if value}
    for name in set(values) - set(filled):
        request.problems.append(f"warning: {name} is empty: leave it out")
    reply = Reply({}, merchant.api_v2_key, sign_type)
    answer = Answer(200, b'', list(_HEADERS), v2=reply)
    finishes = None
    try:
        check_common(world, merchant, filled)
        call.fields.test(
            {name: value for name, value in filled.items() if name not in _COMMON},
        )
        try:
            result = call.handler(world, merchant, request, filled)
        except V3Error as error:
            raise of_v3(error) from None
        if isinstance(result, Answer):
            return result
        finishes = result.pop('_finishes', None)
        outcome = {'result_code': 'SUCCESS', **result}
    except V2Error as error:
        request.problems.append(f'{error.code}: {error.why}')
        outcome = {
            'result_code': 'FAIL', 'err_code': error.code, 'err_code_des': error.zh, **error.extra,
        }
    reply.values = envelope(filled) | {
        name: str(value) for name, value in outcome.items() if value not in (None, '')
    }
    answer.finishes = finishes
    return answer


def envelope(values):
    """:return: what every processed answer begins with (dict)."""
    head = {'return_code': 'SUCCESS', 'return_msg': 'OK'}
    for name in ('appid', 'mch_id', 'sub_appid', 'sub_mch_id'):
        if name in values:
            head[name] = values[name]
    return head | {'nonce_str': secrets.token_hex(16)}


def refused(refusal, request):
    """:return: the unsigned `Answer` to a request that was not processed."""
    request.problems.append(f'FAIL: {refusal.why}')
    body = v2_xml.write({'return_code': 'FAIL', 'return_msg': refusal.zh})
    return Answer(200, body, list(_HEADERS))


def failed(world, request, code, message='系统繁忙，请稍后再试'):
    """:return: a signed failure in place of the real answer, as a fault wants it."""
    try:
        values = read(request)
    except V2Refusal as refusal:
        return refused(refusal, request)
    merchant = world.merchants.get(values.get('mch_id'))
    if not merchant:
        return refused(V2Refusal('商户号mch_id不存在', "there is no such merchant"), request)
    outcome = {'result_code': 'FAIL', 'err_code': code, 'err_code_des': message}
    sign_type = 'HMAC-SHA256' if values.get('sign_type') == 'HMAC-SHA256' else 'MD5'
    return Answer(200, b'', list(_HEADERS), v2=Reply(
        envelope(values) | outcome, merchant.api_v2_key, sign_type,
    ))


def read(request):
    """:return: the parameters as they came, empty ones too (dict of text)."""
    if request.method != 'POST':
        raise V2Refusal('请使用post方法', "REQUIRE_POST_METHOD: only POST is taken")
    if not request.body:
        raise V2Refusal('post数据为空', "POST_DATA_EMPTY: the body is empty")
    try:
        request.body.decode('utf-8')
    except UnicodeDecodeError:
        raise V2Refusal('编码格式错误，请使用UTF-8', "NOT_UTF8: the body is not UTF-8") from None
    try:
        return v2_xml.read(request.body)
    except v2_xml.NotXml as error:
        raise V2Refusal('XML格式错误', f"XML_FORMAT_ERROR: {error}") from None


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
        raise V2Refusal('签名类型错误', f"sign_type is {given}, not {wanted}")
    if not values.get('nonce_str') or len(values['nonce_str']) > 32:
        raise V2Refusal('参数错误：nonce_str', "nonce_str must have 1 to 32 characters")
    if not values.get('sign'):
        raise V2Refusal('缺少签名参数sign', "the sign is missing")
    if values['sign'] != v2_signing.sign(values, merchant.api_v2_key, wanted):
        raise V2Refusal('签名错误', "the sign does not belong to these parameters and this key")
    return merchant, wanted


def check_certificate(world, merchant, request):
    """Check that the merchant's own certificate came with the connection."""
    zh = '证书错误，请登录微信支付商户平台下载证书'
    if not request.certificate:
        raise V2Refusal(zh, "no client certificate was sent: call the TLS address with it")
    if request.certificate != merchant.certificate.serial:
        raise V2Refusal(zh, "the client certificate is not this merchant's")
    if not merchant.certificate.effective <= world.clock.now() < merchant.certificate.expire:
        raise V2Refusal(zh, "the client certificate is not in force")


def check_common(world, merchant, values):
    """Check who the order is for: appids, and the sub-merchant of a service provider."""
    appid = values.get('appid')
    if not appid:
        raise V2Error('LACK_PARAMS', '缺少参数：appid', "appid: is required")
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
