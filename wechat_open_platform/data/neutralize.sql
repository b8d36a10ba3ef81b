-- A copy of a database must not act for other people's accounts, nor finish an authorisation.
UPDATE wechat_app
   SET authorization_state = 'unauthorized', authorization_scopes = NULL
 WHERE token_source = 'component';
DELETE FROM wechat_authorization WHERE state IN ('new', 'exchanged');
DELETE FROM wechat_component_state;
