-- oldest-version: 4
-- The OAuth 2.1 authorization server (chapter 03): clients, what they were granted, and the tokens of that.

create table oauth2_provider_settings (
  id smallint primary key default 1 check (id = 1),
  dynamic_client_registration_enabled boolean not null default false,
  require_pushed_authorization_requests boolean not null default false
);
insert into oauth2_provider_settings default values;

create table oauth2_provider_apps (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- OA-8: not unique.
  name text not null check (length(name) between 1 and 64),
  icon text not null default '' check (length(icon) <= 256),
  callback_url text not null check (length(callback_url) <= 2048),
  redirect_uris text[] not null default '{}',
  client_type text not null check (client_type in ('confidential', 'public')),
  dynamically_registered boolean not null default false,
  -- OA-B13: the address of the document that describes this client and is its client_id, and how long it is fresh.
  metadata_url text check (length(metadata_url) <= 2048),
  metadata_fresh_until timestamptz,
  client_id_issued_at timestamptz not null default now(),
  client_secret_expires_at timestamptz,
  grant_types text[] not null default '{authorization_code,refresh_token}',
  response_types text[] not null default '{code}',
  token_endpoint_auth_method text not null default 'client_secret_basic'
    check (token_endpoint_auth_method in ('client_secret_basic', 'client_secret_post', 'none')),
  application_type text check (application_type in ('web', 'native')),
  scope text not null default '' check (length(scope) <= 4096),
  contacts text[] not null default '{}',
  client_uri text not null default '' check (length(client_uri) <= 2048),
  logo_uri text not null default '' check (length(logo_uri) <= 2048),
  tos_uri text not null default '' check (length(tos_uri) <= 2048),
  policy_uri text not null default '' check (length(policy_uri) <= 2048),
  jwks_uri text not null default '' check (length(jwks_uri) <= 2048),
  jwks jsonb,
  software_id text not null default '' check (length(software_id) <= 256),
  software_version text not null default '' check (length(software_version) <= 256),
  registration_access_token bytea check (octet_length(registration_access_token) = 32),
  registration_client_uri text not null default '',
  require_pushed_authorization_requests boolean not null default false,
  -- OA-B14: whether who has agreed to the same scopes before is not asked again.
  remember_consent boolean not null default false,
  -- OA-B7: clients that nobody ever authorised are limited in number and time.
  first_authorized_at timestamptz
);
create index oauth2_provider_apps_name on oauth2_provider_apps (name, id);
create unique index oauth2_provider_apps_metadata_url on oauth2_provider_apps (metadata_url);
create index oauth2_provider_apps_unused on oauth2_provider_apps (created_at) where first_authorized_at is null;

-- Replicas keep clients and secrets in memory and hear of what changes.
create trigger oauth2_provider_apps_announce after update or delete on oauth2_provider_apps
  for each row execute function announce_change('oauth2_app', 'id', 'metadata_url');

create table oauth2_provider_app_secrets (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  secret_prefix text not null check (length(secret_prefix) = 10),
  -- OA-9: SHA-256 of the secret part.
  hashed_secret bytea not null check (octet_length(hashed_secret) = 32),
  display_secret text not null,
  last_used_at timestamptz,
  expires_at timestamptz
);
create unique index oauth2_provider_app_secrets_prefix on oauth2_provider_app_secrets (secret_prefix);
create index oauth2_provider_app_secrets_app on oauth2_provider_app_secrets (app_id, created_at);

create trigger oauth2_provider_app_secrets_announce after update or delete on oauth2_provider_app_secrets
  for each row execute function announce_change('oauth2_app_secret', 'secret_prefix');

-- OA-B8, OA-B10: one authorization of a client by a user; everything issued from it ends with it.
create table oauth2_provider_grants (
  id uuid primary key default gen_random_uuid(),
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  scopes text[] not null check (cardinality(scopes) > 0),
  resource text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  ip_address inet not null default '0.0.0.0'
);
create index oauth2_provider_grants_user on oauth2_provider_grants (user_id, app_id);
create index oauth2_provider_grants_app on oauth2_provider_grants (app_id);
create trigger oauth2_provider_grants_live_user before insert on oauth2_provider_grants
  for each row execute function refuse_deleted_user();

create table oauth2_provider_app_codes (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  secret_prefix text not null check (length(secret_prefix) = 10),
  hashed_secret bytea not null check (octet_length(hashed_secret) = 32),
  resource_uri text,
  code_challenge text not null,
  code_challenge_method text not null check (code_challenge_method = 'S256'),
  -- OA-11: hex of SHA-256; null without a state.
  state_hash text check (state_hash ~ '^[0-9a-f]{64}$'),
  -- OA-12: null when the request named none.
  redirect_uri text,
  scopes text[] not null check (cardinality(scopes) > 0),
  dpop_thumbprint text,
  ip_address inet not null default '0.0.0.0',
  -- OA-61: what was issued from it, so that a replay can end it.
  redeemed_at timestamptz,
  grant_id uuid references oauth2_provider_grants (id) on delete cascade
);
create unique index oauth2_provider_app_codes_prefix on oauth2_provider_app_codes (secret_prefix);
create index oauth2_provider_app_codes_app on oauth2_provider_app_codes (app_id, user_id);
create index oauth2_provider_app_codes_user on oauth2_provider_app_codes (user_id);
create index oauth2_provider_app_codes_expiry on oauth2_provider_app_codes (expires_at);
create index oauth2_provider_app_codes_grant on oauth2_provider_app_codes (grant_id);
create trigger oauth2_provider_app_codes_live_user before insert on oauth2_provider_app_codes
  for each row execute function refuse_deleted_user();

