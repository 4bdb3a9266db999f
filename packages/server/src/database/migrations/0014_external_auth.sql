-- oldest-version: 4
-- Connections of users to providers such as git hosts (ID-187). What the provider gave is sealed.

create table external_auth_links (
  -- Names a provider of the configuration, which may be gone by now.
  provider_id text not null check (length(provider_id) between 1 and 64),
  user_id uuid not null references users (id) on delete cascade,
  -- Access token, refresh token and what else is kept of the answer.
  tokens bytea not null,
  has_refresh_token boolean not null,
  expires_at timestamptz,
  -- Counts replacements of the tokens, so that a late refresh does not overwrite newer ones (ID-191).
  generation integer not null default 1,
  -- Why the provider will never refresh this token again (ID-189); empty while it may.
  refresh_failure text not null default '' check (length(refresh_failure) <= 400),
  -- The refresh under way, among all replicas.
  refresh_lease uuid,
  refresh_lease_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, provider_id),
  check ((refresh_lease is null) = (refresh_lease_until is null))
);

-- ID-19: they go with their user, whichever way the user is deleted.
create trigger external_auth_links_of_live_user before insert or update on external_auth_links
  for each row execute function refuse_deleted_user();
create function delete_external_auth_links_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from external_auth_links where user_id = new.id;
  return null;
end $$;
create trigger users_delete_external_auth_links after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_external_auth_links_of_deleted_user();
