# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev bench`: what the project promises about speed, as ratios measured in one run.

What is compared is measured in turns, so that another program on the machine hits both alike;
medians are compared. Nothing here is a test: a slow machine is not a broken program.
"""

import http.client
import json
import statistics
import time
from urllib.parse import urlencode, urlsplit

from . import bench_bills, servers
from .console import Failure, say, step
from .customer import Customer
from .shop import APPID, LOGIN, PASSWORD, Shop

LOGINS = 150
PASSWORD_LOGINS = 7
NOTIFICATIONS = 60

IN_PROCESS = '''
import odoo.sql_db
from Crypto.PublicKey import RSA

app = env['wechat.app'].browse({app_id})
provider = env['payment.provider'].browse({provider_id})
env['wechat.token'].sudo().search([]).unlink()
env.cr.commit()

parsed = 0
original = RSA.import_key

def counted(*args, **kwargs):
    global parsed
    parsed += 1
    return original(*args, **kwargs)

def call():
    # Signed, and the answer (no such order) is verified.
    try:
        provider._wechat_request(
            'GET', '/v3/pay/transactions/out-trade-no/bench000000', params={{'mchid': '{mchid}'}})
    except Exception as error:
        assert type(error).__module__.startswith('odoo.addons.wechat'), repr(error)

globals()['parsed'] = 0
RSA.import_key = counted
call()
print('PARSED_FIRST', parsed)
parsed = 0
for _number in range(20):
    env.invalidate_all()
    call()
print('PARSED_LATER', parsed)

app._get_token()
env.cr.commit()
env.invalidate_all()
before = odoo.sql_db.sql_counter
for _number in range(100):
    app._get_token()
print('TOKEN_QUERIES', (odoo.sql_db.sql_counter - before) / 100)
'''


def post(url, path, params, headers=None):
    """POST a JSON-RPC call on a connection of its own.

    :return: (seconds, the result)
    """
    body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params}).encode()
    parts = urlsplit(url)
    start = time.perf_counter()
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request('POST', path, body, {'Content-Type': 'application/json', **(headers or {})})
    answer = connection.getresponse().read()
    took = time.perf_counter() - start
    connection.close()
    told = json.loads(answer)
    if 'error' in told:
        raise Failure(f'{path}: {told["error"]["data"].get("message")}')
    return took, told['result']


class Bench:
    """Measures one running shop."""

    def __init__(self, shop):
        self.shop = shop
        self.sandbox = shop.sandbox
        self.url = shop.servers[0].url
        self.rows = []

    def row(self, what, target, measured, good):
        """Note one line of the table."""
        self.rows.append((what, target, measured, 'ok' if good else '✗ missed'))

    def logins(self):
        """A returning login against the floor of JSON-RPC and against a password."""
        customer = Customer(self.url, self.sandbox)
        customer.authenticate()
        secret = next(app['secret'] for app in self.sandbox.control('GET', 'world')['apps']
                      if app['appid'] == APPID)
        floor, login, wechat = [], [], []
        for number in range(LOGINS + 10):
            code = customer.wx_login()
            asked = self.exchange(secret, customer.wx_login())
            one = post(self.url, '/web/webclient/version_info', {})[0]
            two, answer = post(self.url, '/wechat/miniprogram/authenticate', {'code': code})
            if answer['is_new_user']:
                raise Failure('The returning customer was taken for a new one.')
            if number >= 10:  # the first ones warm caches up
                floor.append(one)
                login.append(two)
                wechat.append(asked)
        password = [
            post(self.url, '/web/session/authenticate', {
                'db': self.shop.database, 'login': LOGIN, 'password': PASSWORD})[0]
            for _number in range(PASSWORD_LOGINS)]
        floor, login, wechat, password = map(
            statistics.median, (floor, login, wechat, password))
        own = login - wechat
        self.row('returning login, WeChat\'s time taken off, in version_info calls', '≤ 4.5',
                 f'{own / floor:.2f}  ({own * 1000:.1f} ms / {floor * 1000:.1f} ms; '
                 f'WeChat {wechat * 1000:.1f} ms)', own / floor <= 4.5)
        self.row('password login, in returning logins', '≥ 25',
                 f'{password / own:.1f}  ({password * 1000:.0f} ms)', password / own >= 25)

    def exchange(self, secret, code):
        """Return the seconds of one call of jscode2session, made by us instead of Odoo."""
        parts = urlsplit(self.sandbox.url)
        query = urlencode({'appid': APPID, 'secret': secret, 'js_code': code,
                           'grant_type': 'authorization_code'})
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        connection.connect()  # Odoo keeps its connection open
        start = time.perf_counter()
        connection.request('GET', f'/sns/jscode2session?{query}')
        told = json.loads(connection.getresponse().read())
        took = time.perf_counter() - start
        connection.close()
        if 'openid' not in told:
            raise Failure(f'jscode2session: {told}')
        return took

    def notifications(self):
        """A verified notification, POST to done, against reading ten partners."""
        customer = Customer(self.url, self.sandbox)
        session = customer.authenticate()
        admin = self.shop.admin
        admin.call('res.partner', 'create', [{'name': f'Partner {n}'} for n in range(10)])
        product = next(item for item in customer.products() if item['type'] == 'service')
        references, floor, prepay = [], [], []
        customer_cookie = {'Cookie': f'session_id={customer.http.cookies["session_id"]}'}
        with step(f'preparing {NOTIFICATIONS} paid orders',
                  lambda: f'{len(references)} orders'):
            for _number in range(NOTIFICATIONS):
                order = admin.call('sale.order', 'create', [{
                    'partner_id': session['partner_id'],
                    'order_line': [[0, 0, {'product_id': product['id']}]],
                }])[0]
                floor.append(post(self.url, '/web/webclient/version_info', {})[0])
                took, prepaid = post(self.url, '/wechat/payment/prepay', {
                    'model': 'sale.order', 'id': order}, customer_cookie)
                prepay.append(took - self.order_seconds())
                customer.request_payment(prepaid['payment'], notify=False)
                references.append(prepaid['reference'])
        floor, prepay = statistics.median(floor[5:]), statistics.median(prepay[5:])
        self.row('prepay of an order, WeChat\'s time taken off, in version_info calls', '≤ 4',
                 f'{prepay / floor:.2f}  ({prepay * 1000:.1f} ms / {floor * 1000:.1f} ms)',
                 prepay / floor <= 4)
        cookie = {'Cookie': f'session_id={admin.http.cookies["session_id"]}'}
        call = {'model': 'res.partner', 'method': 'search_read', 'args': [[]],
                'kwargs': {'fields': ['name', 'email'], 'limit': 10}}
        mchid = self.sandbox.control('GET', 'world')['merchants'][0]['mchid']
        read, notified = [], []
        for reference in references:
            took, found = post(self.url, '/web/dataset/call_kw/res.partner/search_read', call,
                               cookie)
            if len(found) != 10:
                raise Failure('There are not ten partners to read.')
            answer = self.sandbox.control('POST', 'notify', {
                'mchid': mchid, 'out_trade_no': reference})['answers'][0]
            if answer['status'] not in (200, 204):
                raise Failure(f'A notification was refused: {answer}')
            read.append(took)
            notified.append(answer['seconds'])
            time.sleep(.03)  # the scheduler is woken after the answer: not the next call's time
        done = admin.call('payment.transaction', 'search_count', [
            ['reference', 'in', references], ['state', '=', 'done']])
        if done != NOTIFICATIONS:
            raise Failure(f'Only {done} of {NOTIFICATIONS} transactions are done.')
        read, notified = statistics.median(read[5:]), statistics.median(notified[5:])
        self.row('notification, POST to done, in search_read calls of ten partners', '≤ 2.5',
                 f'{notified / read:.2f}  ({notified * 1000:.1f} ms / {read * 1000:.1f} ms)',
                 notified / read <= 2.5)

    def order_seconds(self):
        """Return how long WeChat Pay took for the last order call."""
        log = self.sandbox.control('GET', 'requests')['requests']
        return next(entry['seconds'] for entry in reversed(log)
                    if entry['path'] == '/v3/pay/transactions/jsapi')

    def in_process(self):
        """What is counted inside of Odoo: queries for a token, parsed keys."""
        self.sandbox.control('DELETE', 'requests')
        output = servers.run_shell(
            self.shop.source, self.shop.database, 'bench', IN_PROCESS.format(
                mchid=self.sandbox.control('GET', 'world')['merchants'][0]['mchid'],
                **self.shop.ids))
        counted = {words[0]: float(words[1]) for words in
                   (line.split() for line in output.splitlines()) if len(words) == 2}
        calls = self.sandbox.control('GET', 'requests')['counts'].get('/cgi-bin/stable_token', 0)
        self.row('HTTP calls for 100 cached access tokens', '0', f'{calls - 1}', calls == 1)
        self.row('SQL queries per cached access token', '≤ 1',
                 f'{counted["TOKEN_QUERIES"]:g}', counted['TOKEN_QUERIES'] <= 1)
        self.row('RSA keys parsed in the first signed and verified call', '≤ 2',
                 f'{counted["PARSED_FIRST"]:g}', counted['PARSED_FIRST'] <= 2)
        self.row('RSA keys parsed in 20 later calls', '0', f'{counted["PARSED_LATER"]:g}',
                 counted['PARSED_LATER'] == 0)

    def show(self):
        """Print the table."""
        widths = [max(len(row[i]) for row in self.rows) for i in range(3)]
        say()
        for row in [('what', 'target', 'measured', ''), *self.rows]:
            say('  '.join(cell.ljust(width) for cell, width in
                          zip(row, [*widths, 0], strict=True)).rstrip())


def main(_arguments):
    """Measure and print.

    :return: exit status: 0 if it could be measured, whatever came of it.
    """
    with Shop('bench') as shop:
        shop.start_odoo(quiet=True)
        # The limit per address is for strangers.
        shop.admin.call('ir.config_parameter', 'set_param', 'wechat.calls_per_minute', '0')
        bench = Bench(shop)
        with step(f'{LOGINS} logins'):
            bench.logins()
        bench.notifications()
        with step('counting queries and parsed keys'):
            bench.in_process()
        with step('bills of many lines'):
            bench_bills.measure(bench)
    bench.show()
    return 0
