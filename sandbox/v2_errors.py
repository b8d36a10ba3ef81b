# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Errors of WeChat Pay API v2 (wechat-pay.md B1, B2)."""


class V2Refusal(Exception):
    """`return_code` FAIL: the request is not processed and the answer is not signed.

    :param str zh: `return_msg`
    :param str why: what the request log shows, English
    :param str code: `err_code` of the calls that have one even here: those that send money
    """

    def __init__(self, zh, why, code='PARAM_ERROR'):
        super().__init__(why)
        self.code = code
        self.zh = zh
        self.why = why


class V2Error(Exception):
    """`result_code` FAIL: the request was read, and refused.

    :param str code: `err_code`
    :param str zh: `err_code_des`
    :param str why: what the request log shows, English
    :param dict extra: further fields of the answer, as `recall`
    """

    def __init__(self, code, zh, why, extra=None):
        super().__init__(why)
        self.code = code
        self.zh = zh
        self.why = why
        self.extra = extra or {}


def param_error(name, why):
    """:return: a PARAM_ERROR that names the parameter."""
    return V2Error('PARAM_ERROR', f'参数错误：{name}', f'{name}: {why}')


def invalid_request(zh, why):
    """:return: an INVALID_REQUEST."""
    return V2Error('INVALID_REQUEST', zh, why)


# What the shared rules refuse in the words of v3, in those of v2 (A6.4, B2.4).
_OF_V3 = {
    'NOT_ENOUGH': 'NOTENOUGH', 'INVALID_REQUEST': 'ERROR', 'SYSTEM_ERROR': 'SYSTEMERROR',
    'NO_AUTH': 'NOAUTH',
}


def of_v3(error):
    """:return: a `V2Error` that says the same as a `V3Error`."""
    return V2Error(_OF_V3.get(error.code, error.code), error.zh, error.why)
