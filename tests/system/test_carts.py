# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Carts of the website, which must be ready before they can be paid."""

import pytest

from devtools.shop import RpcError


def test_goods_without_a_delivery_method_cannot_be_paid_yet(system):
    customer = system.customer()
    customer.authenticate()
    goods = next(item for item in customer.products() if item['type'] == 'consu')
    customer.add_to_cart(goods)
    order = customer.order()
    with pytest.raises(RpcError) as refused:
        customer.prepay(order)
    assert refused.value.code == 'not_payable'
    assert not system.sandbox.control('GET', 'requests')['counts'].get(
        '/v3/pay/transactions/jsapi')
    customer.choose_delivery(system.carrier())
    assert customer.prepay(customer.order())['reference']


def test_an_empty_cart_cannot_be_paid(system):
    customer = system.customer()
    customer.authenticate()
    service = next(item for item in customer.products() if item['type'] == 'service')
    customer.add_to_cart(service)
    order = customer.order()
    customer.rpc('/shop/cart/clear')
    with pytest.raises(RpcError) as refused:
        customer.prepay(order)
    assert refused.value.code == 'not_payable'
