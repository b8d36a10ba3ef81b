# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import TransactionCase

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.fake_wechat import FakeRequest, FakeWechat  # noqa: F401 - for others

APPID = 'wx0000000000000002'
SECRET = '0123456789abcdef0123456789abcdef'


class WechatCommon(TransactionCase):
    """A mini-program of the main company and a WeChat that answers what each test says.

    For tests over HTTP: ``class TestX(WechatCommon, HttpCase)``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake = FakeWechat()
        cls.addClassCleanup(cls.fake.stop)
        parameters = cls.env['ir.config_parameter'].sudo()
        for name in ('api', 'open', 'mp', 'pay'):
            parameters.set_param(f'wechat.{name}_url', cls.fake.url)
        cls.company = cls.env.ref('base.main_company')
        cls.app = cls.env['wechat.app'].create({
            'name': "Tea House",
            'app_type': 'miniprogram',
            'appid': APPID,
            'secret': SECRET,
            'company_id': cls.company.id,
            'sequence': 1,
        })

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.token_count = 0
        self.fake.answer('POST', '/cgi-bin/stable_token', self._answer_stable_token)

    def _answer_stable_token(self, request):
        """Answer as `/cgi-bin/stable_token`: the same token until it is forced to change."""
        if not self.token_count or request.json.get('force_refresh'):
            self.token_count += 1
        return {'access_token': f'TOKEN_{self.token_count}', 'expires_in': 7200}

    def assertRefused(self, code, errcode=None):
        """Return a context manager that expects a `WeChatError` with a code word.

        :param str code: The code word.
        :param errcode: WeChat's number, if it is to be checked.
        """
        return _Refused(self, code, errcode)


class _Refused:
    """See :meth:`WechatCommon.assertRefused`; `exception` is what was raised."""

    def __init__(self, case, code, errcode):
        self.case, self.code, self.errcode = case, code, errcode
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc is None:
            self.case.fail(f"No WeChatError was raised ({self.code} was expected).")
        if not isinstance(exc, WeChatError):
            return False
        self.exception = exc
        self.case.assertEqual(exc.context['code'], self.code)
        if self.errcode is not None:
            self.case.assertEqual(exc.context['errcode'], self.errcode)
        return True
