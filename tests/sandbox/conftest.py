# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One sandbox process for all tests, set back before each."""

import subprocess
import sys
from pathlib import Path

import pytest

from .merchant import MCHID, Sandbox, Shop
from .merchant_v2 import MerchantV2

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='session')
def process(tmp_path_factory):
    file = tmp_path_factory.mktemp('sandbox') / 'address'
    running = subprocess.Popen(
        [sys.executable, '-m', 'sandbox', '--address-file', str(file)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )
    address = running.stdout.readline().strip()
    assert file.read_text().strip() == address
    yield address
    running.terminate()
    assert running.wait(10) == 0
    running.stdout.close()


@pytest.fixture
def sandbox(process):
    value = Sandbox(process)
    value.post('reset')
    return value


@pytest.fixture
def merchant(sandbox):
    return sandbox.merchant()


@pytest.fixture
def user(sandbox):
    return sandbox.post('users', nickname="小明")


@pytest.fixture
def openid(user):
    return user['openids']['wx0000000000000002']


@pytest.fixture
def shop():
    value = Shop()
    yield value
    value.stop()


@pytest.fixture
def paid(sandbox, merchant, openid, shop):
    """The merchant of a paid order of 9.90 yuan, S00042_1."""
    merchant.order(openid, notify_url=shop.url)
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    return merchant


@pytest.fixture
def merchant_v2(sandbox, tmp_path):
    return MerchantV2(sandbox, sandbox.get('world')['merchants'][0], tmp_path)
