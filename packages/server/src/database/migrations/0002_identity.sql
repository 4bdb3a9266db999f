-- Users, credentials and organizations (chapters 01 and 02).

create type user_status as enum ('active', 'dormant', 'suspended');
create type login_type as enum ('password', 'github', 'oidc', 'token', 'none', 'oauth2_provider_app');

create table users (
  id uuid primary key default gen_random_uuid(),
  username text not null check (length(username) between 1 and 32),
  email text not null default '',
  name text not null default '' check (octet_length(name) <= 128),
  avatar_url text not null default '',
  status user_status not null default 'dormant',
  login_type login_type not null default 'password' check (login_type not in ('token', 'oauth2_provider_app')),
  rbac_roles text[] not null default '{}',
  hashed_password text not null default '',
  hashed_one_time_passcode bytea,
  one_time_passcode_expires_at timestamptz,
  github_com_user_id bigint,
  is_service_account boolean not null default false,
  is_system boolean not null default false,
  deleted boolean not null default false,
  quiet_hours_schedule text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_seen_at timestamptz,
  constraint service_account_has_no_email check (is_service_account = (email = '') or is_system),
  constraint service_account_has_no_login check (not is_service_account or login_type = 'none'),
  constraint passcode_has_expiry check ((hashed_one_time_passcode is null) = (one_time_passcode_expires_at is null))
);
create unique index users_username_key on users (lower(username)) where not deleted;
create unique index users_email_key on users (lower(email)) where not deleted and email <> '';

create table user_status_changes (
  id bigint generated always as identity primary key,
  user_id uuid not null references users (id) on delete cascade,
  new_status user_status not null,
  changed_at timestamptz not null default now()
);
create index user_status_changes_user on user_status_changes (user_id, changed_at);

create table user_deletions (
  id bigint generated always as identity primary key,
  user_id uuid not null references users (id) on delete cascade,
  deleted_at timestamptz not null default now()
);

-- ID-6: history is written by the row itself, so that no path can forget it.
create function record_user_history() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.status <> old.status then
    insert into user_status_changes (user_id, new_status) values (new.id, new.status);
  end if;
  if tg_op = 'UPDATE' and new.deleted and not old.deleted then
    insert into user_deletions (user_id) values (new.id);
  end if;
  return null;
end $$;
create trigger users_history after insert or update of status, deleted on users
  for each row execute function record_user_history();

-- ID-19: nothing may be attached to a deleted user.
create function refuse_deleted_user() returns trigger language plpgsql as $$
begin
  if exists (select 1 from users where id = new.user_id and deleted) then
    raise exception 'user % is deleted', new.user_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

create table user_configs (
  user_id uuid not null references users (id) on delete cascade,
  key text not null,
  value text not null,
  primary key (user_id, key)
);

create table user_links (
  user_id uuid not null references users (id) on delete cascade,
  login_type login_type not null,
  linked_id text not null default '',
  oauth_access_token bytea,
  oauth_refresh_token bytea,
  oauth_expiry timestamptz,
  claims jsonb not null default '{}',
  primary key (user_id, login_type)
);
create unique index user_links_linked_id on user_links (linked_id, login_type) where linked_id <> '';
create trigger user_links_live_user before insert on user_links
  for each row execute function refuse_deleted_user();

create table api_keys (
  id text primary key check (id ~ '^[A-Za-z0-9]{10}$'),
  hashed_secret bytea not null check (octet_length(hashed_secret) = 32),
  user_id uuid not null references users (id) on delete cascade,
  last_used timestamptz not null default 'epoch',
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  login_type login_type not null,
  lifetime_seconds bigint not null check (lifetime_seconds > 0),
  ip_address inet not null default '0.0.0.0',
  user_agent text not null default '',
  token_name text not null default '',
  scopes text[] not null check (cardinality(scopes) > 0),
  allow_list text[] not null check (cardinality(allow_list) > 0)
);
create index api_keys_user on api_keys (user_id);
create index api_keys_last_used on api_keys (last_used desc);
create unique index api_keys_token_name on api_keys (user_id, token_name) where login_type = 'token';
create trigger api_keys_live_user before insert on api_keys
  for each row execute function refuse_deleted_user();

create table git_ssh_keys (
  user_id uuid primary key references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  public_key text not null,
  private_key bytea not null
);

create type shareable_workspace_owners as enum ('none', 'everyone', 'service_accounts');

create table organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 32),
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  is_default boolean not null default false,
  deleted boolean not null default false,
  shareable_workspace_owners shareable_workspace_owners not null default 'everyone',
  default_org_member_roles text[] not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index organizations_name_key on organizations (lower(name)) where not deleted;
create unique index organizations_one_default on organizations (is_default) where is_default and not deleted;

create table organization_members (
  organization_id uuid not null references organizations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  roles text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index organization_members_user on organization_members (user_id);

create table groups (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null,
  display_name text not null default '',
  avatar_url text not null default '',
  quota_allowance integer not null default 0,
  source text not null default 'user' check (source in ('user', 'oidc')),
  created_at timestamptz not null default now(),
  unique (organization_id, name)
);

create table group_members (
  group_id uuid not null references groups (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id);

-- Everyone is a group without rows: its members are the organization's members (WS-24).
create view group_members_expanded as
  select group_id, user_id from group_members
  union
  select organization_id as group_id, user_id from organization_members;

create function leave_groups_of_organization() returns trigger language plpgsql as $$
begin
  delete from group_members gm using groups g
   where gm.group_id = g.id and g.organization_id = old.organization_id and gm.user_id = old.user_id;
  return null;
end $$;
create trigger organization_members_leave_groups after delete on organization_members
  for each row execute function leave_groups_of_organization();

create table custom_roles (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  display_name text not null default '',
  organization_id uuid references organizations (id) on delete cascade,
  is_system boolean not null default false,
  site_permissions jsonb not null default '[]',
  org_permissions jsonb not null default '[]',
  user_permissions jsonb not null default '[]',
  member_permissions jsonb not null default '[]',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index custom_roles_name on custom_roles (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid), lower(name));

create table site_configs (
  key text primary key,
  value text not null
);

create table crypto_keys (
  feature text not null,
  sequence integer not null,
  secret bytea,
  starts_at timestamptz not null,
  deletes_at timestamptz,
  primary key (feature, sequence)
);

-- Caches of validated subjects fall when any of these rows changes (ID-222).
create trigger users_announce after insert or update or delete on users
  for each row execute function announce_change('user', 'id', 'status', 'deleted');
create trigger api_keys_announce after insert or update or delete on api_keys
  for each row execute function announce_change('api_key', 'user_id', 'id');
create trigger organization_members_announce after insert or update or delete on organization_members
  for each row execute function announce_change('organization_member', 'user_id', 'organization_id');
create trigger group_members_announce after insert or update or delete on group_members
  for each row execute function announce_change('group_member', 'user_id', 'group_id');
create trigger organizations_announce after insert or update or delete on organizations
  for each row execute function announce_change('organization', 'id');
create trigger custom_roles_announce after insert or update or delete on custom_roles
  for each row execute function announce_change('custom_role', 'id');
