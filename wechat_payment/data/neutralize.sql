-- a copy of a database must neither take nor confirm money
UPDATE payment_provider
   SET wechat_mch_id = NULL,
       wechat_notify_base_url = NULL,
       wechat_sub_mch_id = NULL,
       wechat_sub_appid = NULL,
       wechat_api_v3_key = NULL,
       wechat_api_v2_key = NULL,
       wechat_merchant_private_key = NULL,
       wechat_merchant_certificate = NULL,
       wechat_merchant_serial = NULL,
       wechat_pay_public_key_id = NULL,
       wechat_pay_public_key = NULL,
       wechat_check_state = 'unknown',
       wechat_error_reason = NULL,
       wechat_error_detail = NULL,
       wechat_certificates_fetched = NULL,
       wechat_certificates_tried = NULL;
DELETE FROM wechat_pay_certificate;
UPDATE payment_transaction
   SET wechat_order_body = NULL,
       wechat_prepay_id = NULL,
       wechat_next_query = NULL
 WHERE wechat_order_body IS NOT NULL;
