-- oldest-version: 4
-- MCP servers outside that chats may use (chapter 03 section 16). What must not be read back is sealed.

create table mcp_server_configs (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  organization_id uuid not null references organizations (id) on delete cascade,
  -- Null when they were deleted.
  created_by uuid references users (id) on delete set null,
  updated_by uuid references users (id) on delete set null,
  display_name text not null check (length(display_name) between 1 and 128),
  slug text not null check (slug ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
  description text not null default '' check (length(description) <= 4096),
  icon_url text not null default '' check (length(icon_url) <= 2048),
  url text not null check (length(url) between 1 and 2048),
  transport text not null check (transport in ('streamable_http', 'sse')),
  auth_type text not null check (auth_type in ('none', 'oauth2', 'api_key', 'custom_headers', 'user_oidc')),
  oauth2_client_id text not null default '' check (length(oauth2_client_id) <= 2048),
  oauth2_client_secret bytea,
  oauth2_auth_url text not null default '' check (length(oauth2_auth_url) <= 2048),
  oauth2_token_url text not null default '' check (length(oauth2_token_url) <= 2048),
  oauth2_revocation_url text not null default '' check (length(oauth2_revocation_url) <= 2048),
  oauth2_scopes text not null default '' check (length(oauth2_scopes) <= 4096),
  -- OA-B24: the authorization server that discovery found, which the client id belongs to; empty for a configured one.
  oauth2_issuer text not null default '' check (length(oauth2_issuer) <= 2048),
  -- Whether every authorization response must name that issuer (RFC 9207).
  oauth2_iss_required boolean not null default false,
  -- RFC 8707: what tokens are asked for; empty for the address of the server.
  oauth2_resource text not null default '' check (length(oauth2_resource) <= 2048),
  oauth2_token_auth_method text not null default ''
    check (oauth2_token_auth_method in ('', 'none', 'client_secret_basic', 'client_secret_post')),
  api_key_header text not null default '' check (length(api_key_header) <= 256),
  api_key_value bytea,
  -- JSON object of texts by name.
  custom_headers bytea,
  tool_allow_list text[] not null default '{}',
  tool_deny_list text[] not null default '{}',
  availability text not null check (availability in ('force_on', 'default_on', 'default_off')),
  enabled boolean not null default false,
  model_intent boolean not null default false,
  allow_in_plan_mode boolean not null default false,
  forward_coder_headers boolean not null default false,
  user_acl jsonb not null default '{}',
  group_acl jsonb not null default '{}'
);
create unique index mcp_server_configs_slug on mcp_server_configs (organization_id, slug);
create trigger mcp_server_configs_of_live_organization before insert on mcp_server_configs
  for each row execute function refuse_deleted_organization();

-- WS-44: they go with their organization.
create function delete_mcp_servers_of_deleted_organization() returns trigger language plpgsql as $$
begin
  delete from mcp_server_configs where organization_id = new.id;
  return null;
end $$;
create trigger organizations_delete_mcp_servers after update of deleted on organizations
  for each row when (new.deleted and not old.deleted) execute function delete_mcp_servers_of_deleted_organization();

-- OA-110: what the authorization server of an MCP server gave to a user.
create table mcp_server_user_tokens (
  config_id uuid not null references mcp_server_configs (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  -- Digest of where they may be sent: whoever still works with a config of before a change gets none (OA-106).
  destination text not null default '',
  -- Access and refresh token; null once they are refused for good.
  tokens bytea,
  has_refresh_token boolean not null,
  expires_at timestamptz,
  -- What they were given for, and what the server asked for beyond that (OA-B24).
  scope text not null default '' check (length(scope) <= 4096),
  challenged_scope text not null default '' check (length(challenged_scope) <= 4096),
  -- The tokens that it found insufficient, and how many there have been.
  challenged_generation integer not null default 0,
  step_ups integer not null default 0 check (step_ups >= 0),
  -- Counts replacements of the tokens, so that a late refresh does not overwrite newer ones (OA-112).
  generation integer not null default 1,
  -- Why the authorization server will never refresh them again; empty while it may.
  refresh_failure text not null default '' check (length(refresh_failure) <= 400),
  -- The refresh under way, among all replicas.
  refresh_lease uuid,
  refresh_lease_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (config_id, user_id),
  check ((refresh_lease is null) = (refresh_lease_until is null)),
  check ((tokens is null) <= (refresh_failure <> ''))
);
create index mcp_server_user_tokens_user on mcp_server_user_tokens (user_id);
create trigger mcp_server_user_tokens_of_live_user before insert or update on mcp_server_user_tokens
  for each row execute function refuse_deleted_user();
create function delete_mcp_tokens_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from mcp_server_user_tokens where user_id = new.id;
  return null;
end $$;
create trigger users_delete_mcp_tokens after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_mcp_tokens_of_deleted_user();

-- How the last look at a server went; apart from its settings, which it does not change.
create table mcp_server_health (
  config_id uuid primary key references mcp_server_configs (id) on delete cascade,
  status text not null check (status in ('healthy', 'needs_auth', 'unhealthy')),
  checked_at timestamptz not null default now(),
  latency_ms integer not null check (latency_ms >= 0),
  tool_count integer not null check (tool_count >= 0),
  error text not null default '' check (length(error) <= 512),
  consecutive_failures integer not null default 0 check (consecutive_failures >= 0)
);
