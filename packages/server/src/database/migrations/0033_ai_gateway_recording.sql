-- oldest-version: 4
-- Requests to providers that are relayed only (AG-B20), and what waits to be exported (AG-B23).

create table aibridge_passthroughs (
  id uuid primary key,
  initiator_id uuid not null references users (id) on delete cascade,
  -- Outlives the key.
  api_key_id text check (length(api_key_id) <= 64),
  -- Wire family, and the provider by its name.
  provider text not null check (length(provider) between 1 and 64),
  provider_name text not null check (length(provider_name) between 1 and 64),
  method text not null check (length(method) <= 16),
  route text not null check (length(route) <= 1024),
  client text not null default 'Unknown' check (length(client) <= 64),
  -- Null where the provider has not answered.
  status integer check (status between 100 and 599),
  started_at timestamptz not null,
  -- Until the answer began.
  duration_ms integer not null check (duration_ms >= 0)
);
create index aibridge_passthroughs_started on aibridge_passthroughs (started_at);

-- Ended interceptions that the export has not taken yet; those are queued only while there is an export.
create table aibridge_exports (
  interception_id uuid primary key,
  queued_at timestamptz not null default now(),
  -- While a replica sends it.
  claimed_until timestamptz
);
create index aibridge_exports_queued on aibridge_exports (queued_at);
