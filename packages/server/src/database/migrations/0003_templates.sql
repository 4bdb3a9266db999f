-- Files, provisioner jobs, templates and their versions (chapters 06 and 08).

create table files (
  id uuid primary key default gen_random_uuid(),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  created_by uuid not null,
  created_at timestamptz not null default now(),
  mimetype text not null,
  data bytea not null check (octet_length(data) <= 104857600),
  unique (hash, created_by)
);

create type provisioner_type as enum ('terraform', 'echo', 'typescript');
create type provisioner_job_type as enum ('template_version_import', 'workspace_build', 'template_version_dry_run');
create type provisioner_job_status as enum ('pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed');
create type log_level as enum ('trace', 'debug', 'info', 'warn', 'error');
create type log_source as enum ('provisioner_daemon', 'provisioner');

create table provisioner_daemons (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null,
  key_id uuid not null,
  provisioners provisioner_type[] not null,
  tags jsonb not null,
  version text not null default '',
  api_version text not null default '1.0',
  created_at timestamptz not null default now(),
  last_seen_at timestamptz
);
create unique index provisioner_daemons_name
  on provisioner_daemons (organization_id, name, lower(coalesce(tags ->> 'owner', '')));

create table provisioner_jobs (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  canceled_at timestamptz,
  completed_at timestamptz,
  error text,
  error_code text,
  organization_id uuid not null references organizations (id) on delete cascade,
  initiator_id uuid not null,
  provisioner provisioner_type not null,
  file_id uuid not null,
  type provisioner_job_type not null,
  input jsonb not null default '{}',
  tags jsonb not null default '{"scope": "organization", "owner": ""}',
  worker_id uuid,
  attempts integer not null default 0,
  logs_length integer not null default 0 check (logs_length between 0 and 1048576),
  logs_overflowed boolean not null default false,
  -- PR-26: the status is derived by the database and never written.
  job_status provisioner_job_status not null generated always as (
    case
      when completed_at is not null and coalesce(error, '') <> '' then 'failed'::provisioner_job_status
      when completed_at is not null and canceled_at is not null then 'canceled'::provisioner_job_status
      when completed_at is not null then 'succeeded'::provisioner_job_status
      when coalesce(error, '') <> '' then 'failed'::provisioner_job_status
      when canceled_at is not null then 'canceling'::provisioner_job_status
      when started_at is null then 'pending'::provisioner_job_status
      else 'running'::provisioner_job_status
    end) stored
);
create index provisioner_jobs_status on provisioner_jobs (job_status);
create index provisioner_jobs_waiting on provisioner_jobs (organization_id, created_at) where started_at is null;
create index provisioner_jobs_worker on provisioner_jobs (worker_id, organization_id, completed_at desc);

create table provisioner_job_logs (
  id bigint generated always as identity primary key,
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  created_at timestamptz not null,
  source log_source not null,
  level log_level not null,
  stage text not null check (length(stage) <= 128),
  output text not null check (length(output) <= 1024)
);
create index provisioner_job_logs_job on provisioner_job_logs (job_id, id);

create table provisioner_job_timings (
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  stage text not null check (stage in ('init', 'plan', 'graph', 'apply')),
  source text not null,
  action text not null,
  resource text not null
);
create index provisioner_job_timings_job on provisioner_job_timings (job_id, started_at);

-- PR-16, PR-17: the one tag rule, used by claim, queue position and matched provisioners alike.
create function provisioner_tags_match(daemon_tags jsonb, job_tags jsonb) returns boolean
  language sql immutable parallel safe as $$
  select case
    when job_tags = '{"scope": "organization", "owner": ""}'::jsonb then daemon_tags = job_tags
    else daemon_tags @> job_tags
  end
$$;

