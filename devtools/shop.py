# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo's shop: a database with everything installed, its servers, its administrator."""

import contextlib
from pathlib import Path

import requests

from . import databases, odoo_source, servers, system_packages
from .console import Failure
from .paths import addons as all_addons
from .paths import content_hash

DATA_SCRIPT = Path(__file__).parent / 'scripts' / 'demo_data.py'
APPID = 'wx0000000000000002'
LOGIN = PASSWORD = 'admin'


class RpcError(Exception):
    """Odoo answered a JSON-RPC call with an error object.

    :ivar error: the error object as a dict.
    """

    def __init__(self, error):
        self.error = error
        self.data = error.get('data') or {}
        self.name = self.data.get('name', '')
        self.context = self.data.get('context') or {}
        self.code = self.context.get('code')
        super().__init__(f'{self.name}: {self.data.get("message", error)} {self.context or ""}')


class Client:
    """A JSON-RPC client of an Odoo that keeps its cookies."""

    def __init__(self, url):
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False

    def rpc(self, path, timeout=60, **params):
        """Call a JSON-RPC route and return its result.

        :raise RpcError: Odoo answered an error object.
        """
        answer = self.http.post(
            self.url + path, json={'jsonrpc': '2.0', 'method': 'call', 'params': params},
            timeout=timeout)
        answer.raise_for_status()
        body = answer.json()
        if 'error' in body:
            raise RpcError(body['error'])
        return body.get('result')

    def call(self, model, method, *args, **kwargs):
        """Call a model's method as the mini-program or the web client does."""
        return self.rpc(f'/web/dataset/call_kw/{model}/{method}', model=model, method=method,
                        args=list(args), kwargs=kwargs)

    def login(self, database, login=LOGIN, password=PASSWORD):
        """Log in with a password."""
        return self.rpc('/web/session/authenticate', db=database, login=login, password=password)


def ensure_template(source):
    """Return the name of the template database with the shop in it."""
    names = all_addons()
    installed = databases.ensure_installed(names, source)
    key = content_hash(installed, DATA_SCRIPT)

    def fill(name):
        with open(DATA_SCRIPT, 'rb') as script:
            servers.run_odoo(source, name, 'template-demo', ['--no-http', '-d', name],
                             subcommand='shell', stdin=script)

    return databases.ensure(f'{databases.TEMPLATE}demo_{key}', installed, fill,
                            'filling the shop with demo data')


def configure(admin, odoo_url, sandbox):
    """Connect the shop to the sandbox, as an administrator does in Settings ▸ WeChat.

    :param Client admin: logged in as settings administrator.
    :param sandbox: `servers.Sandbox`
    """
    parameters = {
        'web.base.url': odoo_url,
        'web.base.url.freeze': 'True',
        **{f'wechat.{host}_url': sandbox.url for host in ('api', 'open', 'mp', 'pay')},
    }
    for key, value in parameters.items():
        admin.call('ir.config_parameter', 'set_param', key, value)
    world = sandbox.control('GET', 'world')
    app = next(app for app in world['apps'] if app['appid'] == APPID)
    values = {'name': "Hillside Tea House", 'app_type': app['app_type'], 'appid': app['appid'],
              'secret': app['secret'], 'lang': 'zh_CN'}
    found = admin.call('wechat.app', 'search', [['appid', '=', APPID]])
    if found:
        admin.call('wechat.app', 'write', found, values)
    else:
        found = admin.call('wechat.app', 'create', [values])
    merchant = world['merchants'][0]
    provider = admin.call('payment.provider', 'search', [['code', '=', 'wechat_pay']], limit=1)
    if not provider:
        raise Failure('The payment provider of wechat_payment is not in the database.')
    admin.call('payment.provider', 'write', provider, {
        'state': 'enabled',
        'is_published': True,
        'wechat_mch_id': merchant['mchid'],
        'wechat_app_ids': [[6, 0, found]],
        'wechat_api_version': 'v3',
        'wechat_api_v3_key': merchant['api_v3_key'],
        'wechat_merchant_serial': merchant['merchant_serial'],
        'wechat_merchant_private_key': merchant['merchant_private_key'],
        'wechat_merchant_certificate': merchant['merchant_certificate'],
        'wechat_pay_public_key_id': merchant['public_key_id'],
        'wechat_pay_public_key': merchant['public_key'],
        'wechat_notify_base_url': odoo_url,
    })
    return {'app_id': found[0], 'provider_id': provider[0]}


class Shop:
    """The whole system: PostgreSQL, a fresh database, the sandbox and Odoo servers.

    A context manager; everything started is ended at its end.
    """

    def __init__(self, purpose):
        self.purpose = purpose
        self.stack = contextlib.ExitStack()
        self.servers = []
        self.admin = None

    def __enter__(self):
        with self.stack:
            self.source = odoo_source.ensure()
            system_packages.ensure('wkhtmltopdf')
            self.stack.enter_context(databases.running())
            template = ensure_template(self.source)
            self.database = self.stack.enter_context(databases.copy_of(template, self.purpose))
            self.sandbox = self.stack.enter_context(servers.Sandbox(f'sandbox-{self.purpose}'))
            # Customers of this shop sit at this machine: the sandbox lets them pay by H5 too.
            self.sandbox.control('POST', 'settings', {'allow_loopback_ip': True})
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def start_odoo(self, **kwargs):
        """Start one more Odoo server on the database; the first one gets the shop configured.

        :return: `servers.OdooServer`
        """
        server = servers.OdooServer(
            self.source, self.database, f'odoo-{self.purpose}-{len(self.servers) + 1}',
            environment=self.sandbox.environment, **kwargs)
        self.stack.enter_context(server)
        self.servers.append(server)
        if self.admin is None:
            self.admin = Client(server.url)
            self.admin.login(self.database)
            self.ids = configure(self.admin, server.url, self.sandbox)
            # The mini-program that the sandbox shows may talk to this Odoo.
            self.sandbox.control('POST', 'simulator', {'server': server.url})
        return server
