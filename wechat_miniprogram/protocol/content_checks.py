# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat's checks of texts and pictures that people upload (wechat-platform.md, section 10)."""

from typing import NamedTuple

MAX_TEXT = 2500  # characters of one call
OVERLAP = 50  # so that no word is cut in two unseen
SCENES = (1, 2, 3, 4)  # profile, comment, forum, social
IMAGE = 2  # of `media_type`
VERSION = 2
DOWNLOAD_FAILED = -1008


class Result(NamedTuple):
    """What WeChat says: `pass`, `review` or `risky`, and the number of the reason."""

    suggest: str
    label: int


def pieces(text):
    """Return a text in pieces that WeChat takes, with an overlap.

    :param str text: The text.
    :rtype: list[str]
    """
    step = MAX_TEXT - OVERLAP
    return [text[start:start + MAX_TEXT] for start in range(0, max(len(text) - OVERLAP, 1), step)]


def read_result(fields):
    """Read the result in an answer or an event; numbers may be text.

    :param dict fields: `result` of it.
    :return: The result; a suggestion that is not known asks for a review. `None` without one.
    :rtype: Result | None
    """
    result = fields.get('result')
    if not isinstance(result, dict) or not isinstance(result.get('suggest'), str):
        return None
    suggest = result['suggest'] if result['suggest'] in ('pass', 'review', 'risky') else 'review'
    return Result(suggest, read_number(result.get('label')))


def worst(results):
    """Return the worst of some results.

    :param results: At least one.
    :rtype: Result
    """
    return max(results, key=lambda result: ('pass', 'review', 'risky').index(result.suggest))


def read_number(value):
    """Return a number that may be text; 0 if it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
