# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whole payments against the sandbox: amounts, trust modes, notifications that come oddly."""

import pytest

from devtools.shop import RpcError


def test_a_wrong_amount_twice_changes_nothing_and_the_right_one_still_counts(system):
    customer, order = system.buyer()
    prepaid = customer.prepay(order)
    reference = prepaid['reference']
    customer.request_payment(prepaid['payment'], notify=False)
    for _time in range(2):
        assert system.notify(reference, overrides={'amount.total': 1})[0] in (200, 204)
        transaction = system.transaction(reference)
        assert transaction['state'] in ('draft', 'pending')
        assert transaction['wechat_alert']
    assert customer.order()['state'] != 'sale'
    assert system.notify(reference)[0] in (200, 204)
    assert system.transaction(reference)['state'] == 'done'
    system.wait_for_order(customer)


def test_an_order_that_grew_between_two_prepays_gets_a_new_number_and_the_old_is_closed(system):
    customer, order = system.buyer()
    first = customer.prepay(order)
    again = customer.prepay(order)
    assert again['reference'] == first['reference']
    assert again['payment']['package'] == first['payment']['package']
    service = next(item for item in customer.products() if item['type'] == 'service')
    customer.add_to_cart(service)
    grown = customer.order()
    assert grown['id'] == order['id']
    second = customer.prepay(grown)
    assert second['reference'] != first['reference']
    assert second['amount'] == grown['amount_total'] == 2 * first['amount']
    assert system.wechat_order(first['reference'])['trade_state'] == 'CLOSED'
    assert 'fail' in customer.request_payment(first['payment'])['errMsg']
    assert customer.request_payment(second['payment'])['errMsg'] == 'requestPayment:ok'
    system.wait_for_order(customer)


def test_a_notification_that_comes_twice_and_late_is_done_once(system):
    customer, order = system.buyer()
    prepaid = customer.prepay(order)
    reference = prepaid['reference']
    customer.request_payment(prepaid['payment'], notify=False)
    assert customer.status(reference)['state'] == 'done', 'asked before any notification came'
    system.wait_for_order(customer)
    before = system.transaction(reference)
    assert set(system.notify(reference, repeat=2)) <= {200, 204}
    assert system.transaction(reference) == before


def test_somebody_else_can_neither_pay_nor_see_the_payment(system):
    customer, order = system.buyer()
    prepaid = customer.prepay(order)
    stranger = system.customer()
    stranger.authenticate()
    with pytest.raises(RpcError) as raised:
        stranger.prepay(order)
    assert raised.value.code == 'not_payable'
    with pytest.raises(RpcError) as raised:
        stranger.status(prepaid['reference'])
    assert raised.value.code == 'bad_request'
    assert 'fail' in stranger.request_payment(prepaid['payment'])['errMsg']
    assert system.transaction(prepaid['reference'])['state'] in ('draft', 'pending')


@pytest.fixture
def certificate_mode(system):
    """The merchant has not changed to the public key yet: platform certificates sign."""
    merchant = system.sandbox.control('GET', 'world')['merchants'][0]
    provider = system.shop.ids['provider_id']
    system.sandbox.control('PATCH', f'merchants/{merchant["mchid"]}', {
        'trust_mode': 'certificate'})
    created = system.admin.call('wechat.pay.certificate', 'create', [
        {'provider_id': provider, 'certificate': item['certificate']}
        for item in merchant['platform_certificates']])
    system.admin.call('payment.provider', 'write', [provider], {
        'wechat_pay_public_key_id': False, 'wechat_pay_public_key': False})
    yield
    system.sandbox.control('PATCH', f'merchants/{merchant["mchid"]}', {
        'trust_mode': 'public_key'})
    system.admin.call('payment.provider', 'write', [provider], {
        'wechat_pay_public_key_id': merchant['public_key_id'],
        'wechat_pay_public_key': merchant['public_key']})
    system.admin.call('wechat.pay.certificate', 'unlink', created)


def test_payment_works_with_platform_certificates_alone(system, certificate_mode):
    customer, order = system.buyer()
    prepaid = customer.prepay(order)
    answer = customer.request_payment(prepaid['payment'])
    assert answer['errMsg'] == 'requestPayment:ok'
    assert answer['notification']['status'] in (200, 204)
    assert customer.status(prepaid['reference'])['state'] == 'done'
    # Signed by a key that the provider does not know.
    assert system.notify(prepaid['reference'], signer='public_key')[0] == 401
    system.wait_for_order(customer)
