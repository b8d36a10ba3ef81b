# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Between whom an order of API v3 is: a merchant, or a provider and a sub-merchant (A4.3)."""

from .v3_call import check_mchid
from .v3_errors import V3Error, param_error

PARTNER = '/v3/pay/partner/'


def is_partner_call(request):
    """:return: whether this is the service provider's form of a call."""
    return request.path.startswith(PARTNER)


def no_product():
    """:return: the `V3Error` of a merchant who may not use a call."""
    return V3Error(
        403, 'NO_AUTH', '商户无权限使用该产品', "the product is not enabled for this merchant",
    )


def check_product(merchant, product):
    """Raise a `V3Error` unless the merchant may use a product."""
    if product not in merchant.products:
        raise no_product()


def check_kind(merchant, partner):
    """Service providers have their own calls, and these alone."""
    if merchant.is_partner and not partner:
        raise V3Error(
            403, 'NO_AUTH', '服务商不能使用直连商户接口',
            "a service provider cannot use the calls of a direct merchant",
        )
    if partner and not merchant.is_partner:
        raise V3Error(
            403, 'NO_AUTH', '商户不是服务商，无权限使用该接口',
            "the merchant is no service provider",
        )


def check_sub_mchid(merchant, sub_mchid):
    """Raise a `V3Error` unless a sub-merchant has authorised the service provider."""
    if not merchant.sub_merchant(sub_mchid):
        raise V3Error(
            403, 'NO_AUTH', '特约商户未授权服务商',
            "the sub-merchant has not authorised this service provider",
        )


def check_mchids(merchant, request, body):
    """Check the merchant numbers of a body.

    :return: the sub_mchid, '' of a direct merchant
    """
    partner = is_partner_call(request)
    name = 'sp_mchid' if partner else 'mchid'
    check_mchid(merchant, body[name], f'/{name}', 'body')
    check_kind(merchant, partner)
    if not partner:
        return ''
    check_sub_mchid(merchant, body['sub_mchid'])
    return body['sub_mchid']


def check_parties(world, merchant, request, body):
    """Check the merchant numbers and appids of an order.

    :return: dict `mchid`, `appid`, `sub_mchid`, `sub_appid`, as `Order` has them
    """
    sub_mchid = check_mchids(merchant, request, body)
    appid = body['sp_appid' if sub_mchid else 'appid']
    if appid not in merchant.appids or appid not in world.apps:
        raise _unbound("appid is not bound to mchid")
    sub_appid = body.get('sub_appid', '')
    if sub_appid and (sub_appid not in merchant.sub_merchant(sub_mchid)['appids']
                      or sub_appid not in world.apps):
        raise _unbound("sub_appid is not bound to sub_mchid")
    return {
        'mchid': merchant.mchid, 'appid': appid, 'sub_mchid': sub_mchid, 'sub_appid': sub_appid,
    }


def _unbound(why):
    return V3Error(
        400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配，请检查后再试', why, number=268445527,
    )


def query_parties(merchant, request):
    """Check the merchant numbers in the query string of a GET.

    :return: the sub_mchid, '' of a direct merchant
    """
    partner = is_partner_call(request)
    values = request.params()
    for name in ('sp_mchid', 'sub_mchid') if partner else ('mchid',):
        if not values.get(name):
            raise param_error(name, None, "is required in the query string", location='query')
    name = 'sp_mchid' if partner else 'mchid'
    check_mchid(merchant, values[name], name, 'query')
    check_kind(merchant, partner)
    if request.body:
        request.problems.append("warning: a GET should have no body")
    return values['sub_mchid'] if partner else ''


def party_names(order):
    """:return: who an order is between, as answers show it (dict)."""
    if not order.sub_mchid:
        return {'mchid': order.mchid, 'appid': order.appid}
    names = {'sp_mchid': order.mchid, 'sp_appid': order.appid, 'sub_mchid': order.sub_mchid}
    return names | ({'sub_appid': order.sub_appid} if order.sub_appid else {})


def payer_names(order, sub_openid):
    """:return: who paid an order, as answers show it (dict)."""
    if not order.sub_mchid:
        return {'openid': order.openid}
    names = {'sp_openid': order.openid}
    return names | ({'sub_openid': sub_openid} if sub_openid else {})
