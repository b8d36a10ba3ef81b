# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Errors of WeChat Pay API v3 (wechat-pay.md A4.6, A11)."""

import secrets

from .messages import json_answer


class V3Error(Exception):
    """A refusal of API v3.

    :param int status: HTTP status
    :param str code: symbolic code, what clients branch on
    :param str zh: message for people, Chinese (the default language)
    :param str en: the same in English; also what the request log shows
    :param dict detail: `field`, `value`, `issue`, `location`
    :param int number: WeChat Pay's internal number, the end of Request-ID
    :param str why: more for the request log, never sent
    """

    def __init__(self, status, code, zh, en, detail=None, number=268435456, why=''):
        super().__init__(en)
        self.status = status
        self.code = code
        self.zh = zh
        self.en = en
        self.detail = detail
        self.number = number
        self.why = why or en


def param_error(field, value, issue, location='body', number=268435462):
    """:return: a 400 PARAM_ERROR that names the field by JSON pointer."""
    return V3Error(
        400, 'PARAM_ERROR', f'参数错误：{field}', f'{field}: {issue}',
        detail={'field': field, 'value': value, 'issue': issue, 'location': location},
        number=number,
    )


def invalid_request(zh, en, number=268435463, detail=None):
    """:return: a 400 INVALID_REQUEST."""
    return V3Error(400, 'INVALID_REQUEST', zh, en, number=number, detail=detail)


def sign_error(zh, en, why=''):
    """:return: a 401 SIGN_ERROR; `why` goes to the request log only."""
    return V3Error(401, 'SIGN_ERROR', zh, en, number=268435464, why=why)


def request_id(number=268435456):
    """:return: a Request-ID; its end is an internal number (0 on success)."""
    return f'08{secrets.token_hex(14).upper()}-{number}'


def error_answer(error, request):
    """:return: the `Answer`: never signed, Request-ID except on the order paths' 401."""
    request.problems.append(f'{error.status} {error.code}: {error.why}')
    english = (request.one('Accept-Language') or '').lower().startswith('en')
    body = {'code': error.code, 'message': error.en if english else error.zh}
    if error.detail:
        body['detail'] = error.detail
    answer = json_answer(body, error.status)
    if not (error.status == 401 and request.path.startswith('/v3/pay/transactions/')):
        answer.set('Request-ID', request_id(error.number))
    return answer
