# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many notifications at two servers at once, a quarter of them twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

PAYMENTS = 150
DUPLICATES = 50
SENDERS = 8


@pytest.fixture
def no_post_processing(system):
    """Confirming 150 orders takes minutes, and is no part of what is tested here."""
    cron = system.admin.call('ir.model.data', 'search_read', [
        ['module', '=', 'payment'], ['name', '=', 'cron_post_process_payment_tx'],
    ], fields=['res_id'])[0]['res_id']
    system.admin.call('ir.cron', 'write', [cron], {'active': False})
    yield
    pending = system.admin.call(
        'payment.transaction', 'search', [['is_post_processed', '=', False]])
    system.admin.call('payment.transaction', 'write', pending, {'is_post_processed': True})
    system.admin.call('ir.cron', 'write', [cron], {'active': True})


@pytest.mark.usefixtures('no_post_processing')
def test_two_hundred_notifications_fifty_of_them_twice_end_in_the_right_states(system):
    customer = system.customer()
    session = customer.authenticate()
    product = next(item for item in customer.products() if item['type'] == 'service')
    orders = system.admin.call('sale.order', 'create', [
        {'partner_id': session['partner_id'], 'order_line': [[0, 0, {'product_id': product['id']}]]}
        for _number in range(PAYMENTS)])
    references = []
    for order in orders:
        prepaid = customer.prepay({'id': order})
        answer = customer.request_payment(prepaid['payment'], notify=False)
        assert answer['errMsg'] == 'requestPayment:ok', answer
        references.append(prepaid['reference'])
    servers = (system.first.url, system.second.url)
    jobs = [(reference, servers[number % 2]) for number, reference in enumerate(references)]
    # The duplicates go to the other server, at the same time.
    jobs += [(reference, servers[1 - number % 2])
             for number, reference in enumerate(references[:DUPLICATES])]

    def deliver(job):
        reference, url = job
        # As WeChat Pay does, what was not taken is sent again.
        return any(system.notify(reference, url=url)[0] in (200, 204) for _attempt in range(5))

    with ThreadPoolExecutor(SENDERS) as pool:
        assert all(pool.map(deliver, jobs))

    transactions = system.admin.call(
        'payment.transaction', 'search_read', [['reference', 'in', references]],
        fields=['state', 'reference', 'provider_reference', 'wechat_alert', 'sale_order_ids'])
    assert len(transactions) == PAYMENTS
    assert {transaction['state'] for transaction in transactions} == {'done'}
    assert not [transaction for transaction in transactions if transaction['wechat_alert']]
    assert len({transaction['provider_reference'] for transaction in transactions}) == PAYMENTS
    paid = [transaction['sale_order_ids'][0] for transaction in transactions]
    assert sorted(paid) == sorted(orders)
