# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a suite of tests came to."""

import dataclasses


@dataclasses.dataclass
class Result:
    """How many tests passed, failed and were skipped in one suite."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    details: str = ''
    seconds: float = 0

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'
