# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev bench`: bills of many lines, downloaded from the sandbox, loaded and compared."""

from . import servers

COUNTS = (10_000, 100_000)
SECONDS = 30
MEGABYTES = 300

SCRIPT = '''
import resource
import time
from datetime import timedelta

provider = env['payment.provider'].browse({provider_id})
# Each count has a day of its own; the payments that Odoo knows are written by one statement.
bill = env['wechat.pay.bill'].create({{
    'provider_id': provider.id, 'bill_type': 'trade',
    'bill_date': env['wechat.pay.bill']._get_beijing_today() - timedelta(days={days}),
}})
start, _end = bill._get_day_limits()
env.cr.execute("""
    INSERT INTO payment_transaction (
        reference, provider_id, payment_method_id, company_id, currency_id, partner_id, amount,
        state, operation, provider_reference, wechat_success_time, last_state_change, create_date,
        is_post_processed
    )
    SELECT '{prefix}' || lpad(i::text, 7, '0'), %(provider)s, %(method)s, %(company)s,
           %(currency)s, %(partner)s, 1, 'done', 'online_direct',
           '{transaction_prefix}' || lpad(i::text, 10, '0'),
           %(start)s + (i::bigint * 86400 / {count}) * interval '1 second', %(start)s, %(start)s,
           TRUE
      FROM generate_series(0, {count} - 1) AS i
""", {{
    'provider': provider.id, 'company': provider.company_id.id, 'start': start,
    'currency': env.ref('base.CNY').id, 'partner': env.user.partner_id.id,
    'method': env.ref('payment.payment_method_wechat_pay').id,
}})
env.cr.execute("ANALYZE payment_transaction")
env.cr.commit()
env.invalidate_all()

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

before = megabytes()
begun = time.perf_counter()
bill._fetch()
took = time.perf_counter() - begun
print('TOOK', took)
print('GREW', megabytes() - before)
begun = time.perf_counter()
bill._fetch()
print('AGAIN', time.perf_counter() - begun)
print('LINES', bill.line_count)
print('MATCHED', bill.matched_count)
print('DIFFER', bill.difference_count)
'''


def measure(bench):
    """Load and compare a bill of each size, and note time, memory and how the cost grows.

    :param bench: `bench.Bench`
    """
    mchid = bench.sandbox.control('GET', 'world')['merchants'][0]['mchid']
    bench.sandbox.control('POST', 'money_settings', {'bill_ready_hour': 0})
    seconds = {}
    for days, count in enumerate(COUNTS, 2):
        found = _run(bench, mchid, days, count)
        good = found['LINES'] == found['MATCHED'] == count and not found['DIFFER']
        seconds[count] = found['TOOK']
        bench.row(
            f'bill of {count:,} lines: downloaded, loaded and compared', f'≤ {SECONDS} s',
            f'{found["TOOK"]:.1f} s ({found["TOOK"] / count * 1e6:.0f} µs a line; once more:'
            f' {found["AGAIN"]:.1f} s)', good and found['TOOK'] <= SECONDS)
        bench.row(
            f'bill of {count:,} lines: memory it takes', f'≤ {MEGABYTES} MB',
            f'{found["GREW"]:.0f} MB', found['GREW'] <= MEGABYTES)
    few, many = (seconds[count] / count for count in COUNTS)
    bench.row('cost per line of the large bill, in that of the small one', '≤ 1.5',
              f'{many / few:.2f}', many / few <= 1.5)


def _run(bench, mchid, days, count):
    """Return what the script printed for a bill of some lines, by name."""
    prefix = f'BENCH{count}x'
    day = servers.run_shell(
        bench.shop.source, bench.shop.database, 'bench-day',
        "from datetime import timedelta\n"
        "today = env['wechat.pay.bill']._get_beijing_today()\n"
        f"print('DAY', today - timedelta(days={days}))\n").split()[-1]
    made = bench.sandbox.control('POST', 'mass_orders', {
        'mchid': mchid, 'bill_date': day, 'count': count, 'prefix': prefix})
    output = servers.run_shell(
        bench.shop.source, bench.shop.database, 'bench-bills', SCRIPT.format(
            days=days, count=count, prefix=prefix, transaction_prefix=made['transaction_prefix'],
            **bench.shop.ids), timeout=600)
    return {words[0]: float(words[1]) for words in
            (line.split() for line in output.splitlines()) if len(words) == 2}
