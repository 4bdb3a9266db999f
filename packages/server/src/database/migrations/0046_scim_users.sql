-- oldest-version: 4
-- What an identity provider that provisions accounts calls them (RFC 7643).
create table scim_users (
  user_id uuid primary key references users (id) on delete cascade,
  -- As the provider writes it, often an e-mail address; ours is made from it once and then left alone.
  user_name text not null check (length(user_name) between 1 and 1024),
  external_id text check (length(external_id) between 1 and 1024),
  given_name text check (length(given_name) <= 1024),
  family_name text check (length(family_name) <= 1024),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index scim_users_user_name on scim_users (lower(user_name));
create index scim_users_external_id on scim_users (external_id) where external_id is not null;

create trigger scim_users_live_user before insert on scim_users
  for each row execute function refuse_deleted_user();

-- A provider may make an account of this name again.
create function forget_scim_user() returns trigger language plpgsql as $$
begin
  delete from scim_users where user_id = new.id;
  return new;
end $$;
create trigger users_delete_scim_names after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function forget_scim_user();
