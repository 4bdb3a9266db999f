-- oldest-version: 4
-- What workspaces tell chats about themselves, and the branches that chats work on (chapter 04, sections 13 and 15).

-- The latest that each agent has pushed (AC-86). It goes with its agent; chats keep copies of their own.
create table workspace_agent_context (
  agent_id uuid primary key references workspace_agents (id) on delete cascade,
  version bigint not null check (version >= 0),
  aggregate_hash bytea not null check (length(aggregate_hash) between 1 and 64),
  error text not null default '' check (length(error) <= 4096),
  operating_system text not null default '' check (length(operating_system) <= 64),
  directory text not null default '' check (length(directory) <= 4096),
  updated_at timestamptz not null default now()
);
create table workspace_agent_context_resources (
  agent_id uuid not null references workspace_agent_context (agent_id) on delete cascade,
  source text not null check (octet_length(source) between 1 and 1024),
  position integer not null check (position >= 0),
  kind text not null check (kind in ('instruction_file', 'skill', 'mcp_config', 'mcp_server')),
  status text not null check (status in ('ok', 'oversize', 'unreadable', 'invalid', 'excluded')),
  size_bytes bigint not null default 0 check (size_bytes >= 0),
  error text not null default '' check (length(error) <= 4096),
  body text not null default '' check (octet_length(body) <= 262144),
  -- What of it is more than its text: name, description and folder of a skill, tools of a server.
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  primary key (agent_id, source)
);

-- The pinned copy of a chat (CH-1301): it is there while its workspace is stopped, and after it was deleted.
create table chat_context_resources (
  chat_id uuid not null references chats (id) on delete cascade,
  source text not null check (octet_length(source) between 1 and 1024),
  position integer not null check (position >= 0),
  kind text not null check (kind in ('instruction_file', 'skill', 'mcp_config', 'mcp_server')),
  status text not null check (status in ('ok', 'oversize', 'unreadable', 'invalid', 'excluded')),
  size_bytes bigint not null default 0 check (size_bytes >= 0),
  error text not null default '' check (length(error) <= 4096),
  body text not null default '' check (octet_length(body) <= 262144),
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  primary key (chat_id, source)
);
-- Where the copy was taken: of which agent, on which system, in which folder.
create table chat_contexts (
  chat_id uuid primary key references chats (id) on delete cascade,
  -- Not a reference: the copy outlives the agent.
  agent_id uuid not null,
  operating_system text not null default '' check (length(operating_system) <= 64),
  directory text not null default '' check (length(directory) <= 4096),
  pinned_at timestamptz not null default now()
);

-- One row for each chat that git was used in (CH-1504).
create table chat_diff_statuses (
  chat_id uuid primary key references chats (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  git_branch text not null default '' check (length(git_branch) <= 2048),
  git_remote_origin text not null default '' check (length(git_remote_origin) <= 2048),
  -- The page of the pull request, or of the branch.
  url text check (length(url) <= 4096),
  pull_request_state text check (pull_request_state in ('open', 'closed', 'merged')),
  pull_request_title text not null default '' check (length(pull_request_title) <= 1024),
  pull_request_draft boolean not null default false,
  changes_requested boolean not null default false,
  additions integer not null default 0 check (additions >= 0),
  deletions integer not null default 0 check (deletions >= 0),
  changed_files integer not null default 0 check (changed_files >= 0),
  author_login text check (length(author_login) <= 256),
  author_avatar_url text check (length(author_avatar_url) <= 2048),
  base_branch text check (length(base_branch) <= 2048),
  head_branch text check (length(head_branch) <= 2048),
  pr_number integer check (pr_number > 0),
  commits integer check (commits >= 0),
  approved boolean,
  reviewer_count integer check (reviewer_count >= 0),
  refreshed_at timestamptz,
  -- When it has to be looked at again; a worker that takes it moves this, so that nobody else does.
  stale_at timestamptz not null default now()
);
create index chat_diff_statuses_stale on chat_diff_statuses (stale_at);

-- Watchers of a chat hear of its branch as of everything else about it.
create function announce_chat_diff_status() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and (to_jsonb(new) - '{updated_at,refreshed_at,stale_at}'::text[])
     = (to_jsonb(old) - '{updated_at,refreshed_at,stale_at}'::text[]) then
    return null;
  end if;
  insert into change_log (kind, key, op, data)
  select 'chat', c.id::text, 'update', jsonb_build_object(
    'owner_id', c.owner_id, 'organization_id', c.organization_id,
    'root_chat_id', coalesce(c.root_chat_id, c.parent_chat_id, c.id),
    'snapshot_version', c.snapshot_version, 'history_version', c.history_version,
    'queue_version', c.queue_version, 'retry_state_version', c.retry_state_version,
    'generation_attempt', c.generation_attempt, 'status', c.status, 'archived', c.archived,
    'worker_id', c.worker_id, 'runner_id', c.runner_id, 'changed', jsonb_build_array('diff_status'))
    from chats c where c.id = new.chat_id;
  return null;
end $$;
create trigger chat_diff_statuses_announce after insert or update on chat_diff_statuses
  for each row execute function announce_chat_diff_status();
