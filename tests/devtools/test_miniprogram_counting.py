# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev test miniprogram` tells the truth about what Node's test runner says."""

import pytest

from devtools.miniprogram import count
from devtools.results import Result


def summary(**counts):
    names = ('tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo')
    return 'TAP version 13\n' + ''.join(f'# {name} {counts.get(name, 0)}\n' for name in names)


def counted(output, status=0):
    result = Result('miniprogram')
    count(result, output, status)
    return result


def test_all_tests_that_pass_are_counted():
    result = counted(summary(**{'tests': 12, 'pass': 12}))
    assert str(result) == '12 passed, 0 failed, 0 skipped'
    assert not result.details


def test_failures_and_tests_that_were_cut_off_are_failed_and_shown():
    output = summary(**{'tests': 5, 'pass': 2, 'fail': 2, 'cancelled': 1})
    result = counted(output, status=1)
    assert str(result) == '2 passed, 3 failed, 0 skipped'
    assert result.details == output


def test_skipped_tests_are_shown():
    result = counted(summary(**{'tests': 3, 'pass': 1, 'skipped': 1, 'todo': 1}))
    assert str(result) == '1 passed, 0 failed, 2 skipped'
    assert result.details


@pytest.mark.parametrize(('output', 'status'), [
    ('', 0), (summary(), 0), (summary(**{'pass': 3}), 1), ('node: bad option', 9),
])
def test_a_run_without_tests_or_with_a_bad_end_has_failed(output, status):
    assert counted(output, status).failed == 1
