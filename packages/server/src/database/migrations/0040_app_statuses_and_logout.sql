-- oldest-version: 4
-- What programs in workspaces report of their work, by the app that they belong to (AC-85, WS-257).
create table workspace_app_statuses (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default clock_timestamp(),
  workspace_id uuid not null references workspaces (id) on delete cascade,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  app_id uuid not null references workspace_apps (id) on delete cascade,
  state text not null check (state in ('working', 'idle', 'complete', 'failure')),
  message text not null check (length(message) <= 160),
  uri text not null check (length(uri) <= 2048)
);
create index workspace_app_statuses_app on workspace_app_statuses (app_id, created_at desc, id);
create index workspace_app_statuses_workspace on workspace_app_statuses (workspace_id, created_at desc, id);
create index workspace_app_statuses_agent on workspace_app_statuses (agent_id);
create trigger workspace_app_statuses_announce after insert on workspace_app_statuses
  for each row execute function announce_change('workspace_app', 'agent_id', 'app_id', 'state');

-- At whose provider a session was opened, and the proof of it that the provider wants when it is to end there, too (ID-220).
alter table oidc_sessions add column provider text check (length(provider) <= 255);
alter table oidc_sessions add column id_token bytea;
