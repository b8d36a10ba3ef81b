# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The proof with which a WeChat login reaches `res.users._check_credentials`."""


class LoginProof:
    """Proof that the server itself has just found out who the WeChat user is.

    Whatever a client can send (JSON, XML-RPC, a form) arrives as text, numbers, lists and
    dictionaries; never as an instance of this class. Holding one is therefore enough: only our
    code, after WeChat has answered, can have made it.

    :param int uid: the user who logs in
    :param int identity_id: the `wechat.identity` that WeChat vouched for
    """

    __slots__ = ('identity_id', 'uid')

    def __init__(self, uid, identity_id):
        self.uid = uid
        self.identity_id = identity_id

    def __repr__(self):
        return f'LoginProof(uid={self.uid}, identity_id={self.identity_id})'