create table oauth2_provider_app_tokens (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  -- Null for public clients.
  app_secret_id uuid references oauth2_provider_app_secrets (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  api_key_id text not null references api_keys (id) on delete cascade,
  grant_id uuid not null references oauth2_provider_grants (id) on delete cascade,
  -- Of the refresh token.
  expires_at timestamptz not null,
  hash_prefix text not null check (length(hash_prefix) = 10),
  refresh_hash bytea not null check (octet_length(refresh_hash) = 32),
  audience text,
  scopes text[] not null check (cardinality(scopes) > 0),
  -- RFC 9449: the key that a refresh token of a public client is bound to.
  dpop_thumbprint text
);
create unique index oauth2_provider_app_tokens_prefix on oauth2_provider_app_tokens (hash_prefix);
create unique index oauth2_provider_app_tokens_key on oauth2_provider_app_tokens (api_key_id);
create index oauth2_provider_app_tokens_app on oauth2_provider_app_tokens (app_id);
create index oauth2_provider_app_tokens_secret on oauth2_provider_app_tokens (app_secret_id);
create index oauth2_provider_app_tokens_user on oauth2_provider_app_tokens (user_id, app_id);
create index oauth2_provider_app_tokens_grant on oauth2_provider_app_tokens (grant_id);
create index oauth2_provider_app_tokens_expiry on oauth2_provider_app_tokens (expires_at);

-- OA-7: with a token goes its API key, whichever way it goes.
create function delete_key_of_oauth2_token() returns trigger language plpgsql as $$
begin
  delete from api_keys where id = old.api_key_id;
  return null;
end $$;
create trigger oauth2_provider_app_tokens_key after delete on oauth2_provider_app_tokens
  for each row execute function delete_key_of_oauth2_token();

-- OA-B8: refresh tokens that were exchanged; to see one again ends the grant.
create table oauth2_provider_rotated_tokens (
  hash_prefix text primary key check (length(hash_prefix) = 10),
  refresh_hash bytea not null check (octet_length(refresh_hash) = 32),
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  grant_id uuid not null references oauth2_provider_grants (id) on delete cascade,
  -- The token it was exchanged for: only the last one exchanged can be in grace.
  successor_prefix text not null check (length(successor_prefix) = 10),
  rotated_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index oauth2_provider_rotated_tokens_app on oauth2_provider_rotated_tokens (app_id);
create index oauth2_provider_rotated_tokens_grant on oauth2_provider_rotated_tokens (grant_id);
create index oauth2_provider_rotated_tokens_expiry on oauth2_provider_rotated_tokens (expires_at);

-- OA-B14: what a user has agreed to for good.
create table oauth2_provider_consents (
  user_id uuid not null references users (id) on delete cascade,
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  scopes text[] not null check (cardinality(scopes) > 0),
  resource text not null default '',
  created_at timestamptz not null default now(),
  primary key (user_id, app_id, scopes, resource)
);
create index oauth2_provider_consents_app on oauth2_provider_consents (app_id);

-- OA-B12 (RFC 8628).
create table oauth2_provider_device_codes (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  secret_prefix text not null check (length(secret_prefix) = 10),
  hashed_secret bytea not null check (octet_length(hashed_secret) = 32),
  -- Only compared: SHA-256 of the code without its hyphen.
  hashed_user_code bytea not null check (octet_length(hashed_user_code) = 32),
  scopes text[] not null check (cardinality(scopes) > 0),
  resource_uri text,
  ip_address inet not null default '0.0.0.0',
  interval_seconds integer not null default 5 check (interval_seconds between 1 and 3600),
  last_polled_at timestamptz,
  status text not null default 'pending' check (status in ('pending', 'approved', 'denied', 'redeemed')),
  user_id uuid references users (id) on delete cascade,
  check ((status in ('approved', 'redeemed')) <= (user_id is not null))
);
create unique index oauth2_provider_device_codes_prefix on oauth2_provider_device_codes (secret_prefix);
create unique index oauth2_provider_device_codes_user_code on oauth2_provider_device_codes (hashed_user_code);
create index oauth2_provider_device_codes_app on oauth2_provider_device_codes (app_id);
create index oauth2_provider_device_codes_user on oauth2_provider_device_codes (user_id);
create index oauth2_provider_device_codes_expiry on oauth2_provider_device_codes (expires_at);

-- OA-B15 (RFC 9126).
create table oauth2_provider_pushed_requests (
  hashed_secret bytea primary key check (octet_length(hashed_secret) = 32),
  app_id uuid not null references oauth2_provider_apps (id) on delete cascade,
  parameters jsonb not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index oauth2_provider_pushed_requests_app on oauth2_provider_pushed_requests (app_id);
create index oauth2_provider_pushed_requests_expiry on oauth2_provider_pushed_requests (expires_at);

-- OA-B16: proofs are good once, on whichever replica. They live for minutes: nothing is lost with them.
create unlogged table oauth2_provider_dpop_proofs (
  hashed_proof bytea primary key check (octet_length(hashed_proof) = 32),
  expires_at timestamptz not null
);
create index oauth2_provider_dpop_proofs_expiry on oauth2_provider_dpop_proofs (expires_at);

-- OA-79 and RFC 9449: loaded with the key, so that a request costs no statement more.
alter table api_keys add column audience text;
alter table api_keys add column dpop_thumbprint text;

create function delete_oauth2_grants_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from oauth2_provider_grants where user_id = new.id;
  delete from oauth2_provider_app_codes where user_id = new.id;
  delete from oauth2_provider_consents where user_id = new.id;
  delete from oauth2_provider_device_codes where user_id = new.id;
  return null;
end $$;
create trigger users_delete_oauth2_grants after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_oauth2_grants_of_deleted_user();
