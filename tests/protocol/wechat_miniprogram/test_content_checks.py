# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import pytest

from tests.protocol.loader import load

checks = load('wechat_miniprogram').content_checks


@pytest.mark.parametrize(('length', 'lengths'), [
    (1, [1]), (2500, [2500]), (2501, [2500, 51]), (4950, [2500, 2500]), (4951, [2500, 2500, 51]),
])
def test_a_long_text_is_checked_in_pieces_that_overlap(length, lengths):
    text = ''.join(chr(0x4e00 + number % 5000) for number in range(length))
    found = checks.pieces(text)
    assert [len(piece) for piece in found] == lengths
    joined = found[0] + ''.join(piece[checks.OVERLAP:] for piece in found[1:])
    assert joined == text


@pytest.mark.parametrize(('fields', 'expected'), [
    ({'result': {'suggest': 'pass', 'label': 100}}, ('pass', 100)),
    ({'result': {'suggest': 'risky', 'label': '20002'}}, ('risky', 20002)),
    ({'result': {'suggest': 'else'}}, ('review', 0)),
    ({'result': {}}, None), ({'result': 'pass'}, None), ({}, None),
    ({'result': {'suggest': 1}}, None),
])
def test_results_are_read(fields, expected):
    assert checks.read_result(fields) == expected


def test_the_worst_result_counts():
    Result = checks.Result
    results = [Result('pass', 100), Result('risky', 1), Result('review', 2)]
    assert checks.worst(results) == ('risky', 1)
    assert checks.worst(results[:1]) == ('pass', 100)
