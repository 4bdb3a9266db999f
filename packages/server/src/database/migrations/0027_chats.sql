-- oldest-version: 4
-- Chats, their messages, queues and files (chapter 04 section 1). Versions are derived here, from the snapshot version
-- that whoever changes a chat raises first (CH-110); so no writer can forget one.

create table chat_model_configs (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  created_by uuid references users (id) on delete set null,
  updated_by uuid references users (id) on delete set null,
  ai_provider_id uuid not null references ai_providers (id) on delete restrict,
  model text not null check (length(model) between 1 and 256),
  display_name text not null default '' check (length(display_name) <= 256),
  enabled boolean not null default true,
  is_default boolean not null default false,
  context_limit integer not null check (context_limit > 0),
  compression_threshold integer not null default 70 check (compression_threshold between 0 and 100),
  options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
  -- Messages go on naming the model that wrote them.
  deleted boolean not null default false,
  check (not (deleted and is_default))
);
create unique index chat_model_configs_default on chat_model_configs (is_default) where is_default;
create index chat_model_configs_provider on chat_model_configs (ai_provider_id);
create trigger chat_model_configs_announce after insert or update or delete on chat_model_configs
  for each row execute function announce_change('chat_model_config', 'id');

create table chats (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  -- Moves when a run begins or ends and when the workspace changes, so that a new title does not reorder lists.
  updated_at timestamptz not null default now(),
  owner_id uuid not null references users (id) on delete cascade,
  parent_chat_id uuid references chats (id) on delete set null,
  root_chat_id uuid references chats (id) on delete set null,
  -- The only stable tie to a workspace: which agent that means is looked up in its latest build (CH-105).
  workspace_id uuid references workspaces (id) on delete set null,
  title text not null default 'New Chat' check (length(title) between 1 and 200),
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  pin_order integer not null default 0 check (pin_order >= 0),
  status text not null default 'waiting'
    check (status in ('waiting', 'running', 'interrupting', 'requires_action', 'error')),
  archived boolean not null default false,
  archived_at timestamptz,
  last_error jsonb,
  mode text check (mode in ('explore', 'computer_use')),
  plan_mode text check (plan_mode = 'plan'),
  last_model_config_id uuid not null references chat_model_configs (id) on delete restrict,
  last_reasoning_effort text check (length(last_reasoning_effort) <= 32),
  mcp_server_ids uuid[] not null default '{}',
  dynamic_tools jsonb not null default '[]' check (jsonb_typeof(dynamic_tools) = 'array'),
  user_acl jsonb not null default '{}' check (jsonb_typeof(user_acl) = 'object'),
  group_acl jsonb not null default '{}' check (jsonb_typeof(group_acl) = 'object'),
  last_read_message_id bigint,
  last_turn_summary text check (length(last_turn_summary) <= 200),
  summary text check (length(summary) <= 4000),
  summary_generated_at timestamptz,
  -- The replica and the run that own the chat now; both or neither.
  worker_id uuid,
  runner_id uuid,
  snapshot_version bigint not null default 1 check (snapshot_version > 0),
  history_version bigint not null default 0,
  queue_version bigint not null default 0,
  retry_state_version bigint not null default 0,
  generation_attempt integer not null default 0 check (generation_attempt >= 0),
  retry_state jsonb,
  requires_action_deadline_at timestamptz,
  compaction_requested_at timestamptz,
  context_aggregate_hash bytea,
  context_dirty_since timestamptz,
  context_error text check (length(context_error) <= 4096),
  check ((worker_id is null) = (runner_id is null)),
  check (archived = (archived_at is not null)),
  check (pin_order = 0 or (not archived and parent_chat_id is null)),
  check (parent_chat_id is null or (user_acl = '{}' and group_acl = '{}'))
);
create index chats_owner on chats (owner_id, updated_at desc, id desc);
create index chats_workspace on chats (workspace_id);
create index chats_parent on chats (parent_chat_id);
create index chats_root on chats (root_chat_id);
create index chats_labels on chats using gin (labels);
create index chats_mcp_servers on chats using gin (mcp_server_ids);
create index chats_title_words on chats using gin (to_tsvector('simple', title));
create index chats_to_acquire on chats ((parent_chat_id is null), status, updated_at, id)
  where not archived and status in ('running', 'interrupting', 'requires_action');
