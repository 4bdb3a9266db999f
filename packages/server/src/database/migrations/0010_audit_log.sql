-- oldest-version: 4
-- Who did what to what (chapter 02, section 11). Entries are appended and deleted by retention, never changed;
-- they hold no references, so that they outlive what they are about.

create table audit_logs (
  id uuid not null default gen_random_uuid(),
  "time" timestamptz not null default now(),
  user_id uuid,
  organization_id uuid,
  ip inet,
  user_agent text not null default '' check (length(user_agent) <= 256),
  resource_type text not null,
  resource_id uuid not null,
  resource_target text not null default '' check (length(resource_target) <= 1024),
  resource_icon text not null default '',
  action text not null,
  diff jsonb not null default '{}',
  status_code integer not null,
  additional_fields jsonb not null default '{}',
  request_id uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (id)
);
create index audit_logs_time on audit_logs ("time" desc, id);
create index audit_logs_organization on audit_logs (organization_id, "time" desc);
create index audit_logs_resource on audit_logs (resource_id);
create index audit_logs_user on audit_logs (user_id, "time" desc);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'entries of the audit log are never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger audit_logs_append_only before update on audit_logs
  for each row execute function refuse_audit_change();
