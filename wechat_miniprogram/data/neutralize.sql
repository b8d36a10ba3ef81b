-- A copy of a database must not know the sessions of the real app's clients.
DELETE FROM wechat_session;
