# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Platform certificates and the self-test of API v3 (wechat-pay.md A2.2, A2.5)."""

from . import signing
from .clock import rfc3339
from .fields import Object, Text
from .messages import json_answer
from .order_fields import check_notify_url
from .v3_call import encryption_key, read_body
from .v3_errors import V3Error, param_error

ECHO = Object(
    echo_message=Text(1024, required=True),
    encrypted_echo_message=Text(1024),
    notify_url=Text(255, check=check_notify_url),
)


def certificates(world, merchant, request):
    """GET /v3/certificates (A2.2)."""
    kind = request.params().get('algorithm_type', 'RSA')
    if kind not in ('RSA', 'SM2', 'ALL'):
        raise param_error(
            'algorithm_type', kind, "must be one of RSA, SM2, ALL", location='query',
        )
    now = world.clock.now()
    with world.lock:
        shown = [signer for signer in merchant.platform if now < signer.expire]
        if merchant.trust_mode == 'public_key' or kind == 'SM2' or not shown:
            raise V3Error(
                404, 'RESOURCE_NOT_EXISTS', '无可用的平台证书，请在商户平台申请使用微信支付公钥',
                "no platform certificate is available: use the WeChat Pay public key",
            )
        return json_answer({'data': [{
            'serial_no': signer.serial,
            'effective_time': rfc3339(signer.effective),
            'expire_time': rfc3339(signer.expire),
            'encrypt_certificate': signing.encrypt(
                merchant.api_v3_key, signer.certificate.encode(), 'certificate',
            ),
        } for signer in shown]})


def echo(world, merchant, request):
    """POST /v3/security/echo (A2.5): says back what was said, the secret part sealed."""
    body = read_body(request, ECHO)
    answer = {'echo_message': body['echo_message']}
    key = encryption_key(world, merchant, request)
    if 'encrypted_echo_message' in body:
        try:
            text = signing.open_sealed(key, body['encrypted_echo_message'])
        except ValueError:
            issue = "was not encrypted with the key that Wechatpay-Serial names"
            raise param_error('/encrypted_echo_message', None, issue) from None
        answer['encrypted_echo_message'] = signing.seal(merchant.certificate.public_key, text)
    return json_answer(answer)
