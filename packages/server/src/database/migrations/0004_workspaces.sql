-- Workspaces, builds, resources, agents and apps (chapters 06 and 07).

create type workspace_transition as enum ('start', 'stop', 'delete');
create type build_reason as enum ('initiator', 'autostart', 'autostop', 'dormancy', 'autodelete', 'failedstop',
  'dashboard', 'cli', 'ssh_connection', 'vscode_connection', 'jetbrains_connection',
  'task_manual_pause', 'task_auto_pause', 'task_resume');

create table workspaces (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  owner_id uuid not null references users (id) on delete restrict,
  organization_id uuid not null references organizations (id) on delete restrict,
  template_id uuid not null references templates (id) on delete restrict,
  deleted boolean not null default false,
  name text not null check (length(name) between 1 and 32),
  autostart_schedule text,
  ttl bigint check (ttl > 0),
  last_used_at timestamptz not null default now(),
  dormant_at timestamptz,
  deleting_at timestamptz,
  automatic_updates text not null default 'never' check (automatic_updates in ('always', 'never')),
  favorite boolean not null default false,
  next_start_at timestamptz,
  user_acl jsonb not null default '{}',
  group_acl jsonb not null default '{}'
);
create unique index workspaces_owner_name on workspaces (owner_id, lower(name)) where not deleted;
create index workspaces_template on workspaces (template_id) where not deleted;
create index workspaces_next_start on workspaces (next_start_at) where not deleted;

-- WS-28: a new schedule or dormancy makes the stored next start meaningless.
create function reset_next_start() returns trigger language plpgsql as $$
begin
  if new.next_start_at is not distinct from old.next_start_at
     and (new.autostart_schedule is distinct from old.autostart_schedule
          or (new.dormant_at is not null and old.dormant_at is null)) then
    new.next_start_at := null;
  end if;
  return new;
end $$;
create trigger workspaces_reset_next_start before update of autostart_schedule, dormant_at on workspaces
  for each row execute function reset_next_start();

create table workspace_builds (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  workspace_id uuid not null references workspaces (id) on delete restrict,
  template_version_id uuid not null references template_versions (id) on delete cascade,
  build_number integer not null check (build_number > 0),
  transition workspace_transition not null,
  initiator_id uuid not null,
  job_id uuid not null unique references provisioner_jobs (id) on delete cascade,
  reason build_reason not null default 'initiator',
  -- Encrypted provisioner state; null where there is none.
  provisioner_state bytea,
  deadline timestamptz,
  max_deadline timestamptz,
  daily_cost integer not null default 0,
  template_version_preset_id uuid references template_version_presets (id) on delete set null,
  has_ai_task boolean not null default false,
  has_external_agent boolean not null default false,
  unique (workspace_id, build_number),
  constraint deadline_below_maximum check (max_deadline is null or (deadline is not null and deadline <= max_deadline))
);
create index workspace_builds_latest on workspace_builds (workspace_id, build_number desc);

create table workspace_build_parameters (
  workspace_build_id uuid not null references workspace_builds (id) on delete cascade,
  name text not null,
  value text not null,
  primary key (workspace_build_id, name)
);

create table workspace_resources (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  transition workspace_transition not null,
  type text not null,
  name text not null,
  hide boolean not null default false,
  icon text not null default '',
  instance_type text not null default '',
  daily_cost integer not null default 0,
  metadata jsonb not null default '[]'
);
create index workspace_resources_job on workspace_resources (job_id);

create type agent_lifecycle_state as enum ('created', 'starting', 'start_timeout', 'start_error', 'ready',
  'shutting_down', 'shutdown_timeout', 'shutdown_error', 'off');

