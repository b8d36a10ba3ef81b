# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import test_access
from . import test_authenticate
from . import test_concurrency
from . import test_credential
from . import test_internal_users
from . import test_person
from . import test_refusals
from . import test_sandbox_login
from . import test_user_info
