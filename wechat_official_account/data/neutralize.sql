-- A copy of a database fetches nobody's followers.
UPDATE wechat_follower_sync SET state = 'stopped' WHERE state IN ('waiting', 'running');
