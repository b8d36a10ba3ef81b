-- A copy of a database must not act for the real app: no secrets, no tokens, no session keys.
UPDATE wechat_app
   SET secret = NULL, hub_key = NULL, push_token = NULL, push_aes_key = NULL,
       state = 'new', last_errcode = 0, last_error_code = NULL, last_error = NULL,
       last_error_date = NULL, last_check = NULL, push_problem = NULL, push_problem_date = NULL;
DELETE FROM wechat_token;
DELETE FROM wechat_push_message;
UPDATE wechat_message_log SET state = 'cancelled' WHERE state IN ('queued', 'sending');
UPDATE wechat_hub_key SET active = FALSE;
UPDATE wechat_identity SET session_key = NULL;
