-- oldest-version: 4
-- Who has reached which workspace how (chapter 02, section 12).

create table connection_logs (
  id uuid not null default gen_random_uuid(),
  connect_time timestamptz not null,
  organization_id uuid not null references organizations (id) on delete cascade,
  workspace_owner_id uuid not null references users (id) on delete cascade,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  -- As they were called then.
  workspace_name text not null,
  agent_name text not null,
  type text not null check (type in
    ('ssh', 'vscode', 'jetbrains', 'reconnecting_pty', 'workspace_app', 'port_forwarding', 'tunnel')),
  ip inet,
  -- Exit code of a session, HTTP status of a visit.
  code integer,
  -- Visits through the server only; no reference, so that they outlive the visitor.
  user_id uuid,
  user_agent text check (length(user_agent) <= 256),
  slug_or_port text check (length(slug_or_port) <= 256),
  -- Sessions that agents report only. Agents choose the id: it tells nothing outside of their own workspace.
  connection_id uuid,
  disconnect_time timestamptz,
  disconnect_reason text check (length(disconnect_reason) <= 1024),
  primary key (id),
  constraint connection_logs_session unique (connection_id, workspace_id, agent_name)
);
create index connection_logs_time on connection_logs (connect_time desc, id);
create index connection_logs_workspace on connection_logs (workspace_id, connect_time desc);
create index connection_logs_organization on connection_logs (organization_id, connect_time desc);
create index connection_logs_owner on connection_logs (workspace_owner_id, connect_time desc);
create index connection_logs_user on connection_logs (user_id, connect_time desc);

-- Visits that go on: a visitor who was here within the hour makes no new entry (RB-111).
create table connection_visits (
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  -- SHA-256 of app, user, address, user agent and status.
  digest bytea not null check (octet_length(digest) = 32),
  started_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (agent_id, digest)
);
create index connection_visits_updated on connection_visits (updated_at);