create table workspace_agents (
  id uuid primary key default gen_random_uuid(),
  parent_id uuid references workspace_agents (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  resource_id uuid not null references workspace_resources (id) on delete cascade,
  name text not null check (length(name) <= 64),
  deleted boolean not null default false,
  -- AC-301: only the hash; the agent process holds the token itself.
  auth_token_hash bytea not null check (octet_length(auth_token_hash) = 32),
  auth_instance_id text,
  architecture text not null default '',
  operating_system text not null default '',
  environment_variables jsonb not null default '{}',
  directory text not null default '',
  expanded_directory text not null default '',
  version text not null default '',
  api_version text not null default '',
  motd_file text not null default '',
  connection_timeout_seconds integer not null default 0 check (connection_timeout_seconds >= 0),
  troubleshooting_url text not null default '',
  display_apps text[] not null default '{vscode,web_terminal,ssh_helper,port_forwarding_helper}',
  display_order integer not null default 0,
  api_key_scope text not null default 'all' check (api_key_scope in ('all', 'no_user_data')),
  subsystems text[] not null default '{}',
  lifecycle_state agent_lifecycle_state not null default 'created',
  started_at timestamptz,
  ready_at timestamptz,
  first_connected_at timestamptz,
  last_connected_at timestamptz,
  disconnected_at timestamptz,
  last_connected_replica_id uuid,
  logs_length integer not null default 0 check (logs_length between 0 and 1048576),
  logs_overflowed boolean not null default false
);
create index workspace_agents_resource on workspace_agents (resource_id);
create unique index workspace_agents_token on workspace_agents (auth_token_hash) where not deleted;
create index workspace_agents_name on workspace_agents (resource_id, lower(name)) where not deleted;

create table workspace_agent_log_sources (
  workspace_agent_id uuid not null references workspace_agents (id) on delete cascade,
  id uuid not null,
  created_at timestamptz not null default now(),
  display_name text not null default '',
  icon text not null default '',
  primary key (workspace_agent_id, id)
);

create table workspace_agent_logs (
  id bigint generated always as identity primary key,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  created_at timestamptz not null,
  log_source_id uuid not null,
  level log_level not null,
  output text not null check (length(output) <= 1024)
);
create index workspace_agent_logs_agent on workspace_agent_logs (agent_id, id);

create table workspace_agent_scripts (
  id uuid primary key default gen_random_uuid(),
  workspace_agent_id uuid not null references workspace_agents (id) on delete cascade,
  log_source_id uuid not null,
  log_path text not null default '',
  display_name text not null default '',
  icon text not null default '',
  script text not null,
  cron text not null default '',
  start_blocks_login boolean not null default false,
  run_on_start boolean not null default false,
  run_on_stop boolean not null default false,
  timeout_seconds integer not null default 0
);
create index workspace_agent_scripts_agent on workspace_agent_scripts (workspace_agent_id);

create table workspace_agent_script_timings (
  script_id uuid not null references workspace_agent_scripts (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  exit_code integer not null,
  stage text not null check (stage in ('start', 'stop', 'cron')),
  status text not null check (status in ('ok', 'exit_failure', 'timed_out', 'pipes_left_open')),
  check (started_at <= ended_at)
);
create index workspace_agent_script_timings_script on workspace_agent_script_timings (script_id, started_at);

create table workspace_agent_metadata (
  workspace_agent_id uuid not null references workspace_agents (id) on delete cascade,
  key text not null check (length(key) <= 128),
  display_name text not null default '',
  script text not null,
  interval_ns bigint not null,
  timeout_ns bigint not null,
  display_order integer not null default 0,
  value text not null default '',
  error text not null default '',
  collected_at timestamptz,
  primary key (workspace_agent_id, key)
);

create table workspace_apps (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  slug text not null,
  display_name text not null default '',
  icon text not null default '',
  command text,
  url text,
  external boolean not null default false,
  subdomain boolean not null default false,
  sharing_level text not null default 'owner' check (sharing_level in ('owner', 'authenticated', 'organization', 'public')),
  healthcheck_url text not null default '',
  healthcheck_interval integer not null default 0,
  healthcheck_threshold integer not null default 0,
  health text not null default 'disabled' check (health in ('disabled', 'initializing', 'healthy', 'unhealthy')),
  display_order integer not null default 0,
  display_group text,
  hidden boolean not null default false,
  open_in text not null default 'slim-window' check (open_in in ('slim-window', 'tab')),
  tooltip text not null default '',
  unique (agent_id, slug)
);

create table workspace_agent_port_share (
  workspace_id uuid not null references workspaces (id) on delete cascade,
  agent_name text not null,
  port integer not null check (port between 9 and 65535),
  share_level text not null check (share_level in ('organization', 'authenticated', 'public')),
  protocol text not null default 'http' check (protocol in ('http', 'https')),
  primary key (workspace_id, agent_name, port)
);

-- AC-13: everything that is keyed by an agent reads agent, workspace and owner at once.
create view agents_with_workspace as
  select a.*, r.job_id, b.id as build_id, b.build_number, b.transition as build_transition,
         b.template_version_id, w.id as workspace_id, w.name as workspace_name, w.owner_id, w.organization_id,
         w.template_id, w.dormant_at, w.user_acl, w.group_acl, u.username as owner_username, j.job_status
    from workspace_agents a
    join workspace_resources r on r.id = a.resource_id
    join provisioner_jobs j on j.id = r.job_id and j.type = 'workspace_build'
    join workspace_builds b on b.job_id = j.id
    join workspaces w on w.id = b.workspace_id and not w.deleted
    join users u on u.id = w.owner_id and not u.deleted
   where not a.deleted;

create trigger workspaces_announce after insert or update or delete on workspaces
  for each row execute function announce_change('workspace', 'id', 'owner_id');
create trigger workspace_builds_announce after insert or update on workspace_builds
  for each row execute function announce_change('workspace_build', 'workspace_id', 'id', 'build_number');
create trigger workspace_agents_announce
  after update of lifecycle_state, first_connected_at, disconnected_at, logs_overflowed, expanded_directory, deleted on workspace_agents
  for each row execute function announce_change('workspace_agent', 'id', 'lifecycle_state');
create trigger workspace_apps_announce after update of health on workspace_apps
  for each row execute function announce_change('workspace_app', 'agent_id', 'id', 'health');