create index chats_to_archive on chats (created_at) where not archived and pin_order = 0 and parent_chat_id is null;
create index chats_archived on chats (archived_at) where archived;

-- CH-110: what follows from other columns is set here and nowhere else.
create function derive_chat_versions() returns trigger language plpgsql as $$
begin
  if new.retry_state_version is distinct from old.retry_state_version then
    raise exception 'chats.retry_state_version is derived';
  end if;
  if new.generation_attempt <> old.generation_attempt then
    new.retry_state := null;
  end if;
  if new.retry_state is distinct from old.retry_state then
    new.retry_state_version := new.snapshot_version;
  end if;
  return new;
end $$;
create trigger chats_derive_versions before update on chats
  for each row execute function derive_chat_versions();

create table chat_messages (
  -- CH-112: in the order of the conversation.
  id bigint generated always as identity primary key,
  chat_id uuid not null references chats (id) on delete cascade,
  created_at timestamptz not null default now(),
  created_by uuid references users (id) on delete set null,
  role text not null check (role in ('system', 'user', 'assistant', 'tool')),
  content jsonb not null,
  -- 0 is a bare text, 1 an array of parts.
  content_version smallint not null default 1 check (content_version in (0, 1)),
  visibility text not null check (visibility in ('user', 'model', 'both')),
  model_config_id uuid references chat_model_configs (id) on delete set null,
  reasoning_effort text check (length(reasoning_effort) <= 32),
  -- What compaction has made, and what it has made superfluous for models (CH-802).
  compressed boolean not null default false,
  deleted boolean not null default false,
  revision bigint not null default 0,
  runtime_ms bigint check (runtime_ms >= 0),
  input_tokens bigint check (input_tokens >= 0),
  output_tokens bigint check (output_tokens >= 0),
  total_tokens bigint check (total_tokens >= 0),
  reasoning_tokens bigint check (reasoning_tokens >= 0),
  cache_creation_tokens bigint check (cache_creation_tokens >= 0),
  cache_read_tokens bigint check (cache_read_tokens >= 0),
  context_limit bigint check (context_limit >= 0),
  -- Filled later; null until then.
  search_tsv tsvector,
  check (jsonb_typeof(content) = case content_version when 0 then 'string' else 'array' end)
);
create index chat_messages_chat on chat_messages (chat_id, id);
create index chat_messages_boundary on chat_messages (chat_id, id) where compressed and role = 'user';
create index chat_messages_search on chat_messages using gin (search_tsv);
create index chat_messages_to_index on chat_messages (id)
  where search_tsv is null and role in ('user', 'assistant') and not deleted;

create function revise_chat_message() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.revision <> 0 then
      raise exception 'chat_messages.revision is derived';
    end if;
  else
    if new.revision <> old.revision then
      raise exception 'chat_messages.revision is derived';
    end if;
    -- CH-110: what changes nothing that anybody sees is no change.
    if (new.role, new.content, new.visibility, new.deleted, new.compressed, new.model_config_id, new.created_by)
       is not distinct from
       (old.role, old.content, old.visibility, old.deleted, old.compressed, old.model_config_id, old.created_by)
    then
      return new;
    end if;
  end if;
  select snapshot_version into new.revision from chats where id = new.chat_id;
  return new;
end $$;
create trigger chat_messages_revise before insert or update on chat_messages
  for each row execute function revise_chat_message();

-- A chat that is made with its first messages has these versions already and is not written again (B-2).
create function note_chat_history() returns trigger language plpgsql as $$
begin
  update chats c
     set history_version = c.snapshot_version, generation_attempt = 0
   where c.id in (select chat_id from changed)
     and (c.history_version <> c.snapshot_version or c.generation_attempt <> 0)
     and exists (select 1 from changed m where m.chat_id = c.id and m.revision = c.snapshot_version);
  return null;
end $$;
create trigger chat_messages_note_insert after insert on chat_messages
  referencing new table as changed for each statement execute function note_chat_history();
