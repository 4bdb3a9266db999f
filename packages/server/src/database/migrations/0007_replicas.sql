-- oldest-version: 4
-- Processes that serve this deployment. Others reach them at their relay address, for agents that dialled there.
create table replicas (
  id uuid primary key,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  hostname text not null,
  relay_address text not null,
  version text not null
);
