# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several runs of ./dev at once do not get in each other's way."""

import subprocess
import sys

from devtools.paths import PYTHON, ROOT
from devtools.ports import free_port

ASK = 'from devtools.ports import free_port; print(*[free_port() for _ in range(50)])'


def test_no_port_is_given_twice():
    ports = [free_port() for _number in range(50)]
    assert len(set(ports)) == 50
    python = PYTHON if PYTHON.exists() else sys.executable
    other = subprocess.run([python, '-c', ASK], cwd=ROOT, capture_output=True, text=True,
                           check=True)
    assert not set(ports) & set(map(int, other.stdout.split()))
