# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an official account answers by itself: the first rule that fits, in their order."""

import base64
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat import rendering
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import replies
from odoo.addons.wechat_official_account import pattern_matching

MAX_ARTICLES = 8
MAX_TEXT_BYTES = 2048
# The triggers of messages, in contrast to those of events.
MESSAGE_TRIGGERS = ('keyword', 'regex', 'default')
SCENE_PREFIX = 'qrscene_'


class WechatReplyRule(models.Model):
    _name = 'wechat.reply.rule'
    _description = "WeChat Auto-Reply Rule"
    _order = 'app_id, sequence, id'

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        help="The first rule that fits is the one that answers.", default=10,
    )
    app_id = fields.Many2one(
        string="Official Account",
        comodel_name='wechat.app',
        domain=[('app_type', '=', 'official_account')],
        required=True,
        index=True,
        ondelete='cascade',
        default=lambda self: self._default_app_id(),
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    trigger = fields.Selection(
        string="When",
        selection=[
            ('keyword', "A message has a keyword"),
            ('regex', "A message matches an expression"),
            ('default', "No other rule answers a message"),
            ('follow', "Somebody follows the account"),
            ('scan', "A QR code is scanned"),
            ('click', "A menu button is pressed"),
        ],
        required=True,
        default='keyword',
    )
    match = fields.Selection(
        string="The Message",
        selection=[('equals', "is the keyword"), ('contains', "contains the keyword")],
        required=True,
        default='contains',
    )
    keywords = fields.Text(help="One in each line. Capitals make no difference.")
    pattern = fields.Char(
        string="Expression",
        help="A regular expression (Python), as “^(order|订单) *[0-9]+”. Capitals make no"
             " difference.",
    )
    event_key = fields.Char(
        string="Key",
        help="The key of the menu button or the scene of the QR code. Empty: all of them.",
    )
    answer_type = fields.Selection(
        string="Answer",
        selection=[
            ('text', "Text"),
            ('image', "Picture"),
            ('news', "Articles"),
            ('transfer', "Hand over to customer service"),
            ('action', "What a server action says"),
            ('none', "Nothing"),
        ],
        required=True,
        default='text',
    )
    text = fields.Text(
        help="It may contain fields of the customer's contact, as {{ object.name ||| dear customer"
             " }}. What follows ||| is for customers without a contact.",
    )
    image = fields.Image(string="Picture", max_width=4096, max_height=4096)
    media_id = fields.Char(
        string="Picture at WeChat", readonly=True, copy=False,
        help="What WeChat calls the picture since it was uploaded.",
    )
    article_ids = fields.One2many(
        string="Articles", comodel_name='wechat.reply.article', inverse_name='rule_id', copy=True,
    )
    kf_account = fields.Char(
        string="Customer-Service Account",
        help="Who takes the chat, as name@account. Empty: whoever is free.",
    )
    action_id = fields.Many2one(
        string="Server Action",
        help="A server action on WeChat identities that executes code. The identity is `record`,"
             " the fields of the message are in `env.context['wechat_message']`. What it stores in"
             " `action` is the answer: a text.",
        comodel_name='ir.actions.server',
        domain=[('model_id.model', '=', 'wechat.identity'), ('state', '=', 'code')],
        ondelete='restrict',
    )

    # Try it: nothing of this is stored.
    try_kind = fields.Selection(
        string="Try",
        selection=[
            ('message', "A message"),
            ('follow', "Following"),
            ('scan', "Scanning the code"),
            ('click', "Pressing the button"),
        ],
        store=False,
        default='message',
    )
    try_text = fields.Char(string="Message or Key", store=False)
    try_answer = fields.Html(
        string="Is Answered", compute='_compute_try_answer', sanitize=False,
    )

    @api.model
    def _default_app_id(self):
        return self.env['wechat.app']._get_default('official_account', self.env.company)

    # === COMPUTE METHODS === #

    @api.depends(
        'try_kind', 'try_text', 'app_id', 'sequence', 'active', 'trigger', 'match', 'keywords',
        'pattern', 'event_key', 'answer_type', 'text', 'article_ids', 'image', 'action_id',
    )
    def _compute_try_answer(self):
        for rule in self:
            rule.try_answer = rule._try()

    @api.onchange('image')
    def _onchange_image(self):
        self.media_id = False

    # === CONSTRAINT METHODS === #

    @api.constrains('app_id')
    def _check_app_id(self):
        self.app_id._check_is_official_account()

    @api.constrains('trigger', 'keywords', 'pattern')
    def _check_trigger(self):
        for rule in self:
            if rule.trigger == 'keyword' and not rule._get_keywords():
                raise ValidationError(self.env._(
                    "“%(rule)s”: enter the keywords, one in each line.", rule=rule.name,
                ))
            if rule.trigger == 'regex':
                try:
                    pattern_matching.check(rule.pattern)
                except pattern_matching.PatternError as error:
                    raise ValidationError(self.env._(
                        "“%(rule)s”: the expression cannot be used: %(reason)s.",
                        rule=rule.name, reason=str(error),
                    )) from None

    @api.constrains('trigger', 'answer_type', 'text', 'article_ids', 'image', 'action_id')
    def _check_answer(self):
        for rule in self:
            problem = rule._find_answer_problem()
            if problem:
                raise ValidationError(self.env._(
                    "“%(rule)s”: %(problem)s", rule=rule.name, problem=problem,
                ))
            if rule.answer_type == 'text':
                rendering.check_text(self.env['res.partner'], rule.text)
            if rule.answer_type == 'action' and (
                rule.action_id.model_id.model != 'wechat.identity'
                or rule.action_id.state != 'code'
            ):
                raise ValidationError(self.env._(
                    "“%(rule)s”: the server action must be one that executes code on WeChat"
                    " identities.", rule=rule.name,
                ))
            # It runs with all rights, whoever has written the message.
            if rule.answer_type == 'action' and not self.env.user._is_system():
                raise ValidationError(self.env._(
                    "“%(rule)s”: only a settings administrator may have a server action answer.",
                    rule=rule.name,
                ))

    def _find_answer_problem(self):
        """Return why WeChat would not take the answer, in words; None if it would."""
        if self.answer_type == 'text':
            if not (self.text or '').strip():
                return self.env._("enter the text of the answer.")
            if len(self.text.encode()) > MAX_TEXT_BYTES:
                return self.env._(
                    "the text is too long: WeChat takes %(limit)s bytes, a Chinese character has"
                    " three.", limit=MAX_TEXT_BYTES,
                )
        elif self.answer_type == 'image' and not self.image:
            return self.env._("choose the picture.")
        elif self.answer_type == 'action' and not self.action_id:
            return self.env._("choose the server action.")
        elif self.answer_type == 'news':
            if not self.article_ids:
                return self.env._("enter at least one article.")
            if len(self.article_ids) > MAX_ARTICLES:
                return self.env._("WeChat takes %(limit)s articles at most.", limit=MAX_ARTICLES)
            if self.trigger in MESSAGE_TRIGGERS and len(self.article_ids) > 1:
                return self.env._(
                    "WeChat shows one article only in the answer to a message; it takes more in the"
                    " answer to following, scanning and menu buttons."
                )
        elif self.answer_type == 'transfer' and self.trigger not in MESSAGE_TRIGGERS:
            return self.env._("only messages can be handed over to customer service.")
        return None

    # === CRUD METHODS === #

    def write(self, vals):
        if 'image' in vals and 'media_id' not in vals:
            vals = {**vals, 'media_id': False}
        elif 'app_id' in vals and 'media_id' not in vals:
            # Another account does not know the picture.
            vals = {**vals, 'media_id': False}
        return super().write(vals)

    # === ACTION METHODS === #

    def action_upload_image(self):
        """Upload the picture to WeChat now, in place of when it is needed first."""
        for rule in self.filtered(lambda rule: rule.answer_type == 'image'):
            rule.check_access('write')
            rule._upload_image()
        return True

    # === MATCHING === #

    def _get_keywords(self):
        """Return the keywords, in lower case.

        :rtype: list[str]
        """
        self.ensure_one()
        return [word.strip().casefold() for word in (self.keywords or '').splitlines()
                if word.strip()]

    def _has_keyword(self, text):
        text = (text or '').strip().casefold()
        if self.match == 'equals':
            return text in self._get_keywords()
        return any(word in text for word in self._get_keywords())

    def _find_for_text(self, text):
        """Return the first of these rules for a text.

        :param str text: What somebody wrote; empty for pictures and the like.
        :rtype: wechat.reply.rule
        """
        matched = None
        expressions = self.filtered(lambda rule: rule.trigger == 'regex')
        for rule in self:
            if rule.trigger == 'keyword' and text and rule._has_keyword(text):
                return rule
            if rule.trigger == 'regex' and text:
                if matched is None:  # All expressions at once: a process for each costs too much.
                    index = pattern_matching.first_match(expressions.mapped('pattern'), text)
                    matched = self.browse() if index is None else expressions[index]
                if rule == matched:
                    return rule
        return self.filtered(lambda rule: rule.trigger == 'default')[:1]

    def _find_for_event(self, event, key):
        """Return the first of these rules for an event.

        Following by a QR code is both: whichever rule comes first.

        :param str event: `subscribe`, `scan` or `click`.
        :param str key: The key or the scene.
        :rtype: wechat.reply.rule
        """
        triggers = {'scan': ('scan',), 'click': ('click',), 'subscribe': ('follow',)}.get(event, ())
        if event == 'subscribe' and (key or '').startswith(SCENE_PREFIX):
            key = key.removeprefix(SCENE_PREFIX)
            triggers = ('follow', 'scan')
        return self.filtered(lambda rule: rule.trigger in triggers and (
            rule.trigger == 'follow' or not rule.event_key or rule.event_key == key
        ))[:1]

    # === ANSWERING === #

    def _answer(self, identity, message):
        """Return what the rule answers.

        :param wechat.identity identity: Who gets the answer; may be empty.
        :param dict message: The fields of the message.
        :return: A reply of `wechat.protocol.replies`; `None` for nothing.
        :rtype: dict | None
        :raise WeChatError: If a picture cannot be uploaded.
        """
        self.ensure_one()
        if self.answer_type == 'text':
            partner = identity.partner_id or identity.user_id.partner_id
            content = rendering.render(
                partner.with_context(lang=self.env.lang or partner.lang), self.text,
            ).strip()
            return replies.text(content) if content else None
        if self.answer_type == 'image':
            return replies.image(self.media_id or self._upload_image())
        if self.answer_type == 'news':
            return replies.news([article._to_reply() for article in self.article_ids])
        if self.answer_type == 'transfer':
            return replies.transfer_customer_service(self.kf_account or None)
        if self.answer_type == 'action':
            return self._run_action(identity, message)
        return None

    def _run_action(self, identity, message):
        """Return the text that the server action stored in `action`."""
        result = self.action_id.with_context(
            active_model='wechat.identity', active_id=identity.id, active_ids=identity.ids,
            wechat_message=dict(message),
        ).run()
        return replies.text(result.strip()) if isinstance(result, str) and result.strip() else None

    def _upload_image(self):
        """Upload the picture as a permanent material (`/cgi-bin/material/add_material`).

        :return: WeChat's id of it.
        :rtype: str
        :raise WeChatError: If WeChat does not take it.
        """
        self.ensure_one()
        rule = self.with_context(bin_size=False)
        if not rule.image:
            raise WeChatError(self.env._("Choose the picture."), code='bad_request')
        content = base64.b64decode(rule.image)
        answer = self.sudo().app_id._request(
            'POST', '/cgi-bin/material/add_material', params={'type': 'image'},
            files={'media': (f'reply{_image_suffix(content)}', content)}, timeout=(3, 30),
        )
        self.media_id = answer.get('media_id')
        return self.media_id

    # === TRY IT === #

    def _try(self):
        """Return what would be answered to what was entered, as HTML."""
        self.ensure_one()
        kind, text = self.try_kind or 'message', self.try_text or ''
        if not self.app_id or (kind == 'message' and not text):
            return False
        saved = self.search([('app_id', '=', self.app_id._origin.id)]) - self._origin
        candidates = (saved | self if self.active else saved).sorted(
            lambda rule: (rule.sequence, rule._origin.id or 0))
        try:
            if self.trigger == 'regex':
                re.compile(self.pattern or '')  # What is not saved yet was not checked.
            if kind == 'message':
                rule = candidates._find_for_text(text)
            else:
                event = 'subscribe' if kind == 'follow' else kind
                rule = candidates._find_for_event(event, text)
        except re.error as error:
            return str(error)
        return self.env['ir.qweb']._render('wechat_official_account.reply_preview', {
            'rule': rule,
            'text': rule._preview_text(),
            'note': self.env._("By this rule.") if rule == self else self.env._(
                "By the rule “%(rule)s”.", rule=rule.name),
            'note_action': self.env._(
                "What the server action “%(action)s” says.", action=rule.action_id.name),
        })

    def _preview_text(self):
        """Return the text answer as a customer without a contact gets it."""
        if not self or self.answer_type != 'text':
            return ''
        try:
            rendering.check_text(self.env['res.partner'], self.text)
        except ValidationError as error:
            return str(error)
        return rendering.render(self.env['res.partner'], self.text)


def _image_suffix(content):
    """Return the suffix of a picture's file by its first bytes."""
    return '.png' if content.startswith(b'\x89PNG') else '.gif' if content.startswith(
        b'GIF8') else '.jpg'
