# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat makes of the answer to a push, as strict as a reader can be (7.3 and 7.4)."""

import hmac

from . import push_crypto, push_format

LONGEST_TEXT = 2048  # bytes
_ENVELOPE = {'Encrypt', 'MsgSignature', 'TimeStamp', 'Nonce'}
_ADDRESS = {'ToUserName', 'FromUserName', 'CreateTime', 'MsgType'}
# MsgType -> the member that holds its content, what that must have and may have.
_PARTS = {
    'image': ('Image', {'MediaId'}, set()),
    'voice': ('Voice', {'MediaId'}, set()),
    'video': ('Video', {'MediaId'}, {'Title', 'Description'}),
    'music': ('Music', {'ThumbMediaId'}, {'Title', 'Description', 'MusicUrl', 'HQMusicUrl'}),
}


def judge(config, app_type, sent, form, status, body):
    """Read an answer as WeChat would.

    :param config: the `PushConfig`
    :param str app_type: the type of the app that was pushed to
    :param dict sent: the message that was pushed
    :param str form: the form in which it was pushed
    :param status: the HTTP status; None if there was no answer
    :param str body: the body
    :return: (the reply or None, what is wrong or None)
    """
    if status != 200:
        return None, f"the answer was {status}" if status else body
    if body in ('', 'success'):
        return None, None
    try:
        data = push_format.read(body.encode(), form)
        if config.mode != 'plain':
            data = _opened(config, data, form)
        _check(data, app_type, sent, form)
    except ValueError as error:
        return None, str(error)
    return data, None


def _opened(config, data, form):
    if set(data) != _ENVELOPE:
        raise ValueError(f"an encrypted answer has {', '.join(sorted(_ENVELOPE))} and no more")
    encrypt, nonce, timestamp = data['Encrypt'], data['Nonce'], data['TimeStamp']
    if not isinstance(encrypt, str) or not str(timestamp).isdecimal():
        raise ValueError("Encrypt is no text or TimeStamp no number")
    expected = push_crypto.sign(config.token, str(timestamp), str(nonce), encrypt)
    if not hmac.compare_digest(expected.encode(), str(data['MsgSignature']).encode()):
        raise ValueError("MsgSignature is wrong")
    message = push_crypto.open_sealed(config.encoding_aes_key, config.sealed_for, encrypt)
    return push_format.read(message, form)


def _check(data, app_type, sent, form):
    kind = data.get('MsgType')
    if missing := sorted(_ADDRESS - set(data)):
        raise ValueError(f"{', '.join(missing)} is missing")
    if (data['ToUserName'], data['FromUserName']) != (sent['FromUserName'], sent['ToUserName']):
        raise ValueError("ToUserName must be the sender and FromUserName the account")
    if not str(data['CreateTime']).isdecimal():
        raise ValueError("CreateTime is no number")
    is_event = sent.get('MsgType') == 'event'
    extra = set(data) - _ADDRESS
    if kind == 'transfer_customer_service':
        if is_event:
            raise ValueError("an event cannot be handed over to customer service")
        if extra - {'TransInfo'}:
            raise ValueError("transfer_customer_service has nothing but TransInfo")
    elif app_type == 'miniprogram':
        raise ValueError("a mini-program may only answer success or transfer_customer_service")
    elif kind == 'text':
        if extra != {'Content'} or not isinstance(data['Content'], str) or not data['Content']:
            raise ValueError("a text has Content")
        if len(data['Content'].encode()) > LONGEST_TEXT:
            raise ValueError("the text is longer than 2048 bytes")
    elif kind == 'news':
        _check_news(data, extra, is_event, form)
    elif kind in _PARTS:
        part, required, optional = _PARTS[kind]
        content = data.get(part)
        if extra != {part} or not isinstance(content, dict):
            raise ValueError(f"{kind} has {part}")
        if not required <= set(content) <= required | optional:
            raise ValueError(f"{part} has {', '.join(sorted(required | optional))}")
    else:
        raise ValueError(f"there is no MsgType {kind!r}")


def _check_news(data, extra, is_event, form):
    if extra != {'ArticleCount', 'Articles'}:
        raise ValueError("news has ArticleCount and Articles")
    articles = data['Articles']
    if form == 'XML':
        articles = articles.get('item') if isinstance(articles, dict) else None
    articles = articles if isinstance(articles, list) else [articles]
    if str(len(articles)) != str(data['ArticleCount']):
        raise ValueError("ArticleCount is not the number of articles")
    if not 1 <= len(articles) <= (8 if is_event else 1):
        raise ValueError("a message is answered with one article, an event with up to eight")
    for article in articles:
        if not isinstance(article, dict) or set(article) - {
            'Title', 'Description', 'PicUrl', 'Url',
        } or 'Title' not in article or 'Url' not in article:
            raise ValueError("an article has Title, Description, PicUrl and Url")
