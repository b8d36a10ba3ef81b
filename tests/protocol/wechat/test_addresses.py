# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import pytest

from tests.protocol.loader import load

addresses = load('wechat').addresses

API = 'https://api.weixin.qq.com'
BASES = [API, 'https://open.weixin.qq.com', 'http://127.0.0.1:8069']


@pytest.mark.parametrize(('url', 'base'), [
    ('https://api.weixin.qq.com', API),
    ('https://API.weixin.QQ.com/', API),
    ('https://api.weixin.qq.com:443/cgi-bin?x#y', API),
    ('https://api.weixin.qq.com:', API),
    ('https://mirror.example.com:8443', 'https://mirror.example.com:8443'),
    ('http://127.0.0.1:80', 'http://127.0.0.1'),
    ('http://127.9.9.9:8080', 'http://127.9.9.9:8080'),
    ('http://localhost:8080', 'http://localhost:8080'),
    ('http://[::1]:8080/x', 'http://[::1]:8080'),
])
def test_base_is_scheme_host_and_port(url, base):
    assert addresses.base_of(url) == base


@pytest.mark.parametrize('url', [
    '', 'api.weixin.qq.com', '//api.weixin.qq.com', 'http://api.weixin.qq.com', 'https://',
    'http://10.0.0.1', 'http://127.0.0.1.example.com', 'http://localhost.example.com',
    'ftp://127.0.0.1', 'file:///etc/passwd', 'https://user@api.weixin.qq.com',
    'https://user:pw@api.weixin.qq.com', 'https://api.weixin.qq.com:x', 'https://[::1',
    'https://api.weixin.qq.com\\@example.com', 'https://a b', 'https://-x', 'https://x_y.com',
    'https://api.weixin.qq.com:99999', 'https://ａpi.weixin.qq.com',
])
def test_malformed_and_unsafe_addresses_are_refused(url):
    with pytest.raises(addresses.AddressError):
        addresses.base_of(url)


@pytest.mark.parametrize(('path', 'host', 'expected'), [
    ('/cgi-bin/x', None, (API + '/cgi-bin/x', '')),
    ('cgi-bin/x', None, (API + '/cgi-bin/x', '')),
    ('/cgi-bin/x?a=1&b=2#f', None, (API + '/cgi-bin/x', 'a=1&b=2')),
    ('//example.com/x', None, (API + '/example.com/x', '')),
    ('@example.com', None, (API + '/@example.com', '')),
    ('https://mp.weixin.qq.com/cgi-bin/x?a=1', None, ('https://mp.weixin.qq.com/cgi-bin/x', 'a=1')),
    ('HTTPS://api.weixin.qq.com', None, (API + '/', '')),
    ('http://127.0.0.1:8069/x', None, ('http://127.0.0.1:8069/x', '')),
    ('/x', 'mp.weixin.qq.com', ('https://mp.weixin.qq.com/x', '')),
    ('/x', '127.0.0.1:8069', ('http://127.0.0.1:8069/x', '')),
    ('/x', 'https://open.weixin.qq.com/', ('https://open.weixin.qq.com/x', '')),
])
def test_call_goes_to_wechat_or_to_a_configured_host(path, host, expected):
    assert addresses.resolve(path, BASES, host) == expected


@pytest.mark.parametrize(('path', 'host'), [
    ('https://example.com/x', None), ('https://weixin.qq.com/x', None),
    ('https://evil.weixin.qq.com/x', None), ('https://api.weixin.qq.com.example.com/x', None),
    ('https://api.weixin.qq.com@example.com/x', None), ('http://api.weixin.qq.com/x', None),
    ('https://api.weixin.qq.com:444/x', None), ('http://127.0.0.1:8070/x', None),
    ('https://127.0.0.1:8069/x', None), ('gopher://127.0.0.1/x', None),
    ('/x', 'example.com'), ('/x', 'mp.weixin.qq.com/x'), ('/x', 'mp.weixin.qq.com?a'),
    ('/x', 'a@mp.weixin.qq.com'), ('/x y', None), ('/x\r\nHost: y', None), ('/微信', None),
    ('/x', 'http://mp.weixin.qq.com'),
])
def test_call_to_anybody_else_is_refused(path, host):
    with pytest.raises(addresses.AddressError):
        addresses.resolve(path, BASES, host)


@pytest.mark.parametrize(('query', 'params', 'expected'), [
    ('', {}, API), ('a=1', {}, API + '?a=1'), ('', {'b': None}, API),
    ('a=1', {'b': '微 &', 'c': 0}, API + '?a=1&b=%E5%BE%AE+%26&c=0'),
])
def test_query_is_quoted_and_empty_parameters_are_left_out(query, params, expected):
    assert addresses.with_query(API, query, params) == expected
