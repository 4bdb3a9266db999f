-- oldest-version: 4
-- Settings of chats: of the deployment, and of each user (chapter 04, sections 5.1 and 5.2). What a key may hold is
-- decided where it is read, so that a value of a former version harms nothing but itself.

create table chat_settings (
  key text primary key check (length(key) between 1 and 64),
  value text not null check (octet_length(value) <= 131072),
  updated_at timestamptz not null default now()
);
create trigger chat_settings_announce after insert or update or delete on chat_settings
  for each row execute function announce_change('chat_setting', 'key');

create table user_chat_settings (
  user_id uuid not null references users (id) on delete cascade,
  key text not null check (length(key) between 1 and 64),
  value text not null check (octet_length(value) <= 131072),
  updated_at timestamptz not null default now(),
  primary key (user_id, key)
);
create trigger user_chat_settings_of_live_user before insert or update on user_chat_settings
  for each row execute function refuse_deleted_user();
create function delete_chat_settings_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from user_chat_settings where user_id = new.id;
  return null;
end $$;
create trigger users_delete_chat_settings after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_chat_settings_of_deleted_user();
