# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import avatar, main, mina, people, scene, subscribe
