# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Consents to subscribe messages: what is counted, and what is told twice (section 6.2, 7.5).

Somebody's tap is told twice: by the client, which got the answer of wx.requestSubscribeMessage, and
by WeChat's event. The two have no number in common. Each report of one side is therefore paired
with at most one of the other side within :data:`WINDOW`: what comes first counts, its counterpart
does not, in whatever order they come and whichever gets lost. Never is one tap counted twice; of
several taps within the window, of which one side lost one and the other side another, one may be
missed, which costs a message that could have been sent and nothing else.
"""

ANSWERS = ('accept', 'reject', 'ban', 'filter')
MAX_TEMPLATES = 5  # of one wx.requestSubscribeMessage
WINDOW = 600  # seconds
# A client that reports more taps than these within the window is not believed.
MAX_PENDING = 20

CLIENT, EVENT = 'client', 'event'

ONE_TIME, LONG_TERM = 2, 3  # `type` of a template

# `lang` and `miniprogram_state` are always sent: the documentation calls them required.
LANGUAGES = ('zh_CN', 'en_US', 'zh_HK', 'zh_TW')
STATES = ('formal', 'trial', 'developer')


def count(pending, source, number, now):
    """Take note of a consent and tell whether it is a new one.

    :param dict pending: Times of the reports that have no counterpart yet, by side, and of all
        reports by `numbers`; changed.
    :param str source: :data:`CLIENT` or :data:`EVENT`.
    :param str number: What tells the report from every other one: Odoo handles a request or an
        event again after a serialization failure.
    :param float now: The time, in seconds.
    :rtype: bool
    """
    other = EVENT if source == CLIENT else CLIENT
    for side in (CLIENT, EVENT):
        pending[side] = [
            moment for moment in pending.get(side) or () if abs(now - moment) <= WINDOW
        ]
    pending['numbers'] = {
        known: moment for known, moment in (pending.get('numbers') or {}).items()
        if abs(now - moment) <= WINDOW
    }
    if number in pending['numbers']:
        return False
    pending['numbers'][number] = now
    if pending[other]:
        del pending[other][0]
        return False
    if len(pending[source]) >= MAX_PENDING:
        return False
    pending[source].append(now)
    return True


def language(code):
    """Return the language of a message card for Odoo's language code.

    :rtype: str
    """
    if not code or code in LANGUAGES:
        return code or LANGUAGES[0]
    if not code.startswith('zh'):
        return 'en_US'
    return 'zh_TW' if 'Hant' in code else 'zh_CN'


def read_options(items):
    """Return the values that fields of a template may have (`keywordEnumValueList`).

    :param items: WeChat's list.
    :return: The values by the field's key.
    :rtype: dict[str, list[str]]
    """
    found = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get('keywordCode'), str):
            key = item['keywordCode'].strip('{} ').removesuffix('.DATA')
            values = item.get('enumValueList')
            found[key] = [str(value) for value in values] if isinstance(values, list) else []
    return found
