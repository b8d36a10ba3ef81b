-- a copy of a database must neither send money nor ask for what the original sent
UPDATE wechat_pay_red_packet SET body = NULL, next_query = NULL WHERE state <> 'draft';
UPDATE wechat_pay_transfer
   SET body = NULL, next_query = NULL, package_info = NULL
 WHERE state <> 'draft';
UPDATE wechat_pay_payout_batch SET state = 'paused' WHERE state = 'sending';
