-- oldest-version: 4
-- Secrets that users give to their own workspaces (ID-194). Values are sealed; only their owner's agents open them.

create table user_secrets (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  name text not null check (name <> ''),
  description text not null default '',
  value bytea not null,
  -- Bytes of the value before it was sealed, which is what limits count (ID-197).
  value_size integer not null check (value_size between 1 and 24576),
  env_name text not null default '',
  file_path text not null default '',
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (id),
  constraint enabled_secret_has_target check (not enabled or env_name <> '' or file_path <> '')
);
create unique index user_secrets_name on user_secrets (user_id, name);
create unique index user_secrets_env_name on user_secrets (user_id, env_name) where env_name <> '';
-- Paths may be longer than what an index holds.
create unique index user_secrets_file_path on user_secrets (user_id, hashtextextended(file_path, 0)) where file_path <> '';

-- ID-19: they go with their user, whichever way the user is deleted.
create trigger user_secrets_of_live_user before insert or update on user_secrets
  for each row execute function refuse_deleted_user();
create function delete_secrets_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from user_secrets where user_id = new.id;
  return null;
end $$;
create trigger users_delete_secrets after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_secrets_of_deleted_user();
