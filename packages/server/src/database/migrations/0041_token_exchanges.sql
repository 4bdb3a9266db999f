-- oldest-version: 4
-- What an exchange of tokens costs: most of it was work of triggers, row by row.

-- Nobody waits for a new key: what is known of keys is right until one of them changes or ends.
drop trigger api_keys_announce on api_keys;
create trigger api_keys_announce after update or delete on api_keys
  for each row execute function announce_change('api_key', 'user_id', 'id');

-- The access tokens of all refresh tokens that a statement ends end together (OA-7).
create function delete_keys_of_oauth2_tokens() returns trigger language plpgsql as $$
begin
  delete from api_keys where id in (select api_key_id from ended);
  return null;
end $$;
drop trigger oauth2_provider_app_tokens_key on oauth2_provider_app_tokens;
create trigger oauth2_provider_app_tokens_key after delete on oauth2_provider_app_tokens
  referencing old table as ended
  for each statement execute function delete_keys_of_oauth2_tokens();
drop function delete_key_of_oauth2_token();
