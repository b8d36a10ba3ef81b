# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a pushed message may be answered with (wechat-platform.md, sections 6.4 and 7.4).

A reply is a dictionary of WeChat's fields without sender, receiver and time. It travels either in
the answer to the push (:func:`to_xml`, :func:`to_json`) or later as a customer-service message
(:func:`to_customer_service`).
"""

import json
import re

_NOT_XML = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')

# Replies that exist as customer-service messages only.
CUSTOMER_SERVICE_ONLY = ('link', 'miniprogrampage')
# How WeChat's API spells the fields of a customer-service message.
_CUSTOMER_SERVICE_NAMES = {
    'MediaId': 'media_id',
    'ThumbMediaId': 'thumb_media_id',
    'Title': 'title',
    'Description': 'description',
    'MusicUrl': 'musicurl',
    'HQMusicUrl': 'hqmusicurl',
    'PicUrl': 'picurl',
    'Url': 'url',
    'ThumbUrl': 'thumb_url',
    'PagePath': 'pagepath',
    'AppId': 'appid',
}
_PARTS = {
    'image': 'Image', 'voice': 'Voice', 'video': 'Video', 'music': 'Music', 'link': 'Link',
    'miniprogrampage': 'MiniProgramPage',
}
MAX_ARTICLES = 8


class ReplyError(ValueError):
    """There is no such reply, or it cannot be sent this way."""


# === REPLIES === #

def text(content):
    """Return a text.

    :param str content: The text; WeChat takes 2048 bytes.
    :rtype: dict
    """
    return {'MsgType': 'text', 'Content': str(content)}


def image(media_id):
    """Return a picture.

    :param str media_id: What WeChat answered when the picture was uploaded.
    :rtype: dict
    """
    return {'MsgType': 'image', 'Image': {'MediaId': media_id}}


def voice(media_id):
    """Return a voice message. See :func:`image`."""
    return {'MsgType': 'voice', 'Voice': {'MediaId': media_id}}


def video(media_id, title='', description=''):
    """Return a video. See :func:`image`."""
    return {'MsgType': 'video', 'Video': _filled(
        MediaId=media_id, Title=title, Description=description,
    )}


def music(thumb_media_id, title='', description='', url='', hq_url=''):
    """Return a piece of music: a picture and the addresses of a recording."""
    return {'MsgType': 'music', 'Music': _filled(
        Title=title, Description=description, MusicUrl=url, HQMusicUrl=hq_url,
        ThumbMediaId=thumb_media_id,
    )}


def news(articles):
    """Return linked articles.

    WeChat shows one in reply to a message, up to eight to an event, and one in a customer-service
    message.

    :param list articles: Dictionaries of `title`, `description`, `url` and `picurl`.
    :rtype: dict
    """
    items = [{
        'Title': article.get('title') or '',
        'Description': article.get('description') or '',
        'PicUrl': article.get('picurl') or '',
        'Url': article.get('url') or '',
    } for article in articles]
    if not 1 <= len(items) <= MAX_ARTICLES:
        raise ReplyError(f"There must be 1 to {MAX_ARTICLES} articles.")
    return {'MsgType': 'news', 'ArticleCount': len(items), 'Articles': items}


def transfer_customer_service(kf_account=None):
    """Return what hands the chat over to the human customer service.

    :param str kf_account: Who takes it, for official accounts; by default whoever is free.
    :rtype: dict
    """
    reply = {'MsgType': 'transfer_customer_service'}
    if kf_account:
        reply['TransInfo'] = {'KfAccount': kf_account}
    return reply


def link(title, description, url, thumb_url=''):
    """Return a link with a picture; mini-programs only, as a customer-service message."""
    return {'MsgType': 'link', 'Link': _filled(
        Title=title, Description=description, Url=url, ThumbUrl=thumb_url,
    )}


def miniprogram_page(title, page_path, thumb_media_id, appid=''):
    """Return a card that opens a page of a mini-program, as a customer-service message.

    :param str appid: The mini-program, for official accounts.
    """
    return {'MsgType': 'miniprogrampage', 'MiniProgramPage': _filled(
        Title=title, PagePath=page_path, ThumbMediaId=thumb_media_id, AppId=appid,
    )}


def check(reply):
    """Check that something is a reply.

    :param reply: `None`, a text, or a reply of this module.
    :return: The reply as a dictionary; `None` for none.
    :rtype: dict | None
    :raise ReplyError: If it is something else.
    """
    if reply is None or reply is False or reply == '':
        return None
    if isinstance(reply, str):
        return text(reply)
    if isinstance(reply, dict):
        kind = reply.get('MsgType')
        part = {'text': 'Content', 'news': 'Articles', **_PARTS}.get(kind)
        if kind == 'transfer_customer_service' or (part and reply.get(part)):
            return reply
    raise ReplyError("A reply is None, a text, or what odoo.addons.wechat.protocol.replies gives.")


# === HOW THEY TRAVEL === #

def to_xml(reply, openid, account, created):
    """Return a reply as the XML answer to a push.

    :param dict reply: The reply.
    :param str openid: Who gets it.
    :param str account: The account's original id, as the push named it.
    :param int created: Seconds since the epoch.
    :rtype: str
    """
    return element('xml', _addressed(reply, openid, account, created))


def to_json(reply, openid, account, created):
    """Return a reply as the JSON answer to a push. See :func:`to_xml`."""
    return json.dumps(
        _addressed(reply, openid, account, created), ensure_ascii=False, separators=(',', ':'),
    )


def to_customer_service(reply, openid):
    """Return a reply as the body of `/cgi-bin/message/custom/send`.

    :param dict reply: The reply.
    :param str openid: Who gets it.
    :rtype: dict
    :raise ReplyError: If there is no such customer-service message.
    """
    kind = reply['MsgType']
    if kind == 'text':
        content = {'content': reply['Content']}
    elif kind == 'news':
        content = {'articles': [_renamed(article) for article in reply['Articles'][:1]]}
    elif kind in _PARTS:
        content = _renamed(reply[_PARTS[kind]])
    else:
        raise ReplyError(f"{kind} cannot be sent as a customer-service message.")
    return {'touser': openid, 'msgtype': kind, kind: content}


def _filled(**fields):
    """Return the fields that are not empty."""
    return {name: value for name, value in fields.items() if value}


def _renamed(fields):
    return {_CUSTOMER_SERVICE_NAMES[name]: value for name, value in fields.items()}


def _addressed(reply, openid, account, created):
    if reply['MsgType'] in CUSTOMER_SERVICE_ONLY:
        raise ReplyError(f"{reply['MsgType']} can be sent as a customer-service message only.")
    return {'ToUserName': openid, 'FromUserName': account, 'CreateTime': created, **reply}


def element(name, value):
    """Return a value as an XML element: texts, numbers, dictionaries and lists of items."""
    if isinstance(value, dict):
        content = ''.join(element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        content = ''.join(element('item', item) for item in value)
    elif isinstance(value, int):
        content = str(value)
    else:
        content = _NOT_XML.sub('', str(value)).replace(']]>', ']]]]><![CDATA[>')
        content = f'<![CDATA[{content}]]>'
    return f'<{name}>{content}</{name}>'
