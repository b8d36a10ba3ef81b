# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which addresses a call to WeChat may go to (wechat-platform.md, section 0: hosts).

A call carries tokens and secrets in its query, so its address is put together from parts that were
checked, never from a text that another parser might read otherwise.
"""

import ipaddress
import re
from urllib.parse import urlencode, urlsplit

HOSTS = frozenset({
    'api.weixin.qq.com', 'api2.weixin.qq.com', 'sh.api.weixin.qq.com', 'sz.api.weixin.qq.com',
    'hk.api.weixin.qq.com',  # The nearest entry points of the same API.
    'open.weixin.qq.com',
    'mp.weixin.qq.com',
    'api.mch.weixin.qq.com', 'api2.mch.weixin.qq.com',
})

_HOST = re.compile(r'[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]', re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]*", re.ASCII)


class AddressError(ValueError):
    """The address is not one that WeChat may be called at."""


def base_of(url):
    """Return the checked base address of a URL: scheme, host and port, in lower case.

    :param str url: For example ``https://api.weixin.qq.com``.
    :return: The base without a trailing slash.
    :rtype: str
    :raise AddressError: If it is neither https nor http on this machine, or malformed.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.netloc.lower(), parts.port
    except ValueError:
        raise AddressError("The address is malformed.") from None
    host = host.rpartition(':')[0] if port is not None else host.removesuffix(':')
    if not _HOST.fullmatch(host):
        raise AddressError("The address has no plain host name.")
    scheme = parts.scheme.lower()
    if scheme != 'https' and not (scheme == 'http' and _is_loopback(host)):
        raise AddressError("The address does not begin with https.")
    if port is None or port == {'https': 443, 'http': 80}[scheme]:
        return f'{scheme}://{host}'
    return f'{scheme}://{host}:{port}'


def base_only(url):
    """Return the checked base address of a URL that is nothing but a base address."""
    parts = urlsplit(url)
    if parts.path.strip('/') or parts.query or parts.fragment:
        raise AddressError("The address has more than a host.")
    return base_of(url)


def resolve(path, bases, host=None):
    """Return the address of a call, without its query.

    :param str path: A path of the API, or a complete URL. Its query and fragment are left out.
    :param list bases: The configured base addresses; the first one is that of the API.
    :param host: Another host than the API's: its name, or its base address.
    :return: The address and the query that the path brought along.
    :rtype: tuple[str, str]
    :raise AddressError: If the host is neither WeChat's nor a configured one.
    """
    if re.match(r'[A-Za-z][A-Za-z0-9+.-]*://', path):
        base = base_of(path)
        parts = urlsplit(path)
        path, query = parts.path, parts.query
    else:
        path, _hash, _fragment = path.partition('#')
        path, _mark, query = path.partition('?')
        base = bases[0]
        if host:
            name = host.lower().rstrip('/')
            base = next((known for known in bases if known.partition('://')[2] == name), None)
            base = base or base_only(host if '://' in host else f'https://{host}')
    if base not in bases and base not in {f'https://{name}' for name in HOSTS}:
        raise AddressError("The address is not one of WeChat's.")
    path = '/' + path.lstrip('/')
    if not _PATH.fullmatch(path):
        raise AddressError("The path has characters that must be quoted.")
    return base + path, query


def with_query(url, query, params):
    """Return an address with its query.

    :param str url: The address without a query.
    :param str query: A query that is quoted already; may be empty.
    :param dict params: Further parameters; those that are ``None`` are left out.
    :rtype: str
    """
    added = urlencode([(key, value) for key, value in params.items() if value is not None])
    query = '&'.join(filter(None, (query, added)))
    return f'{url}?{query}' if query else url


def _is_loopback(host):
    """Return whether a host name means this machine."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host.strip('[]')).is_loopback
    except ValueError:
        return False
