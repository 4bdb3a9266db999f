-- oldest-version: 4
-- Model providers with their keys, and keys that users bring themselves (chapter 05 section 15, chapter 04 section 5.2).
-- What must not be read back is sealed.

create table ai_providers (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  type text not null check (
    type in ('openai', 'anthropic', 'azure', 'bedrock', 'google', 'openai-compat', 'openrouter', 'vercel', 'copilot')
  ),
  name text not null check (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(name) <= 64),
  display_name text not null default '' check (length(display_name) <= 128),
  icon text not null default '' check (length(icon) <= 2048),
  enabled boolean not null default false,
  -- Rows stay for what was recorded about them; the name may be taken again (AG-102).
  deleted boolean not null default false,
  base_url text not null check (length(base_url) between 1 and 2048),
  -- JSON object; null without any.
  settings bytea,
  check (not (deleted and enabled))
);
create unique index ai_providers_name on ai_providers (name) where not deleted;
create trigger ai_providers_announce after insert or update or delete on ai_providers
  for each row execute function announce_change('ai_provider', 'id');

-- Keys of the deployment, used in the order of their making (AG-52).
create table ai_provider_keys (
  id uuid primary key default gen_random_uuid(),
  provider_id uuid not null references ai_providers (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  api_key bytea not null,
  -- What is shown of it (AG-83).
  masked text not null check (length(masked) <= 16)
);
create index ai_provider_keys_provider on ai_provider_keys (provider_id, created_at, id);
create trigger ai_provider_keys_announce after insert or update or delete on ai_provider_keys
  for each row execute function announce_change('ai_provider', 'provider_id');

-- Keys that users bring, one for each provider.
create table user_ai_provider_keys (
  user_id uuid not null references users (id) on delete cascade,
  ai_provider_id uuid not null references ai_providers (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  api_key bytea not null,
  masked text not null check (length(masked) <= 16),
  primary key (user_id, ai_provider_id)
);
create index user_ai_provider_keys_provider on user_ai_provider_keys (ai_provider_id);
create trigger user_ai_provider_keys_of_live_user before insert or update on user_ai_provider_keys
  for each row execute function refuse_deleted_user();
create function delete_ai_keys_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from user_ai_provider_keys where user_id = new.id;
  return null;
end $$;
create trigger users_delete_ai_keys after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_ai_keys_of_deleted_user();
