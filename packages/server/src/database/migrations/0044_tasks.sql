-- oldest-version: 4
-- Prompts that programs carry out in workspaces of their own (WS section 14).
create table tasks (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  organization_id uuid not null references organizations (id) on delete restrict,
  owner_id uuid not null references users (id) on delete restrict,
  name text not null check (length(name) between 1 and 32),
  display_name text not null check (length(display_name) <= 64),
  workspace_id uuid references workspaces (id) on delete set null,
  template_version_id uuid not null references template_versions (id) on delete cascade,
  template_parameters jsonb not null default '{}',
  prompt text not null
);
create unique index tasks_owner_name on tasks (owner_id, lower(name)) where deleted_at is null;
create unique index tasks_workspace on tasks (workspace_id) where deleted_at is null;
create index tasks_of_workspace on tasks (workspace_id);
create index tasks_organization on tasks (organization_id);
create index tasks_created on tasks (created_at desc, id) where deleted_at is null;
create index tasks_template_version on tasks (template_version_id);

-- Which app of a build carries out the task of its workspace.
create table task_workspace_apps (
  workspace_build_id uuid primary key references workspace_builds (id) on delete cascade,
  app_id uuid not null references workspace_apps (id) on delete cascade
);
create index task_workspace_apps_app on task_workspace_apps (app_id);

-- What was said in a task, as its agent has kept it before it stopped (WS-259).
create table task_snapshots (
  task_id uuid primary key references tasks (id) on delete cascade,
  log_snapshot jsonb not null,
  taken_at timestamptz not null default now()
);

-- WS-262: with a workspace goes its task, and with a task all that was said in it.
create function delete_task_of_workspace() returns trigger language plpgsql as $$
begin
  update tasks set deleted_at = now(), updated_at = now() where workspace_id = new.id and deleted_at is null;
  return null;
end $$;
create trigger workspaces_delete_task after update of deleted on workspaces for each row
  when (new.deleted and not old.deleted) execute function delete_task_of_workspace();
create function delete_snapshot_of_task() returns trigger language plpgsql as $$
begin
  delete from task_snapshots where task_id = new.id;
  return null;
end $$;
create trigger tasks_delete_snapshot after update of deleted_at on tasks for each row
  when (new.deleted_at is not null) execute function delete_snapshot_of_task();

create type task_status as enum ('pending', 'initializing', 'active', 'paused', 'unknown', 'error');

-- Tasks that are not deleted, with what their newest build tells of them (WS-255).
create view tasks_with_status as
  select t.*, u.username as owner_name, u.avatar_url as owner_avatar_url,
         te.id as template_id, te.name as template_name, te.display_name as template_display_name,
         te.icon as template_icon,
         w.name as workspace_name, w.dormant_at, w.user_acl, w.group_acl,
         b.build_number, b.transition as build_transition, b.created_at as build_created_at, j.job_status,
         a.id as agent_id, a.lifecycle_state as agent_lifecycle, agent_status(a) as agent_status,
         p.id as app_id, p.health as app_health, p.url as app_url,
         s.state as app_state, s.message as app_message, s.uri as app_uri, s.created_at as app_state_at,
         (case
           when b.id is null then 'pending'
           when j.job_status in ('failed', 'canceling', 'canceled') then 'error'
           when b.transition in ('stop', 'delete') then
             case when j.job_status = 'succeeded' then 'paused' else 'unknown' end
           when j.job_status = 'pending' then 'pending'
           when a.id is null or a.lifecycle_state in ('created', 'starting') then 'initializing'
           when a.lifecycle_state not in ('ready', 'start_timeout', 'start_error') then 'unknown'
           when p.health = 'initializing' then 'initializing'
           when p.health = 'unhealthy' then 'error'
           else 'active' end)::task_status as status
    from tasks t
    join users u on u.id = t.owner_id
    join template_versions v on v.id = t.template_version_id
    join templates te on te.id = v.template_id
    left join workspaces w on w.id = t.workspace_id
    left join lateral (
      select * from workspace_builds newest where newest.workspace_id = w.id
       order by newest.build_number desc limit 1) b on true
    left join provisioner_jobs j on j.id = b.job_id
    left join task_workspace_apps l on l.workspace_build_id = b.id
    left join workspace_apps p on p.id = l.app_id
    left join workspace_agents a on a.id = p.agent_id and not a.deleted
    left join lateral (
      select * from workspace_app_statuses one where one.workspace_id = w.id
       order by one.created_at desc, one.id limit 1) s on true
   where t.deleted_at is null;
