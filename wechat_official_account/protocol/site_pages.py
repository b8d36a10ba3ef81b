# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which addresses belong to the site: where a login may lead, and which pages may be signed."""

import re
import unicodedata
from urllib.parse import quote, urlsplit

MAX_LENGTH = 2000

_HOST = re.compile(r'[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]', re.ASCII)
_DEFAULT_PORTS = {'http': 80, 'https': 443}


def local_path(value, base=''):
    """Return a path within the site, quoted, or an empty string if the value is anything else.

    A complete address that begins with the site's own is its path.

    Browsers read `//host`, `/\\host` and what is left of a path with control characters as another
    site's address.

    :param value: what a client sent
    :param str base: the site's configured address without a trailing slash (optional)
    :rtype: str
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        return ''
    if base and value.startswith(f'{base}/'):
        value = value[len(base):]
    if value[0] != '/' or value[1:2] == '/' or '\\' in value or not _is_plain(value):
        return ''
    return quote(value, safe="%/:=&?~#+!$,;'@()*[]")


def site_of(url):
    """Return host and port of a web address as (text, number), or None if it is malformed.

    :param str url: a complete http or https address
    """
    try:
        parts = urlsplit(url)
        host, port = parts.netloc, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        return None
    host = host.rpartition(':')[0] if port is not None else host.removesuffix(':')
    if not _HOST.fullmatch(host):
        return None
    return host.lower(), port or _DEFAULT_PORTS[scheme]


def own_page(url, bases):
    """Return the address of a page if its host is one of the site's, without its fragment.

    WeChat too knows domains only, whatever the port.

    :param url: what a client sent
    :param bases: the addresses of the site
    :return: the address, an empty string if it is another site's or malformed
    :rtype: str
    """
    if not isinstance(url, str) or not 0 < len(url) <= MAX_LENGTH:
        return ''
    if '\\' in url or ' ' in url or not _is_plain(url):
        return ''
    site = site_of(url)
    hosts = {found[0] for found in map(site_of, bases) if found}
    if not site or site[0] not in hosts:
        return ''
    return url.partition('#')[0]


def _is_plain(text):
    """Say whether a text has neither control characters nor line separators."""
    return not any(
        unicodedata.category(char).startswith('C') or unicodedata.category(char) in ('Zl', 'Zp')
        for char in text
    )
