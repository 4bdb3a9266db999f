-- oldest-version: 4
-- Signing in at identity providers (ID §10 to §13, L-28…L-30).

-- Providers that are kept here, beside those of the settings of the deployment.
create table identity_providers (
  id uuid primary key default gen_random_uuid(),
  -- In addresses and in links of accounts; those of the settings are called `oidc` and `github`.
  name text not null check (length(name) <= 64 and name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and name not in ('oidc', 'github')),
  kind text not null check (kind in ('oidc', 'github')),
  display_name text not null default '',
  icon text not null default '',
  enabled boolean not null default false,
  settings jsonb not null,
  client_secret bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index identity_providers_name on identity_providers (name);

-- Which provider a link is of, to renew its tokens there; empty for those of the settings.
alter table user_links add column provider text not null default '';
-- A refresh token may be usable once: who renews holds the link until then.
alter table user_links add column refresh_lease uuid;
alter table user_links add column refresh_lease_until timestamptz;

-- Sign-ins that only show what a provider says (L-29).
create table identity_provider_tests (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  created_by uuid not null references users (id) on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- What came of it; null while nobody has signed in.
  result jsonb
);
create index identity_provider_tests_creator on identity_provider_tests (created_by);
create index identity_provider_tests_expiry on identity_provider_tests (expires_at);
