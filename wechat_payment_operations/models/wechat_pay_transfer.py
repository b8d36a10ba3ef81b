# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import secrets
from datetime import timedelta
from urllib.parse import quote

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, oaep
from odoo.addons.wechat_payment_operations.const import PAYOUT_GIVE_UP_HOURS
from odoo.addons.wechat_payment_operations.models.wechat_pay_transfer_scene import read_infos
from odoo.addons.wechat_payment_operations.protocol import payout_errors, transfers

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayTransfer(models.Model):
    """Money that a WeChat user gets after confirming it on the phone (A9.2, A9.3)."""

    _name = 'wechat.pay.transfer'
    _description = "WeChat Pay Transfer"
    _inherit = 'wechat.pay.payout'

    _number_name = 'out_bill_no'
    _draft_names = (
        'identity_id', 'provider_id', 'amount', 'reason', 'scene_id', 'perception', 'report_infos',
        'remark', 'user_name_input',
    )

    out_bill_no = fields.Char(string="Number", readonly=True, copy=False)
    previous_id = fields.Many2one(
        string="In Place Of", comodel_name='wechat.pay.transfer', readonly=True, copy=False,
        ondelete='restrict',
    )
    scene_id = fields.Many2one(
        comodel_name='wechat.pay.transfer.scene', required=True,
        ondelete='restrict', default=lambda self: self._default_scene(),
    )
    perception = fields.Char(
        string="What the Recipient Reads", compute='_compute_from_scene', store=True,
        readonly=False, precompute=True,
    )
    report_infos = fields.Text(
        string="Report", compute='_compute_from_scene', store=True, readonly=False,
        precompute=True, help="What WeChat Pay wants to know: one line each, name, colon, content.",
    )
    remark = fields.Char(
        required=True, help="Shown to the recipient; at most 32 characters.",
    )
    user_name_input = fields.Char(
        string="Recipient's Name", compute='_compute_user_name_input',
        inverse='_inverse_user_name_input', copy=False,
        help="The name under which the recipient uses WeChat Pay: demanded from 2000.00 yuan on,"
             " checked by WeChat Pay whenever it is given. Only WeChat Pay can read it once it is"
             " saved.",
    )
    has_user_name = fields.Boolean(string="Name Given", compute='_compute_user_name_input')
    # For WeChat Pay's eyes only, and the name of the key that it is encrypted with.
    user_name = fields.Char(
        readonly=True, copy=False, prefetch=False, groups='base.group_system',
    )
    user_name_serial = fields.Char(readonly=True, copy=False, groups='base.group_system')
    package_info = fields.Char(
        readonly=True, copy=False, prefetch=False, groups='base.group_system',
        help="What the recipient's client shows the page of confirmation with.",
    )

    _out_bill_no_unique = models.Constraint(
        'UNIQUE (out_bill_no)', "There is a transfer with this number already.",
    )
    _previous_unique = models.Constraint(
        'UNIQUE (previous_id)', "There is a new draft in place of this one already.",
    )
    _day_idx = models.Index("(provider_id, day) WHERE day IS NOT NULL")

    # === COMPUTE METHODS === #

    @api.model
    def _default_scene(self):
        return self.env['wechat.pay.transfer.scene'].search([
            ('company_id', 'in', [False, self.env.company.id]),
        ], limit=1)

    @api.depends('scene_id')
    def _compute_from_scene(self):
        for transfer in self:
            transfer.perception = next(iter(transfer.scene_id._get_perceptions()), False)
            transfer.report_infos = transfer.scene_id.report_infos

    @api.depends('user_name')
    def _compute_user_name_input(self):
        for transfer in self:
            transfer.user_name_input = False
            transfer.has_user_name = bool(transfer.sudo().user_name)

    def _inverse_user_name_input(self):
        for transfer in self.sudo():
            if name := (transfer.user_name_input or '').strip():
                serial_no, key_pem = transfer.provider_id._wechat_get_encryption_key()
                if not key_pem:
                    raise transfer.provider_id._wechat_misconfigured('keys_missing')
                if len(name.encode()) > oaep.MAX_PLAINTEXT_BYTES:
                    raise ValidationError(self.env._("This is longer than any name."))
                transfer.write({
                    'user_name': oaep.encrypt(name, key_pem), 'user_name_serial': serial_no,
                })

    # === CONSTRAINT METHODS === #

    @api.constrains('scene_id', 'perception', 'report_infos', 'remark')
    def _check_scene(self):
        for transfer in self:
            scene = transfer.scene_id.sudo()
            if transfer.perception and transfer.perception not in scene._get_perceptions():
                raise ValidationError(self.env._(
                    "The recipient can read one of these: %(perceptions)s",
                    perceptions=', '.join(scene._get_perceptions()),
                ))
            infos = read_infos(transfer.report_infos)
            types = scene._get_info_types()
            if sorted(info_type for info_type, _content in infos) != sorted(types) or any(
                not 0 < len(content) <= transfers.MAX_INFO_CONTENT for _type, content in infos
            ):
                raise ValidationError(self.env._(
                    "The report must have one line each for: %(types)s; name, colon, and at most"
                    " %(length)s characters.",
                    types=', '.join(types), length=transfers.MAX_INFO_CONTENT,
                ))
            if len(transfer.remark or '') > transfers.MAX_REMARK:
                raise ValidationError(self.env._(
                    "The remark has at most %(length)s characters.", length=transfers.MAX_REMARK,
                ))

    # === ACTION METHODS === #

    def action_cancel(self):
        """Take these transfers back, as far as the recipients have not confirmed them.

        :return: Whether it was tried.
        :rtype: bool
        :raise UserError: If one cannot be taken back.
        """
        self._check_is_manager()
        for transfer in self:
            transfer._cancel()
        return True

    # === BUSINESS METHODS - SENDING === #

    def _is_sendable(self):
        """Extend: without funds WeChat Pay accepts a transfer, and wants the call again (A9.2)."""
        return super()._is_sendable() or (
            self.state == 'processing' and self.wechat_state == 'ACCEPTED'
        )

    def _is_call_needed(self):
        """Extend: the page of confirmation needs what only the answer to creating tells.

        For a day only: nobody expects that money goes out because of a top-up weeks later.
        """
        return not self._is_stale() and (
            self.wechat_state == 'ACCEPTED' or self.state == 'waiting' and not self.package_info
        )

    def _is_stale(self):
        """Tell whether this was sent too long ago to be sent again by itself.

        :rtype: bool
        """
        oldest = fields.Datetime.now() - timedelta(hours=PAYOUT_GIVE_UP_HOURS)
        return self.sent_on < oldest

    def _check_payout(self):
        """Check values that WeChat Pay would refuse, and this provider's own limits."""
        provider, fen = self.provider_id, amounts.to_fen(self.amount)
        provider._wechat_check_payouts_possible()
        self._check_keys()
        provider._wechat_check_payout_amount(
            self.amount, provider.wechat_transfer_min, provider.wechat_transfer_max,
        )
        if self.body:
            return  # It is sent again to the letter.
        if fen >= transfers.NAME_FROM and not self.user_name:
            raise UserError(self.env._(
                "From 2000.00 yuan on, WeChat Pay demands the recipient's name."
            ))
        if fen < transfers.NAME_NOT_BELOW and self.user_name:
            raise UserError(self.env._(
                "Below 0.30 yuan, WeChat Pay does not check names: make a draft without."
            ))

    def _check_keys(self):
        """Check that the call can be signed and its answer verified, before there is a number.

        :return: None
        :raise WeChatError: If not.
        """
        provider = self.provider_id
        if not provider._wechat_has_version('v3'):
            raise WeChatError(self.env._(
                "Transfers need the keys of API v3: the APIv3 key, the merchant's private key with"
                " its certificate, and WeChat Pay's public key. Enter them in Settings ▸ WeChat."
            ), code='misconfigured')
        provider._wechat_build_headers('POST', transfers.TRANSFER_PATH, '')

    def _build_call(self):
        """Return the number and the body of the call (A9.2)."""
        day = self.env['wechat.pay.bill']._get_beijing_today()
        # Unique in copies of this database as well, by its random part.
        number = f'T{day:%Y%m%d}{secrets.token_hex(16)}'[:32]
        body = {
            'appid': self.identity_id.app_id.appid,
            'out_bill_no': number,
            'transfer_scene_id': self.scene_id.scene_id,
            'openid': self.identity_id.openid,
            'transfer_amount': amounts.to_fen(self.amount),
            'transfer_remark': self.remark,
            'notify_url': self.provider_id._wechat_get_notify_url(),
            'transfer_scene_report_infos': [
                {'info_type': info_type, 'info_content': content}
                for info_type, content in read_infos(self.report_infos)
            ],
        }
        if self.perception:
            body['user_recv_perception'] = self.perception
        if self.user_name:
            body['user_name'] = self.user_name
        return {'out_bill_no': number, 'body': self.provider_id._wechat_serialize(body)}

    def _make_call(self):
        """Create the transfer; repeating the same is safe (A9.2)."""
        headers = {'Wechatpay-Serial': self.user_name_serial} if self.user_name else None
        answer = self._get_calling_provider()._wechat_request(
            'POST', transfers.TRANSFER_PATH, payload=self.body, headers=headers,
        )
        return self._read(answer)

    def _fetch(self):
        """Ask for the transfer by our number (A9.3)."""
        path = f'{transfers.TRANSFER_PATH}/out-bill-no/{quote(self.out_bill_no, safe="")}'
        try:
            answer = self._get_calling_provider()._wechat_request('GET', path)
        except WeChatPayRefused as error:
            if error.status == 404 and error.wechat_code == payout_errors.NOT_FOUND:
                return {}
            raise
        return self._read(answer)

    def _read(self, content):
        """Return a verified answer as a transfer.

        :param dict content: The answer.
        :return: See `transfers.read_transfer`.
        :rtype: dict
        :raise WeChatUnknown: If it is none.
        """
        try:
            return transfers.read_transfer(content)
        except transfers.TransferError as error:
            _logger.warning("What WeChat Pay says of a transfer cannot be read: %s.", error)
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            ) from None

    def _find_mismatch(self, answer):
        """Compare all that the answer tells with what was sent."""
        sent = json.loads(self.body)
        expected = {
            'out_bill_no': self.out_bill_no,
            'mch_id': self.provider_id.wechat_mch_id,
            'appid': sent['appid'],
            'openid': sent['openid'],
            'transfer_amount': sent['transfer_amount'],
        }
        if self.wechat_number:
            expected['transfer_bill_no'] = self.wechat_number
        return '\n'.join(
            self.env._(
                "WeChat Pay names another %(name)s for this transfer: %(found)s instead of"
                " %(expected)s. Nothing was changed.",
                name=name, found=answer[name], expected=value,
            )
            for name, value in expected.items() if name in answer and answer[name] != value
        )

    def _read_result(self, answer):
        """Return what the transfer's state at WeChat Pay makes of it."""
        wechat_state = answer['state']
        values = {
            'state': transfers.STATES[wechat_state],
            'wechat_state': wechat_state,
            'wechat_number': answer['transfer_bill_no'],
        }
        if 'package_info' in answer:
            values['package_info'] = answer['package_info']
        if wechat_state == 'ACCEPTED' and self._is_stale():
            values['message'] = self.env._(
                "WeChat Pay took the transfer and did not pay it out for a day, usually because the"
                " merchant account does not hold enough money. It is no longer sent again by"
                " itself. Decide: top up and send it again, or cancel it."
            )
        elif wechat_state in ('ACCEPTED', 'PROCESSING'):
            values['message'] = self.env._(
                "WeChat Pay took the transfer and has not paid it out. Usually the merchant account"
                " does not hold enough money: top it up on pay.weixin.qq.com, Account Center. It"
                " then goes on under the same number."
            )
        if wechat_state == 'FAIL':
            reason = answer.get('fail_reason', '')
            values['wechat_reason'] = reason
            values['message'] = self.env._(
                "%(advice)s (WeChat Pay: %(code)s)",
                advice=self._choose_language(payout_errors.get_fail_advice(reason)),
                code=reason or wechat_state,
            )
        return values

    def _get_advice(self, error):
        """Return what a refusal means; other failures of API v3 have no code."""
        if not isinstance(error, WeChatPayRefused):
            return None, ''
        code = error.wechat_code or f'HTTP {error.status}'
        return payout_errors.get_transfer_advice(error.status, error.wechat_code), code
