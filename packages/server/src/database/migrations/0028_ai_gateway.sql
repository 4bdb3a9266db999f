-- oldest-version: 4
-- What the AI gateway records, what it costs, and what may be spent (chapter 05 sections 11 and 16).

create table aibridge_interceptions (
  -- Made by the gateway.
  id uuid primary key,
  initiator_id uuid not null references users (id) on delete cascade,
  -- Outlives the key.
  api_key_id text check (length(api_key_id) <= 64),
  -- Wire family, and the provider by its name.
  provider text not null check (length(provider) between 1 and 64),
  provider_name text not null check (length(provider_name) between 1 and 64),
  model text not null check (length(model) between 1 and 256),
  metadata jsonb not null default '{}',
  started_at timestamptz not null,
  -- Null while it is in flight.
  ended_at timestamptz,
  client text not null default 'Unknown' check (length(client) <= 64),
  client_session_id text check (length(client_session_id) <= 256),
  thread_parent_id uuid,
  thread_root_id uuid,
  session_id text not null
    generated always as (coalesce(client_session_id, thread_root_id::text, id::text)) stored,
  credential_kind text not null check (credential_kind in ('centralized', 'byok')),
  credential_hint text not null default '' check (length(credential_hint) <= 16),
  agent_firewall_session_id uuid,
  agent_firewall_sequence_number integer check (agent_firewall_sequence_number >= 0),
  error_type text check (
    error_type in ('bad_request', 'unauthorized', 'rate_limited', 'overloaded', 'server_error', 'timeout', 'unknown')
  ),
  error_message text check (octet_length(error_message) <= 1024),
  check ((agent_firewall_session_id is null) = (agent_firewall_sequence_number is null))
);
create index aibridge_interceptions_initiator on aibridge_interceptions (initiator_id, started_at desc, id desc)
  where ended_at is not null;
create index aibridge_interceptions_session on aibridge_interceptions (session_id) where ended_at is not null;
create index aibridge_interceptions_started on aibridge_interceptions (started_at desc, id desc);
create index aibridge_interceptions_open on aibridge_interceptions (started_at) where ended_at is null;
create index aibridge_interceptions_root on aibridge_interceptions (thread_root_id);
create index aibridge_interceptions_parent on aibridge_interceptions (thread_parent_id);
create index aibridge_interceptions_client on aibridge_interceptions (client);
create index aibridge_interceptions_model on aibridge_interceptions (model);
create index aibridge_interceptions_provider on aibridge_interceptions (provider);

-- What belongs to an interception refers to it without a foreign key: both are written under load, and purged together.
create table aibridge_token_usages (
  id uuid primary key,
  interception_id uuid not null,
  provider_response_id text not null check (length(provider_response_id) <= 256),
  input_tokens bigint not null check (input_tokens between 0 and 1000000000000),
  output_tokens bigint not null check (output_tokens between 0 and 1000000000000),
  cache_read_input_tokens bigint not null default 0 check (cache_read_input_tokens between 0 and 1000000000000),
  cache_write_input_tokens bigint not null default 0 check (cache_write_input_tokens between 0 and 1000000000000),
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  -- Whom it was charged to, and at which prices: millionths of a dollar for a million tokens; null where unknown.
  effective_group_id uuid,
  input_price_micros bigint check (input_price_micros >= 0),
  output_price_micros bigint check (output_price_micros >= 0),
  cache_read_price_micros bigint check (cache_read_price_micros >= 0),
  cache_write_price_micros bigint check (cache_write_price_micros >= 0),
  cost_micros bigint check (cost_micros >= 0)
);
create index aibridge_token_usages_interception on aibridge_token_usages (interception_id);
create index aibridge_token_usages_group on aibridge_token_usages (effective_group_id, created_at);

create table aibridge_user_prompts (
  id uuid primary key,
  interception_id uuid not null,
  provider_response_id text not null check (length(provider_response_id) <= 256),
  prompt text not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null
);
create index aibridge_user_prompts_interception on aibridge_user_prompts (interception_id, created_at desc, id desc);

