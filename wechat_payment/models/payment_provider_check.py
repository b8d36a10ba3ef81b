# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets

from odoo import models
from odoo.exceptions import AccessError

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === ACTION METHODS === #

    def action_wechat_check_credentials(self):
        """Ask WeChat Pay whether it takes our credentials, and say what is wrong.

        :return: The notification for the administrator.
        :rtype: dict
        """
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only administrators may check the credentials."))
        problem = self._wechat_check_credentials()
        if problem:
            message, kind = problem, 'danger'
        else:
            message = self.env._(
                "WeChat Pay accepts the merchant number, the private key and the serial number. The"
                " WeChat Pay public key and the APIv3 key prove themselves with the first payment."
            )
            kind = 'success'
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': self.env._("WeChat Pay"),
                'message': message,
                'type': kind,
                'sticky': bool(problem),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === BUSINESS METHODS === #

    def _wechat_check_credentials(self):
        """Query an order that cannot exist, which has no side effect (A2.5), and note the outcome.

        :return: What is wrong and what to do, or `None` if WeChat Pay knows us.
        :rtype: str|None
        """
        self.ensure_one()
        # The outcome is written here, not by the calls in transactions of their own.
        provider = self.sudo().with_context(wechat_check_credentials=True)
        problem = provider._wechat_find_setup_problem() or provider._wechat_find_answer_problem()
        provider.write(provider._wechat_get_outcome_values('check' if problem else None, problem))
        return problem

    def _wechat_find_setup_problem(self):
        """Return what can be seen to be wrong without a call.

        :rtype: str|None
        """
        missing = self._wechat_get_missing_credentials()
        if not self.wechat_mch_id:
            missing = [self.env._("Merchant Number"), *missing]
        if missing:
            return self.env._("Missing: %(fields)s.", fields=', '.join(missing))
        if problem := self._wechat_find_key_problem():
            return problem
        if not self._wechat_get_verification_keys():
            return self.env._(
                "None of the platform certificates is valid now. Add the current one, or the"
                " WeChat Pay public key."
            )
        if not self.wechat_app_ids:
            return self.env._("No app is chosen: add the mini-program in which customers pay.")
        notify_url = self._wechat_get_notify_url()
        if not self._wechat_is_public_base_url(notify_url):
            return self._wechat_describe_problem('notify_url', notify_url)
        return None

    def _wechat_find_answer_problem(self):
        """Return what WeChat Pay finds wrong with a harmless call.

        :rtype: str|None
        """
        out_trade_no = f'check-{secrets.token_hex(8)}'
        try:
            self._wechat_request(
                'GET', f'/v3/pay/transactions/out-trade-no/{out_trade_no}',
                params={'mchid': self.wechat_mch_id},
            )
        except WeChatPayRefused as error:
            # Only who is known to WeChat Pay learns that an order does not exist.
            if error.status == 404 and error.wechat_code in ('ORDER_NOT_EXIST', 'ORDERNOTEXIST'):
                return None
            return str(error)
        except WeChatUnknown as error:
            return self.env._(
                "%(error)s Check that this server may reach api.mch.weixin.qq.com.",
                error=str(error),
            )
        except WeChatError as error:
            return str(error)
        return None
