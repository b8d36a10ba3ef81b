# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An app's end of the message push: its secrets, and what of it is believed (section 7)."""

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat.protocol import push as push_protocol
from odoo.addons.wechat.protocol import push_crypto

_logger = logging.getLogger(__name__)

PUSH_TYPES = ('miniprogram', 'official_account')
# The same problem is stored once in this time: whoever likes can send what is refused.
PROBLEM_INTERVAL = timedelta(seconds=60)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    original_id = fields.Char(
        string="Original ID",
        help="The original ID (原始ID, gh_…) of the account. If it is entered, messages to another"
             " account are refused.",
        copy=False,
    )
    push_url = fields.Char(
        string="URL", help="The server address for WeChat's console.", compute='_compute_push_url',
    )
    push_token_input = fields.Char(
        string="Token",
        help="3 to 32 letters or digits, the same as in WeChat's console. Leave empty to keep the"
             " one that is stored; it is never shown again.",
        compute='_compute_push_inputs',
        inverse='_inverse_push_token_input',
        groups='base.group_system',
    )
    push_aes_key_input = fields.Char(
        string="New EncodingAESKey",
        help="43 letters and digits, the same as in WeChat's console. Leave empty to keep the one"
             " that is stored; it is never shown again.",
        compute='_compute_push_inputs',
        inverse='_inverse_push_aes_key_input',
        groups='base.group_system',
    )
    has_push_token = fields.Boolean(string="Token Stored", compute='_compute_has_push_token')
    has_push_aes_key = fields.Boolean(
        string="EncodingAESKey Stored", compute='_compute_has_push_aes_key',
    )
    push_problem = fields.Selection(
        string="Last Problem",
        help="Why the last message that was refused was refused.",
        selection=[
            ('signature', "The signature is wrong"),
            ('timestamp', "The time is wrong"),
            ('plain_body', "The message is not encrypted"),
            ('encrypted_body', "The message is encrypted"),
            ('undecryptable', "The message cannot be decrypted"),
            ('appid_mismatch', "The message is meant for another AppID"),
            ('account', "The message is meant for another account"),
            ('body', "The message cannot be read"),
        ],
        readonly=True,
        copy=False,
    )
    push_problem_date = fields.Datetime(string="Last Problem On", readonly=True, copy=False)
    push_problem_advice = fields.Text(
        string="What to Do About It", compute='_compute_push_problem_advice',
    )
    push_last_message = fields.Datetime(
        string="Last Message Received", compute='_compute_push_last_message',
    )
    is_push_troubled = fields.Boolean(
        help="Whether a message was refused since the last one that was not.",
        compute='_compute_push_last_message',
    )
    push_message_ids = fields.One2many(
        string="Received Messages", comodel_name='wechat.push.message', inverse_name='app_id',
    )

    # === COMPUTE METHODS === #

    @api.depends('appid')
    def _compute_push_url(self):
        for app in self:
            app.push_url = app.appid and f'{app.get_base_url()}/wechat/push/{app.appid}'

    @api.depends_context('uid')
    def _compute_push_inputs(self):
        self.push_token_input = False
        self.push_aes_key_input = False

    def _inverse_push_token_input(self):
        for app in self:
            if app.push_token_input:
                app.push_token = app.push_token_input
                app.push_token_input = False

    def _inverse_push_aes_key_input(self):
        for app in self:
            if app.push_aes_key_input:
                app.push_aes_key = app.push_aes_key_input
                app.push_aes_key_input = False

    @api.depends('push_token')
    def _compute_has_push_token(self):
        for app in self:
            app.has_push_token = bool(app.sudo().push_token)

    @api.depends('push_aes_key')
    def _compute_has_push_aes_key(self):
        for app in self:
            app.has_push_aes_key = bool(app.sudo().push_aes_key)

    @api.depends('push_problem')
    @api.depends_context('lang')
    def _compute_push_problem_advice(self):
        advice = {
            'signature': self.env._(
                "The Token here is not the one in WeChat's console (or somebody else than WeChat"
                " has called the address). Enter the same Token in both places."
            ),
            'timestamp': self.env._(
                "The message was signed more than five minutes ago or in the future. Check that"
                " the clock of this server is right."
            ),
            'plain_body': self.env._(
                "Choose the secure mode (安全模式) in WeChat's console, or the mode of the console"
                " here."
            ),
            'encrypted_body': self.env._(
                "WeChat's console is set to the secure mode. Choose the secure mode here too, and"
                " enter the EncodingAESKey."
            ),
            'undecryptable': self.env._(
                "The EncodingAESKey here is missing or not the one in WeChat's console. Enter the"
                " same one in both places."
            ),
            'appid_mismatch': self.env._(
                "The address of this app was entered in the console of another one. Each app has"
                " an address of its own."
            ),
            'account': self.env._(
                "The message names another original ID than the one entered here. Compare it with"
                " the one in WeChat's console, or leave it empty."
            ),
            'body': self.env._(
                "The body is neither XML nor JSON as WeChat sends it. If it goes on, check what"
                " stands between WeChat and this server (proxy, firewall)."
            ),
        }
        for app in self:
            app.push_problem_advice = advice.get(app.push_problem, False)

    @api.depends('push_message_ids.received_at', 'push_problem_date')
    def _compute_push_last_message(self):
        newest = dict(self.env['wechat.push.message'].sudo()._read_group(
            [('app_id', 'in', self.ids)], ['app_id'], ['received_at:max'],
        ))
        for app in self:
            app.push_last_message = newest.get(app._origin, False)
            app.is_push_troubled = bool(app.push_problem_date) and (
                not app.push_last_message or app.push_last_message < app.push_problem_date
            )

    # === CONSTRAINT METHODS === #

    @api.constrains('push_token')
    def _check_push_token(self):
        for app in self.sudo():
            if app.push_token and not push_crypto.TOKEN.fullmatch(app.push_token):
                raise ValidationError(self.env._("The Token must be 3 to 32 letters or digits."))

    @api.constrains('push_aes_key')
    def _check_push_aes_key(self):
        for app in self.sudo():
            if app.push_aes_key and not push_crypto.ENCODING_AES_KEY.fullmatch(app.push_aes_key):
                raise ValidationError(self.env._(
                    "The EncodingAESKey must be 43 letters or digits."
                ))

    # === CRUD METHODS === #

    def write(self, vals):
        # What was refused with the old settings says nothing about the new ones.
        if not {'push_token', 'push_aes_key', 'push_mode', 'appid'}.isdisjoint(vals):
            vals = {'push_problem': False, 'push_problem_date': False, **vals}
        return super().write(vals)

    # === ACTION METHODS === #

    def action_generate_push_secrets(self):
        """Make a new Token and a new EncodingAESKey, and show them once.

        :return: The window that shows them.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        return self.env['wechat.push.secrets']._generate(self)

    def action_view_push_messages(self):
        """Return the window with the messages that the app received."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('wechat.wechat_push_message_action'),
            'domain': [('app_id', '=', self.id)],
        }

    # === BUSINESS METHODS === #

    @api.model
    def _get_by_push_appid(self, appid):
        """Return the app in sudo that gets its messages at `/wechat/push/<appid>`; may be empty."""
        app_sudo = self.sudo()._get_by_appid(appid)
        return app_sudo.filtered(lambda app: app.app_type in PUSH_TYPES and app.push_token)

    def _push_crypto(self):
        """Return the secrets that the app shares with WeChat.

        :rtype: PushCrypto
        """
        self.ensure_one()
        app_sudo = self.sudo()
        return push_crypto.PushCrypto(app_sudo.push_token, app_sudo.push_aes_key, app_sudo.appid)

    def _push_mode(self):
        """Return the mode in which the app gets its messages, a value of the field."""
        return self.sudo().push_mode

    def _check_push_echo(self, query):
        """Return what WeChat's test of the address is answered with.

        :param dict query: The parameters of the address.
        :rtype: str
        :raise PushRefused: If it does not come from WeChat.
        """
        self.ensure_one()
        try:
            return push_protocol.check_echo(self._push_crypto(), query)
        except push_protocol.PushRefused as refused:
            self._note_push_problem(refused.reason, query)
            raise

    def _open_push(self, query, body):
        """Return a push of WeChat to this app.

        :param dict query: The parameters of the address.
        :param bytes body: The body.
        :rtype: wechat.protocol.push.Push
        :raise PushRefused: If it is not believed.
        """
        self.ensure_one()
        try:
            push = push_protocol.receive(self._push_crypto(), self._push_mode(), query, body)
            self._check_push_message(push.message)
        except push_protocol.PushRefused as refused:
            self._note_push_problem(refused.reason, query)
            raise
        return push

    def _check_push_message(self, message):
        """Refuse what is no message, or a message to another account.

        :raise PushRefused: If it is.
        """
        if not message.is_complete:
            raise push_protocol.PushRefused('body')
        if self.sudo().original_id not in (False, message.account):
            raise push_protocol.PushRefused('account')

    def _take_push(self, push):
        """Handle a push once, however often it comes, and return its reply if there is one in time.

        :param wechat.protocol.push.Push push: The push.
        :return: The reply to answer with; `None` for `success`.
        :rtype: dict | None
        """
        self.ensure_one()
        return self.env['wechat.push.message'].sudo()._take(self, push.message)

    def _note_push_problem(self, reason, query):
        """Store why a push was refused, for the administrator who wonders.

        :param str reason: A reason of `PushRefused`.
        :param dict query: The parameters; a call without any signature is nobody's message.
        """
        if not {'signature', 'msg_signature'} & set(query):
            return
        _logger.warning("App %s refused a pushed message: %s", self.id, reason)
        app_sudo, now = self.sudo(), fields.Datetime.now()
        if (
            app_sudo.push_problem != reason or not app_sudo.push_problem_date
            or app_sudo.push_problem_date < now - PROBLEM_INTERVAL
        ):
            self._store_state({'push_problem': reason, 'push_problem_date': now})
