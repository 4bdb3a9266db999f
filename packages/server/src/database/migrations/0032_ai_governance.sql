-- oldest-version: 4
-- What may be asked of models, by whom and by which way, and what of it is kept (chapter 05 section 23).

-- Settings of the whole deployment; what is left out is as the release has it.
create table ai_gateway_settings (
  id boolean primary key default true check (id),
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  -- With which the guardrail's webhook is signed, and the one of the export; sealed.
  guardrail_webhook_secret bytea check (length(guardrail_webhook_secret) <= 4096),
  export_webhook_secret bytea check (length(export_webhook_secret) <= 4096),
  updated_at timestamptz not null default now()
);

-- Which models members of a group may use, and by which other names (AG-B9).
create table group_ai_model_policies (
  group_id uuid primary key references groups (id) on delete cascade,
  -- Globs of `model` or `provider/model`; none allows every model.
  allow text[] not null default '{}' check (cardinality(allow) <= 256),
  deny text[] not null default '{}' check (cardinality(deny) <= 256),
  -- Names to the models that they stand for.
  aliases jsonb not null default '{}' check (jsonb_typeof(aliases) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What a group may spend and use as a whole, and each member in a minute (AG-B12, AG-B14); null is no limit.
create table group_ai_limits (
  group_id uuid primary key references groups (id) on delete cascade,
  total_spend_limit_micros bigint check (total_spend_limit_micros between 0 and 1000000000000),
  tokens_per_minute bigint check (tokens_per_minute between 0 and 1000000000000),
  member_tokens_per_minute bigint check (member_tokens_per_minute between 0 and 1000000000000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What all members of an organization may spend together (AG-B14).
create table organization_ai_budgets (
  organization_id uuid primary key references organizations (id) on delete cascade,
  spend_limit_micros bigint not null check (spend_limit_micros between 0 and 1000000000000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- How much of what is asked is kept (AG-B16).
create table organization_ai_privacy (
  organization_id uuid primary key references organizations (id) on delete cascade,
  level text not null check (level in ('full', 'redacted', 'hash', 'none')),
  own_sessions boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- By which way requests to a provider go (AG-B10, AG-B11).
create table ai_provider_routing (
  provider_id uuid primary key references ai_providers (id) on delete cascade,
  routing jsonb not null check (jsonb_typeof(routing) = 'object'),
  updated_at timestamptz not null default now()
);

-- What a token may do at the gateway (AG-B8); null is no limit.
create table api_key_ai_limits (
  api_key_id text primary key references api_keys (id) on delete cascade,
  -- Names of providers and globs of models; null allows all.
  providers text[] check (cardinality(providers) between 1 and 64),
  models text[] check (cardinality(models) between 1 and 256),
  monthly_spend_limit_micros bigint check (monthly_spend_limit_micros between 0 and 1000000000000),
  requests_per_second integer check (requests_per_second between 1 and 100000),
  tokens_per_minute bigint check (tokens_per_minute between 0 and 1000000000000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What tokens with limits have spent on each day (UTC).
create table ai_key_daily_spend (
  api_key_id text not null references api_keys (id) on delete cascade,
  day date not null,
  spend_micros bigint not null default 0 check (spend_micros >= 0),
  primary key (api_key_id, day)
);

-- Tokens used in each minute where somebody is limited (AG-B12); kept for a few minutes, and not beyond a crash.
create unlogged table ai_minute_tokens (
  subject_type text not null check (subject_type in ('user', 'group', 'key')),
  subject_id text not null check (length(subject_id) <= 64),
  minute timestamptz not null,
  tokens bigint not null default 0 check (tokens >= 0),
  primary key (subject_type, subject_id, minute)
);
create index ai_minute_tokens_minute on ai_minute_tokens (minute);

-- What requests under way may cost at most, where budgets are not to be overshot (AG-B14).
create table ai_spend_reservations (
  interception_id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  effective_group_id uuid,
  api_key_id text check (length(api_key_id) <= 64),
  amount_micros bigint not null check (amount_micros >= 0),
  expires_at timestamptz not null
);
create index ai_spend_reservations_user on ai_spend_reservations (user_id);
create index ai_spend_reservations_group on ai_spend_reservations (effective_group_id);
create index ai_spend_reservations_expires on ai_spend_reservations (expires_at);

-- The name that the client asked for, where it stands for another model.
alter table aibridge_interceptions add column requested_model text check (length(requested_model) <= 256);
