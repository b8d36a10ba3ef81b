# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import test_access
from . import test_app
from . import test_call
from . import test_concurrency
from . import test_neutralize
from . import test_request
from . import test_secrets
from . import test_settings
from . import test_token
from . import test_transport
from . import test_views
