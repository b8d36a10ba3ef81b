# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev test` tells the truth about what Odoo's log says."""

import pytest

from devtools.testing import read_log

STAMP = '2026-11-20 12:00:00,000 4711'
TEST = 'odoo.addons.wechat.tests.test_app'


@pytest.fixture
def read(tmp_path):
    def run(*lines, status=0):
        path = tmp_path / 'log'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return read_log('some addon', path, status)
    return run


def closing(failed, errors, ran):
    return (f"{STAMP} INFO tmp_1 odoo.tests.result: {failed} failed, {errors} error(s) of {ran} "
            "tests when loading database 'tmp_1' ")


def test_all_tests_that_pass_are_counted(read):
    result = read(closing(0, 0, 12))
    assert str(result) == '12 passed, 0 failed, 0 skipped'
    assert not result.details


def test_failures_and_errors_are_failed_and_shown(read):
    result = read(
        f'{STAMP} ERROR tmp_1 {TEST}: FAIL: TestApp.test_one', 'Traceback …',
        'AssertionError: 1 != 2', f'{STAMP} ERROR tmp_1 {TEST}: ERROR: TestApp.test_two', 'Boom',
        closing(1, 1, 5), status=1)
    assert str(result) == '3 passed, 2 failed, 0 skipped'
    assert 'AssertionError: 1 != 2' in result.details
    assert 'Boom' in result.details


def test_several_failed_subtests_are_one_test_that_did_not_pass(read):
    lines = [f'{STAMP} ERROR tmp_1 {TEST}: FAIL: Subtest TestApp.test_one (number={number})'
             for number in range(3)]
    assert str(read(*lines, closing(3, 0, 4), status=1)) == '3 passed, 3 failed, 0 skipped'


def test_a_skipped_test_is_not_a_passed_one(read):
    result = read(f'{STAMP} INFO tmp_1 {TEST}: skipped TestApp.test_one : no browser',
                  closing(0, 0, 4))
    assert str(result) == '3 passed, 0 failed, 1 skipped'
    assert 'no browser' in result.details


def test_no_test_at_all_is_a_failure(read):
    result = read(closing(0, 0, 0))
    assert result.failed == 1
    assert 'No test ran' in result.details


def test_an_odoo_that_dies_before_the_count_is_a_failure(read):
    result = read(f'{STAMP} CRITICAL tmp_1 odoo.service.server: Failed to initialize', status=255)
    assert result.failed == 1
    assert 'exit status 255' in result.details


def test_an_exit_status_that_no_test_explains_is_a_failure(read):
    assert read(closing(0, 0, 3), status=1).failed == 1


def test_errors_that_tests_provoke_are_not_failures(read):
    result = read(f'{STAMP} ERROR tmp_1 odoo.sql_db: bad query: SELECT', closing(0, 0, 3))
    assert str(result) == '3 passed, 0 failed, 0 skipped'
