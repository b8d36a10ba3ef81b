# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Regular expressions of administrators on texts of strangers, within a time limit.

Some expressions take years for some texts (`(a+)+$`), and Python's `re` cannot be interrupted. They
are matched in a process of its own, which is ended when its time is up.
"""

import json
import logging
import re
import subprocess
import sys

_logger = logging.getLogger(__name__)

MAX_PATTERN = 200
MAX_TEXT = 2000
TIME_LIMIT = 2.0  # Seconds for all expressions of a message, the start of the process included.

# In an isolated interpreter: neither site packages nor anything of the environment. What it has
# found is printed at once, so that an expression that never ends does not hide it.
_PROGRAM = """
import json, re, sys
patterns, texts = json.load(sys.stdin)
for index, pattern in enumerate(patterns):
    if any(re.search(pattern, text, re.IGNORECASE) for text in texts):
        print(index, flush=True)
        break
"""


class PatternError(ValueError):
    """An expression that cannot be used; the text says why, in English."""


def check(pattern):
    """Refuse an expression that cannot be used.

    :param str pattern: The expression.
    :raise PatternError: If it is not one, is too long, or takes too long for texts that are made
        of its own letters. (That finds the usual mistakes; :func:`first_match` stops the others.)
    """
    if not pattern or len(pattern) > MAX_PATTERN:
        raise PatternError(f"it must have 1 to {MAX_PATTERN} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(str(error)) from None
    letters = dict.fromkeys([*filter(str.isalnum, pattern), 'a', '1', ' ', '中'])
    texts = [letter * MAX_TEXT + '\0' for letter in list(letters)[:40]]
    if _run([pattern], texts) is None:
        raise PatternError("it takes too long for some texts")


def first_match(patterns, text):
    """Return which of some expressions is the first to be found in a text.

    :param list[str] patterns: The expressions.
    :param str text: The text; of a long one the beginning counts.
    :return: The index of the expression; `None` if none is found, or not in time.
    :rtype: int | None
    """
    if not patterns:
        return None
    found = _run(list(patterns), [text[:MAX_TEXT]])
    if found is None:
        _logger.warning("The regular expressions %s took too long for a message", patterns)
        return None
    return found if found >= 0 else None


def _run(patterns, texts):
    """Return the index of the first expression found, -1 if there is none, `None` if it took too
    long or the process could not be run.
    """
    try:
        done = subprocess.run(
            [sys.executable, '-I', '-S', '-c', _PROGRAM], input=json.dumps([patterns, texts]),
            capture_output=True, text=True, timeout=TIME_LIMIT, check=True,
        )
    except subprocess.TimeoutExpired:
        return None
    except (OSError, subprocess.CalledProcessError):
        _logger.exception("Regular expressions cannot be matched")
        return None
    return int(done.stdout.split()[0]) if done.stdout.strip() else -1