create trigger chat_messages_note_update after update on chat_messages
  referencing new table as changed for each statement execute function note_chat_history();

create table chat_queued_messages (
  id bigint generated always as identity primary key,
  chat_id uuid not null references chats (id) on delete cascade,
  created_at timestamptz not null default now(),
  created_by uuid not null references users (id) on delete cascade,
  content jsonb not null check (jsonb_typeof(content) = 'array'),
  -- Resolved when the message was queued (CH-130).
  model_config_id uuid not null references chat_model_configs (id) on delete restrict,
  reasoning_effort text check (length(reasoning_effort) <= 32),
  position bigint not null
);
create sequence chat_queue_positions owned by chat_queued_messages.position;
alter table chat_queued_messages alter column position set default nextval('chat_queue_positions');
create index chat_queued_messages_chat on chat_queued_messages (chat_id, position);

create function note_chat_queue() returns trigger language plpgsql as $$
begin
  update chats c set queue_version = c.snapshot_version
   where c.id in (select chat_id from changed) and c.queue_version <> c.snapshot_version;
  return null;
end $$;
create trigger chat_queued_messages_note_insert after insert on chat_queued_messages
  referencing new table as changed for each statement execute function note_chat_queue();
create trigger chat_queued_messages_note_update after update on chat_queued_messages
  referencing new table as changed for each statement execute function note_chat_queue();
create trigger chat_queued_messages_note_delete after delete on chat_queued_messages
  referencing old table as changed for each statement execute function note_chat_queue();

-- Losing these is safe: a chat without one is taken over (CH-134).
create unlogged table chat_heartbeats (
  chat_id uuid not null references chats (id) on delete cascade,
  runner_id uuid not null,
  heartbeat_at timestamptz not null default now(),
  primary key (chat_id, runner_id)
);
create index chat_heartbeats_old on chat_heartbeats (heartbeat_at);

-- Calls of tools of a message whose results are not all there: a result survives a crash before they are committed
-- together, and what was started is found again (B-5).
create table chat_tool_calls (
  message_id bigint not null references chat_messages (id) on delete cascade,
  call_index integer not null check (call_index >= 0),
  chat_id uuid not null references chats (id) on delete cascade,
  tool_call_id text not null check (length(tool_call_id) <= 512),
  started_at timestamptz not null default now(),
  -- What finds a started call again, such as the id of its process; null where nothing does.
  resume jsonb,
  -- The part that will be committed; null while the call runs.
  result jsonb,
  primary key (message_id, call_index)
);
create index chat_tool_calls_chat on chat_tool_calls (chat_id);

create table chat_files (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  owner_id uuid not null references users (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null check (length(name) between 1 and 255),
  mimetype text not null check (length(mimetype) <= 128),
  data bytea not null,
  size_bytes integer not null check (size_bytes >= 0),
  sha256 bytea not null check (length(sha256) = 32)
);
create index chat_files_owner on chat_files (owner_id, organization_id);
create index chat_files_created on chat_files (created_at);

create table chat_file_links (
  chat_id uuid not null references chats (id) on delete cascade,
  file_id uuid not null references chat_files (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (chat_id, file_id)
);
create index chat_file_links_file on chat_file_links (file_id);

-- B-13: the answer to a request that may come again.
create table chat_idempotency_keys (
  user_id uuid not null references users (id) on delete cascade,
  -- What the key was given for: making a chat, or sending to one.
  operation text not null check (length(operation) <= 64),
  key text not null check (length(key) between 1 and 256),
  request_hash bytea not null check (length(request_hash) = 32),
  response jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, operation, key)
);
create index chat_idempotency_keys_old on chat_idempotency_keys (created_at);

-- A server that is gone is in no chat any more.
create function forget_mcp_server_in_chats() returns trigger language plpgsql as $$
begin
  update chats set mcp_server_ids = array_remove(mcp_server_ids, old.id)
   where mcp_server_ids @> array[old.id];
  return null;
end $$;
create trigger mcp_server_configs_leave_chats after delete on mcp_server_configs
  for each row execute function forget_mcp_server_in_chats();