create table aibridge_tool_usages (
  id uuid primary key,
  interception_id uuid not null,
  provider_response_id text not null check (length(provider_response_id) <= 256),
  provider_tool_call_id text check (length(provider_tool_call_id) <= 256),
  provider_item_id text not null default '' check (length(provider_item_id) <= 256),
  server_url text,
  tool text not null check (length(tool) <= 256),
  -- JSON.
  input text not null,
  injected boolean not null default false,
  invocation_error text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null
);
create index aibridge_tool_usages_interception on aibridge_tool_usages (interception_id);
create index aibridge_tool_usages_call on aibridge_tool_usages (provider_tool_call_id);

create table aibridge_model_thoughts (
  interception_id uuid not null,
  content text not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null
);
create index aibridge_model_thoughts_interception on aibridge_model_thoughts (interception_id);

-- Millionths of a dollar for a million tokens; null is unknown, 0 is free (AG-108).
create table ai_model_prices (
  provider text not null check (
    provider in ('openai', 'anthropic', 'azure', 'bedrock', 'google', 'openrouter', 'vercel', 'copilot')
  ),
  model text not null check (length(model) between 1 and 256),
  source text not null check (source in ('default', 'custom')),
  input_price bigint check (input_price >= 0),
  output_price bigint check (output_price >= 0),
  cache_read_price bigint check (cache_read_price >= 0),
  cache_write_price bigint check (cache_write_price >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, model, source)
);

-- What each member of a group may spend in a period (AG-112).
create table group_ai_budgets (
  group_id uuid primary key references groups (id) on delete cascade,
  spend_limit_micros bigint not null check (spend_limit_micros between 0 and 1000000000000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What one user may spend instead, charged to that group (AG-115).
create table user_ai_budget_overrides (
  user_id uuid primary key references users (id) on delete cascade,
  group_id uuid not null references groups (id) on delete cascade,
  spend_limit_micros bigint not null check (spend_limit_micros between 0 and 1000000000000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index user_ai_budget_overrides_group on user_ai_budget_overrides (group_id);

-- Everybody belongs to the group that bears the id of the organization, without a row in group_members.
create function delete_ai_budget_override_of_former_member() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'group_members' then
    delete from user_ai_budget_overrides where user_id = old.user_id and group_id = old.group_id;
  else
    delete from user_ai_budget_overrides where user_id = old.user_id and group_id = old.organization_id;
  end if;
  return null;
end $$;
create trigger group_members_delete_ai_budget_override after delete on group_members
  for each row execute function delete_ai_budget_override_of_former_member();
create trigger organization_members_delete_ai_budget_override after delete on organization_members
  for each row execute function delete_ai_budget_override_of_former_member();

-- Which budget counts for a user, and which group bears what they spend (AG-111); no row without an organization.
create function ai_effective_budget(of_user uuid)
  returns table (group_id uuid, spend_limit_micros bigint, limit_source text) language sql stable as $$
  select c.group_id, c.spend_limit_micros, c.limit_source from (
    select o.group_id, o.spend_limit_micros, 'user_override' as limit_source, 1 as rank, 1::bigint as place
      from user_ai_budget_overrides o where o.user_id = of_user
    union all
    select b.group_id, b.spend_limit_micros, 'group', 2,
           row_number() over (order by b.spend_limit_micros desc, m.created_at, b.group_id)
      from group_ai_budgets b
      join group_members_expanded e on e.group_id = b.group_id and e.user_id = of_user
      join groups g on g.id = b.group_id
      join organizations org on org.id = g.organization_id and not org.deleted
      join organization_members m on m.organization_id = org.id and m.user_id = of_user
    union all
    select org.id, null, null, 3, row_number() over (order by org.is_default desc, m.created_at, org.id)
      from organization_members m
      join organizations org on org.id = m.organization_id and not org.deleted
     where m.user_id = of_user
  ) c order by c.rank, c.place limit 1
$$;

-- What users have spent on each day (UTC), by the group that bore it; kept when records are purged (AG-135).
create table ai_user_daily_spend (
  user_id uuid not null references users (id) on delete cascade,
  -- Outlives the group.
  effective_group_id uuid not null,
  day date not null,
  spend_micros bigint not null default 0 check (spend_micros >= 0),
  primary key (user_id, effective_group_id, day)
);
create index ai_user_daily_spend_group on ai_user_daily_spend (effective_group_id, day);

-- How the last test of a provider went (AG-B18); apart from its settings, which it does not change.
create table ai_provider_checks (
  provider_id uuid primary key references ai_providers (id) on delete cascade,
  checked_at timestamptz not null default now(),
  ok boolean not null,
  error text not null default '' check (length(error) <= 512)
);
