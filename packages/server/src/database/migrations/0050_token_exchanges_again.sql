-- oldest-version: 4
-- What an exchange of tokens costs PostgreSQL: most of it was to check the same things twice, and indexes for that.

-- An exchange inserts a grant, its key and its tokens at once, and the key is refused for a deleted user already.
drop trigger oauth2_provider_grants_live_user on oauth2_provider_grants;

-- App and user of a token are those of its grant, and end with it (OA-7). Each check also locked the one row of the app,
-- which all exchanges of it share.
alter table oauth2_provider_app_tokens drop constraint oauth2_provider_app_tokens_app_id_fkey;
alter table oauth2_provider_app_tokens drop constraint oauth2_provider_app_tokens_user_id_fkey;
drop index oauth2_provider_app_tokens_app;
drop index oauth2_provider_app_tokens_user;
alter table oauth2_provider_rotated_tokens drop constraint oauth2_provider_rotated_tokens_app_id_fkey;
drop index oauth2_provider_rotated_tokens_app;

-- A redeemed code remembers its grant for the minutes that it has left, also when that has ended; where no index holds it
-- and a page has room, redeeming a code changes one row and no index.
alter table oauth2_provider_app_codes drop constraint oauth2_provider_app_codes_grant_id_fkey;
drop index oauth2_provider_app_codes_grant;
alter table oauth2_provider_app_codes set (fillfactor = 50);
-- Each refresh notes the use of its grant.
alter table oauth2_provider_grants set (fillfactor = 85);