create table templates (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  organization_id uuid not null references organizations (id) on delete cascade,
  deleted boolean not null default false,
  name text not null check (length(name) between 1 and 32),
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  provisioner provisioner_type not null,
  active_version_id uuid not null,
  created_by uuid not null references users (id) on delete restrict,
  user_acl jsonb not null default '{}',
  group_acl jsonb not null default '{}',
  default_ttl bigint not null default 0 check (default_ttl >= 0),
  activity_bump bigint not null default 3600000000000 check (activity_bump >= 0),
  time_til_autostop_notify bigint not null default 0,
  failure_ttl bigint not null default 0,
  time_til_dormant bigint not null default 0,
  time_til_dormant_autodelete bigint not null default 0,
  autostop_requirement_days smallint not null default 0,
  autostop_requirement_weeks integer not null default 1,
  autostart_block_days smallint not null default 0,
  allow_user_autostart boolean not null default true,
  allow_user_autostop boolean not null default true,
  allow_user_cancel_workspace_jobs boolean not null default false,
  require_active_version boolean not null default false,
  deprecated text not null default '',
  max_port_sharing_level text not null default 'owner' check (max_port_sharing_level in ('owner', 'authenticated', 'organization', 'public')),
  use_classic_parameter_flow boolean not null default false,
  cors_behavior text not null default 'simple' check (cors_behavior in ('simple', 'passthru')),
  agents_allowed boolean not null default true,
  disable_module_cache boolean not null default false
);
create unique index templates_name_key on templates (organization_id, lower(name)) where not deleted;

create table template_versions (
  id uuid primary key default gen_random_uuid(),
  template_id uuid references templates (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null check (length(name) between 1 and 64),
  message text not null default '' check (length(message) <= 1048576),
  readme text not null default '' check (length(readme) <= 1048576),
  job_id uuid not null unique references provisioner_jobs (id) on delete cascade,
  created_by uuid not null references users (id) on delete restrict,
  archived boolean not null default false,
  external_auth_providers jsonb not null default '[]',
  has_ai_task boolean not null default false,
  has_external_agent boolean not null default false
);
create unique index template_versions_name_key on template_versions (template_id, name);
create index template_versions_template on template_versions (template_id, created_at, id);

create table template_version_parameters (
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  type text not null check (type in ('string', 'number', 'bool', 'list(string)')),
  form_type text not null default '',
  mutable boolean not null default false,
  default_value text not null default '',
  icon text not null default '',
  options jsonb not null default '[]',
  validation_regex text not null default '',
  validation_error text not null default '',
  validation_min integer,
  validation_max integer,
  validation_monotonic text not null default '' check (validation_monotonic in ('', 'increasing', 'decreasing')),
  required boolean not null default true,
  ephemeral boolean not null default false,
  display_order integer not null default 0,
  primary key (template_version_id, name)
);

create table template_version_variables (
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  description text not null default '',
  type text not null default 'string',
  value text not null default '',
  default_value text not null default '',
  required boolean not null default false,
  sensitive boolean not null default false,
  primary key (template_version_id, name)
);

create table template_version_workspace_tags (
  template_version_id uuid not null references template_versions (id) on delete cascade,
  key text not null,
  value text not null,
  primary key (template_version_id, key)
);

create table template_version_presets (
  id uuid primary key default gen_random_uuid(),
  template_version_id uuid not null references template_versions (id) on delete cascade,
  name text not null,
  description text not null default '',
  icon text not null default '',
  is_default boolean not null default false,
  desired_instances integer,
  parameters jsonb not null default '{}',
  unique (template_version_id, name)
);
create unique index template_version_presets_default on template_version_presets (template_version_id) where is_default;

create trigger provisioner_jobs_announce after insert or update of started_at, canceled_at, completed_at, error on provisioner_jobs
  for each row execute function announce_change('provisioner_job', 'id', 'organization_id', 'type', 'job_status');
create trigger templates_announce after insert or update or delete on templates
  for each row execute function announce_change('template', 'id', 'active_version_id', 'deleted');
