# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an Odoo is told of the sandbox: where it is over TLS, and whom to trust."""

import http.client
import ssl
from urllib.parse import urlsplit

import pytest

from devtools import servers


@pytest.fixture(scope='module')
def sandbox():
    with servers.Sandbox('sandbox-trust') as server:
        yield server


def read_world(sandbox, context):
    host = urlsplit(sandbox.environment['WECHAT_SANDBOX_TLS_URL']).netloc
    connection = http.client.HTTPSConnection(host, timeout=10, context=context)
    try:
        connection.request('GET', '/_sandbox/world')
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_bundle_lets_odoo_trust_the_sandbox(sandbox):
    bundle = sandbox.environment['REQUESTS_CA_BUNDLE']
    assert read_world(sandbox, ssl.create_default_context(cafile=bundle)) == 200


def test_nobody_trusts_it_without_the_bundle(sandbox):
    with pytest.raises(OSError, match='CERTIFICATE_VERIFY_FAILED'):
        read_world(sandbox, ssl.create_default_context())


def test_the_bundle_holds_whom_the_system_trusts(sandbox, tmp_path, monkeypatch):
    own = tmp_path / 'own.pem'
    own.write_text('-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----\n')
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(own))
    assert servers._system_certificates() == own.read_text() + '\n'


def test_the_files_are_gone_with_the_sandbox():
    with servers.Sandbox('sandbox-trust') as server:
        assert server.ca_file.exists()
    assert not server.ca_file.exists() and not server.address_file.exists()
