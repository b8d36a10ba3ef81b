# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import secrets
from datetime import UTC, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatUnknown
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused, WeChatPayUnsettled
from odoo.addons.wechat_payment.protocol import amounts, v2_signing
from odoo.addons.wechat_payment_operations.const import BEIJING, RED_PACKET_PROCESSING_SECONDS
from odoo.addons.wechat_payment_operations.protocol import payout_errors, red_packets

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)

MAX_NUMBER = 28


class WechatPayRedPacket(models.Model):
    """A red packet (现金红包) in the chat of a WeChat user, for one or for a group (A9.4).

    Red packets exist in API v2 only, signed with MD5; their answers have no signature at all, so
    that they are believed because of TLS, and compared with what was sent.
    """

    _name = 'wechat.pay.red.packet'
    _description = "WeChat Pay Red Packet"
    _inherit = 'wechat.pay.payout'

    _number_name = 'mch_billno'
    _draft_names = (
        'identity_id', 'provider_id', 'amount', 'reason', 'kind', 'total_num', 'send_name',
        'wishing', 'act_name', 'remark', 'scene_id',
    )

    mch_billno = fields.Char(string="Number", readonly=True, copy=False)
    previous_id = fields.Many2one(
        string="In Place Of", comodel_name='wechat.pay.red.packet', readonly=True, copy=False,
        ondelete='restrict',
    )
    kind = fields.Selection(
        required=True, default='normal',
        selection=[('normal', "For one person"), ('group', "For a group to share")],
    )
    total_num = fields.Integer(
        string="Number of People", default=1,
        help="How many share it: 3 to 20; one person gets it alone.",
    )
    send_name = fields.Char(
        string="Sender", required=True, size=32,
        default=lambda self: self.env.company.name[:32], help="Shown as who sent it.",
    )
    wishing = fields.Char(
        string="Wish", required=True, size=128, default="恭喜发财，大吉大利",
        help="Shown on the red packet.",
    )
    act_name = fields.Char(string="Campaign", required=True, size=32)
    remark = fields.Char(required=True, size=256)
    scene_id = fields.Selection(
        help="WeChat Pay wants one below 1.00 and above 200.00 yuan.",
        selection=[
            ('PRODUCT_1', "Promotion"),
            ('PRODUCT_2', "Lottery"),
            ('PRODUCT_3', "Prize in kind exchanged"),
            ('PRODUCT_4', "Internal welfare of a company"),
            ('PRODUCT_5', "Channel rebate"),
            ('PRODUCT_6', "Insurance return"),
            ('PRODUCT_7', "Lottery by a state"),
            ('PRODUCT_8', "Tax lottery"),
        ],
    )
    share_ids = fields.One2many(
        string="Received By", comodel_name='wechat.pay.red.packet.share',
        inverse_name='red_packet_id', readonly=True, copy=False,
    )
    received_amount = fields.Monetary(string="Received", readonly=True, copy=False)
    returned_amount = fields.Monetary(
        string="Returned", readonly=True, copy=False,
        help="What nobody took within 24 hours goes back to the merchant account.",
    )

    _mch_billno_unique = models.Constraint(
        'UNIQUE (mch_billno)', "There is a red packet with this number already.",
    )
    _previous_unique = models.Constraint(
        'UNIQUE (previous_id)', "There is a new draft in place of this one already.",
    )
    _day_idx = models.Index("(provider_id, day) WHERE day IS NOT NULL")

    # === CONSTRAINT METHODS === #

    @api.constrains('kind', 'total_num', 'amount')
    def _check_total_num(self):
        for packet in self:
            least, most = (
                (red_packets.MIN_GROUP, red_packets.MAX_GROUP) if packet.kind == 'group' else (1, 1)
            )
            if not least <= packet.total_num <= most:
                raise ValidationError(self.env._(
                    "A red packet is for one person, or for %(least)s to %(most)s who share it.",
                    least=red_packets.MIN_GROUP, most=red_packets.MAX_GROUP,
                ))

    @api.constrains('identity_id')
    def _check_app_type(self):
        for packet in self:
            if packet.identity_id.sudo().app_id.app_type != 'official_account':
                raise ValidationError(self.env._(
                    "Red packets come from an official account: choose the recipient's identity"
                    " there."
                ))

    # === BUSINESS METHODS - SENDING === #

    def _check_payout(self):
        """Check values that WeChat Pay would refuse, and this provider's own limits."""
        provider = self.provider_id
        provider._wechat_check_payouts_possible()
        provider._wechat_get_client_certificate()
        provider._wechat_read_v2_credentials()
        provider._wechat_check_payout_amount(
            self.amount / self.total_num, provider.wechat_red_packet_min,
            provider.wechat_red_packet_max,
        )
        each = amounts.to_fen(self.amount) / self.total_num
        if not self.scene_id and not red_packets.MIN_AMOUNT <= each <= red_packets.MAX_AMOUNT:
            raise UserError(self.env._(
                "Below 1.00 and above 200.00 yuan each, WeChat Pay wants a scene."
            ))

    def _build_call(self):
        """Return the number and the parameters of the call, which are signed anew each time."""
        start = f"{self.provider_id.wechat_mch_id}" \
                f"{self.env['wechat.pay.bill']._get_beijing_today():%Y%m%d}"
        digits = min(10, MAX_NUMBER - len(start))
        if digits < 6:
            raise UserError(self.env._("The merchant number is too long for red packets."))
        # Unique in copies of this database as well, by its random part.
        number = f'{start}{secrets.randbelow(10 ** digits):0{digits}d}'
        params = {
            'mch_billno': number,
            'wxappid': self.identity_id.app_id.appid,
            'send_name': self.send_name,
            're_openid': self.identity_id.openid,
            'total_amount': amounts.to_fen(self.amount),
            'total_num': self.total_num,
            'wishing': self.wishing,
            'act_name': self.act_name,
            'remark': self.remark,
        }
        if self.scene_id:
            params['scene_id'] = self.scene_id
        if self.kind == 'group':
            params['amt_type'] = 'ALL_RAND'
        else:
            params['client_ip'] = '127.0.0.1'  # Of the server that calls; WeChat Pay sees it.
        return {'mch_billno': number, 'body': self.provider_id._wechat_serialize(params)}

    def _make_call(self):
        """Send the red packet; repeating the same is safe (A9.4). The answer tells no state."""
        sent = json.loads(self.body)
        answer = self._request(red_packets.SEND_PATHS[self.kind], sent)
        return {
            'mch_billno': answer.get('mch_billno', ''),
            'total_amount': answer.get('total_amount', ''),
            're_openid': answer.get('re_openid', ''),
            'send_listid': answer.get('send_listid', ''),
        }

    def _call(self):
        """Extend: only a query tells the state."""
        super()._call()
        if self.state == 'processing':
            self._keep(self._in_company_language()._try_query)

    def _fetch(self):
        """Ask for the red packet (A9.4)."""
        sent = json.loads(self.body)
        try:
            message = self._request(red_packets.QUERY_PATH, {
                'appid': sent['wxappid'], 'mch_billno': self.mch_billno, 'bill_type': 'MCHT',
            }, repeatable=True)
        except (WeChatPayRefused, WeChatPayUnsettled) as error:
            if error.wechat_code == payout_errors.NOT_FOUND:
                return {}
            raise
        try:
            return red_packets.read_red_packet(message)
        except red_packets.RedPacketError as error:
            _logger.warning("What WeChat Pay says of a red packet cannot be read: %s.", error)
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            ) from None

    def _request(self, path, params, repeatable=False):
        """Make a call of API v2 as red packets have it.

        :param str path: The path.
        :param dict params: The parameters.
        :param bool repeatable: Whether it may be made at the backup host as well.
        :return: The fields of the answer, which is not signed.
        :rtype: dict
        :raise WeChatError: As `_wechat_request_v2`.
        """
        return self._get_calling_provider()._wechat_request_v2(
            path, params, certificate=True, sign_type=v2_signing.MD5, is_answer_signed=False,
            repeatable=repeatable, lists=red_packets.LISTS,
        )

    def _find_mismatch(self, answer):
        """Compare all that the answer tells with what was sent."""
        sent = json.loads(self.body)
        expected = {
            'mch_billno': self.mch_billno,
            'mch_id': self.provider_id.wechat_mch_id,
            'total_amount': sent['total_amount'],
            'total_num': sent['total_num'],
            're_openid': sent['re_openid'],
        }
        problems = [
            self.env._(
                "WeChat Pay names another %(name)s for this red packet: %(found)s instead of"
                " %(expected)s. Nothing was changed.",
                name=name, found=answer[name], expected=value,
            )
            for name, value in expected.items()
            if name in answer and str(answer[name]) != str(value)
        ]
        if self.kind == 'normal' and any(
            share['openid'] != sent['re_openid'] for share in answer.get('received', [])
        ):
            problems.append(self.env._(
                "Somebody else received this red packet. Nothing was changed."
            ))
        return '\n'.join(problems)

    def _read_result(self, answer):
        """Return what the red packet's state at WeChat Pay makes of it."""
        if 'status' not in answer:
            return {
                'state': 'processing' if self.state == 'sending' else self.state,
                'wechat_state': self.wechat_state or 'SENDING',
                'wechat_number': answer['send_listid'] or self.wechat_number,
            }
        received = sum(share['amount'] for share in answer['received'])
        state = red_packets.STATES[answer['status']]
        told = received + answer['refund_amount']
        if state == 'done' and self.kind == 'group' and told < answer['total_amount']:
            state = 'waiting'  # For the others, or for the rest to come back.
        values = {
            'state': state,
            'wechat_state': answer['status'],
            'received_amount': float(amounts.to_yuan(received)),
            'returned_amount': float(amounts.to_yuan(answer['refund_amount'])),
            'share_ids': self._read_shares(answer['received']),
        }
        if answer['status'] == 'FAILED':
            values['wechat_reason'] = answer['reason'][:256]
            values['message'] = self.env._(
                "%(advice)s (WeChat Pay: %(code)s)",
                advice=self._choose_language(payout_errors.get_fail_advice('')),
                code=answer['reason'][:256] or answer['status'],
            )
        elif answer['status'] == 'REFUND':
            values['message'] = self.env._(
                "What was not taken within 24 hours is back in the merchant account."
            )
        return values

    def _read_shares(self, received):
        """Return the commands that make the shares as WeChat Pay tells them.

        :param list received: What was received, see `red_packets.read_red_packet`.
        :rtype: list
        """
        known = {share.openid for share in self.share_ids}
        identities = self.env['wechat.identity'].sudo().search([
            ('app_id', '=', self.identity_id.app_id.id),
            ('openid', 'in', [share['openid'] for share in received]),
        ])
        identity_by_openid = {identity.openid: identity.id for identity in identities}
        return [
            Command.create({
                'openid': share['openid'],
                'identity_id': identity_by_openid.get(share['openid']),
                'amount': float(amounts.to_yuan(share['amount'])),
                'received_on': share['rcv_time'] and share['rcv_time'].replace(
                    tzinfo=BEIJING,
                ).astimezone(UTC).replace(tzinfo=None),
            })
            for share in received if share['openid'] not in known
        ]

    def _get_advice(self, error):
        """Return what an error code means; an answer without one says nothing."""
        code = getattr(error, 'wechat_code', '')
        if not isinstance(error, (WeChatPayRefused, WeChatPayUnsettled)) or not code:
            return None, ''
        return payout_errors.get_red_packet_advice(code), code

    def _handle_failure(self, error):
        """Extend: what is being processed is left alone for 20 minutes (A9.4)."""
        if getattr(error, 'wechat_code', '') != 'PROCESSING':
            super()._handle_failure(error)
            return
        self._lock()
        if self.state == 'sending':
            advice = payout_errors.get_red_packet_advice('PROCESSING')
            self.write({
                'had_no_answer': True,
                'message': self._choose_language(advice),
                'next_query': fields.Datetime.now() + timedelta(
                    seconds=RED_PACKET_PROCESSING_SECONDS,
                ),
            })


class WechatPayRedPacketShare(models.Model):
    """What one person took of a red packet."""

    _name = 'wechat.pay.red.packet.share'
    _description = "WeChat Pay Red Packet Share"
    _order = 'received_on, id'
    _rec_name = 'openid'

    red_packet_id = fields.Many2one(
        comodel_name='wechat.pay.red.packet', required=True, readonly=True, ondelete='cascade',
        index=True,
    )
    openid = fields.Char(string="openid", required=True, readonly=True)
    identity_id = fields.Many2one(
        string="Person", comodel_name='wechat.identity', readonly=True, ondelete='set null',
    )
    currency_id = fields.Many2one(related='red_packet_id.currency_id')
    amount = fields.Monetary(readonly=True)
    received_on = fields.Datetime(readonly=True)

    _openid_unique = models.Constraint(
        'UNIQUE (red_packet_id, openid)', "This person took a part of it already.",
    )
