-- oldest-version: 4
-- Evidence that the audit log was not tampered with (RB-131): each link holds the digest of an entry and the hash of the
-- link before, so that nothing can be changed, removed or put between without breaking every later link. Links are made
-- in the background, so that writers of entries never wait for each other.

create table audit_chain (
  sequence bigint primary key,
  audit_log_id uuid not null unique,
  "time" timestamptz not null,
  digest bytea not null check (octet_length(digest) = 32),
  previous bytea not null check (octet_length(previous) = 32),
  hash bytea not null check (octet_length(hash) = 32)
);

-- Entries without a link yet.
create table audit_unchained (
  audit_log_id uuid primary key
);

create function queue_audit_entry() returns trigger language plpgsql as $$
begin
  insert into audit_unchained (audit_log_id) values (new.id);
  return null;
end $$;
create trigger audit_logs_queue after insert on audit_logs
  for each row execute function queue_audit_entry();
-- Behind the trigger, which waits for whoever is writing and lets nobody write until it is there: the previous release
-- may be running, and what it wrote between the two would look as if it had been put in past the chain.
insert into audit_unchained (audit_log_id) select id from audit_logs;

-- The purge asks for these every ten minutes (RB-86), and there are few or none.
create index audit_logs_legacy on audit_logs ("time") where action in ('connect', 'disconnect', 'open', 'close');
