-- oldest-version: 4
-- That a key was used changes nothing of what it is worth, and all that is known of its user's keys would fall with each.
drop trigger users_announce on users;
create trigger users_announce after insert or delete on users
  for each row execute function announce_change('user', 'id', 'status', 'deleted');
create trigger users_announce_change after update on users for each row
  when (to_jsonb(old) - 'last_seen_at' is distinct from to_jsonb(new) - 'last_seen_at')
  execute function announce_change('user', 'id', 'status', 'deleted');

drop trigger api_keys_announce on api_keys;
create trigger api_keys_announce after delete on api_keys
  for each row execute function announce_change('api_key', 'user_id', 'id');
create trigger api_keys_announce_change after update on api_keys for each row
  when (to_jsonb(old) - '{last_used,ip_address}'::text[] is distinct from to_jsonb(new) - '{last_used,ip_address}'::text[])
  execute function announce_change('api_key', 'user_id', 'id');
