# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sandbox's phone, in a real browser: the page on which a transfer is confirmed."""

import json

import pytest

from ..system.browser import Browser, program
from .merchant import APPID, MCHID
from .test_sandbox_transfers import create, query  # noqa: F401 fixtures

pytestmark = pytest.mark.skipif(not program(), reason='there is no Chromium on this machine')


@pytest.mark.parametrize(('button', 'message', 'state'), [
    ('确认收款', 'requestMerchantTransfer:ok', 'SUCCESS'),
    ('取消', 'requestMerchantTransfer:fail cancel', 'WAIT_USER_CONFIRM'),
])
def test_the_payee_confirms_on_the_phone_or_not(
        sandbox, create, query, user, button, message, state):  # noqa: F811
    sandbox.post('simulator', server='http://127.0.0.1:9')
    parameters = json.dumps({
        'mchId': MCHID, 'appId': APPID, 'package': create().json()['package_info']})
    with Browser(width=900, height=800) as phone:
        phone.open(f'{sandbox.base}/miniprogram?lang=zh')
        # Choosing whose phone it is loads the page again.
        phone.run(f"""void setTimeout(() => {{
            const holder = document.querySelector('#holder');
            holder.value = '{user["user"]}';
            holder.dispatchEvent(new Event('change'));
        }})""")
        phone.wait(
            f"document.readyState === 'complete' && phone.user === '{user['user']}'")
        assert phone.run("wx.canIUse('requestMerchantTransfer')")
        phone.run(f"""void wx.requestMerchantTransfer(Object.assign({parameters}, {{
            complete: (answer) => {{ window.answer = answer; }},
        }}))""")
        phone.wait("document.querySelector('#sheet .amount')?.textContent === '¥1.00'")
        phone.click('#sheet button', button)
        phone.wait("window.answer")
        assert phone.run("window.answer.errMsg") == message
    assert query().json()['state'] == state
