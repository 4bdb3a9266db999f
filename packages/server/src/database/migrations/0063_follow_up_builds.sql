-- oldest-version: 4
-- Builds that follow when another one has succeeded, as the start of a restart does (WS-177, WS-178).
create table workspace_build_orchestrations (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  parent_build_id uuid not null unique references workspace_builds (id) on delete cascade,
  child_build_id uuid unique references workspace_builds (id) on delete set null,
  status text not null default 'pending' check (status in ('pending', 'completed', 'failed', 'canceled')),
  -- As asked for: no version is the active one by then, and one that is gone by then is told as such.
  template_version_id uuid,
  template_version_preset_id uuid,
  rich_parameter_values jsonb not null default '[]',
  attempts integer not null default 0 check (attempts >= 0),
  -- Null until it was tried.
  next_attempt_at timestamptz,
  error text
);
create index workspace_build_orchestrations_waiting on workspace_build_orchestrations (created_at) where status = 'pending';
create index workspace_build_orchestrations_over on workspace_build_orchestrations (updated_at) where status <> 'pending';
