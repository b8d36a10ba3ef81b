# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import wechat_pay_certificate
from . import payment_provider
from . import payment_provider_problem
from . import payment_provider_api
from . import payment_provider_check
from . import payment_transaction
from . import payment_transaction_api
from . import payment_transaction_prepay
from . import payment_transaction_settlement
from . import payment_transaction_post_processing
from . import res_config_settings
