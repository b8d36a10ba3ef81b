-- A copy of a database fetches nobody's followers.
UPDATE wechat_follower_sync SET state = 'stopped' WHERE state IN ('waiting', 'running');
-- Nor does it finish a login that was begun at the original.
DELETE FROM wechat_oauth_state;
