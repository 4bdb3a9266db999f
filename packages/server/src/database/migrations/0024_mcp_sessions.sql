-- oldest-version: 4
-- Sessions of MCP clients whose revisions of the protocol have them, so that any replica can serve any request of one.
-- What is lost in a crash is begun anew by clients, so that none of it goes through the write-ahead log.

create unlogged table mcp_sessions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  protocol_version text not null,
  -- Parameters of `initialize`: what the client is and can do.
  client jsonb not null,
  log_level text,
  -- Addresses of the resources whose changes the client wants to hear of.
  subscriptions text[] not null default '{}' check (cardinality(subscriptions) <= 100),
  -- The stream on which it hears of them: the one that was opened last, on whichever replica.
  listener uuid
);
create index mcp_sessions_user on mcp_sessions (user_id, last_used_at);
create index mcp_sessions_last_used on mcp_sessions (last_used_at);
create trigger mcp_sessions_live_user before insert on mcp_sessions
  for each row execute function refuse_deleted_user();
create trigger mcp_sessions_announce after update of listener, subscriptions, log_level or delete on mcp_sessions
  for each row execute function announce_change('mcp_session', 'id', 'listener');

-- What a stream has sent, for clients that lose it and come back; without a stream, what a client has sent to a call that
-- another replica may be at.
create unlogged table mcp_session_messages (
  id bigint generated always as identity primary key,
  session_id uuid not null references mcp_sessions (id) on delete cascade,
  stream_id uuid,
  created_at timestamptz not null default now(),
  -- JSON; empty where a stream begins.
  message text not null check (length(message) <= 4194304),
  -- Nothing follows on this stream.
  is_last boolean not null default false
);
create index mcp_session_messages_stream on mcp_session_messages (session_id, stream_id, id);
create index mcp_session_messages_age on mcp_session_messages (created_at);
create trigger mcp_session_messages_announce after insert on mcp_session_messages
  for each row execute function announce_change('mcp_session_message', 'session_id', 'id', 'stream_id');

create function delete_mcp_sessions_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from mcp_sessions where user_id = new.id;
  return null;
end $$;
create trigger users_delete_mcp_sessions after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_mcp_sessions_of_deleted_user();
