-- oldest-version: 4
-- Who uses what (06, section 15). What is told while people work is kept by the minute and for a day or so; what is kept for
-- good is a row for each half hour, user and template. No key leads out of the tables of minutes: they are written often,
-- and the roll-up takes what is still there.

-- What an agent has said of sessions in a minute, the most of each kind, and what went through its tunnel. Sessions are null
-- where it has said nothing.
create table workspace_agent_stats (
  agent_id uuid not null,
  minute timestamptz not null,
  user_id uuid not null,
  template_id uuid not null,
  vscode smallint,
  jetbrains smallint,
  reconnecting_pty smallint,
  ssh smallint,
  sftp smallint,
  other smallint,
  -- Sessions of all kinds.
  sessions integer generated always as
    (vscode::integer + jetbrains + reconnecting_pty + ssh + sftp + other) stored,
  rx_bytes bigint not null default 0,
  tx_bytes bigint not null default 0,
  latency_ms double precision,
  primary key (agent_id, minute)
);
create index workspace_agent_stats_minute on workspace_agent_stats (minute);

-- That somebody has used an app of an agent in a minute.
create table workspace_app_stats (
  agent_id uuid not null,
  user_id uuid not null,
  slug text not null,
  minute timestamptz not null,
  template_id uuid not null,
  primary key (agent_id, user_id, slug, minute)
);
create index workspace_app_stats_minute on workspace_app_stats (minute);

-- How apps that were used are called; the workspaces that they belonged to may be gone.
create table template_used_apps (
  template_id uuid not null references templates (id) on delete cascade,
  slug text not null,
  display_name text not null,
  icon text not null,
  primary key (template_id, slug)
);

create table template_usage_stats (
  start_time timestamptz not null,
  template_id uuid not null references templates (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  usage_mins smallint not null check (usage_mins between 1 and 30),
  vscode_mins smallint not null,
  jetbrains_mins smallint not null,
  reconnecting_pty_mins smallint not null,
  ssh_mins smallint not null,
  sftp_mins smallint not null,
  -- By slug, the minutes and how often the app was begun to be used; null without apps.
  apps jsonb,
  median_latency_ms double precision,
  -- In the order in which reports add up what somebody used at once.
  primary key (start_time, user_id, template_id)
);
create index template_usage_stats_template on template_usage_stats (template_id, start_time);
create index template_usage_stats_user on template_usage_stats (user_id);

-- How far the minutes are rolled up.
create table usage_rollup (
  singleton boolean primary key default true check (singleton),
  rolled_up_to timestamptz not null
);

-- Values of parameters are counted over the builds of a time.
create index workspace_builds_created on workspace_builds (created_at);
