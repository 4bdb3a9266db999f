-- oldest-version: 4
-- Chats belong to an organization and know what kind of client has made them (CH-103, CH-104).

alter table chats add column client_type text not null default 'api' check (client_type in ('ui', 'api'));
-- Only the dashboard has made chats until here.
update chats set client_type = 'ui';

alter table chats add column organization_id uuid references organizations (id) on delete cascade;
-- The organization of the workspace, else the owner's oldest membership, else the default organization.
update chats c
   set organization_id = coalesce(
     (select w.organization_id from workspaces w where w.id = c.workspace_id),
     (select m.organization_id from organization_members m
       where m.user_id = c.owner_id order by m.created_at, m.organization_id limit 1),
     (select o.id from organizations o where o.is_default)
   );
alter table chats alter column organization_id set not null;
create index chats_organization on chats (organization_id);
create index chats_shared on chats (updated_at desc) where user_acl <> '{}' or group_acl <> '{}';

-- announce_change cannot tell what has changed: watchers want to know it, and streams want no event for what they do not
-- show. Everything is taken from the row itself (CH-111).
create function announce_chat() returns trigger language plpgsql as $$
declare
  changed text[] := '{}';
begin
  if tg_op = 'DELETE' then
    insert into change_log (kind, key, op, data)
    values ('chat', old.id::text, 'delete', jsonb_build_object('owner_id', old.owner_id,
      'root_chat_id', coalesce(old.root_chat_id, old.parent_chat_id, old.id)));
    return null;
  end if;
  if tg_op = 'UPDATE' then
    if new.status is distinct from old.status then changed := changed || 'status'::text; end if;
    if new.title is distinct from old.title then changed := changed || 'title'::text; end if;
    if new.archived is distinct from old.archived then changed := changed || 'archived'::text; end if;
    if new.last_turn_summary is distinct from old.last_turn_summary then
      changed := changed || 'last_turn_summary'::text; end if;
    if new.summary is distinct from old.summary then changed := changed || 'summary'::text; end if;
    if new.context_dirty_since is distinct from old.context_dirty_since then
      changed := changed || 'context_dirty_since'::text; end if;
    if new.user_acl is distinct from old.user_acl or new.group_acl is distinct from old.group_acl then
      changed := changed || 'acl'::text; end if;
    if new.worker_id is distinct from old.worker_id or new.runner_id is distinct from old.runner_id then
      changed := changed || 'owner'::text; end if;
    if (new.workspace_id, new.labels, new.pin_order, new.plan_mode, new.last_model_config_id)
       is distinct from (old.workspace_id, old.labels, old.pin_order, old.plan_mode, old.last_model_config_id)
    then changed := changed || 'metadata'::text; end if;
    if changed = '{}'
       and (new.history_version, new.queue_version, new.retry_state_version, new.generation_attempt,
            new.last_error, new.requires_action_deadline_at, new.compaction_requested_at)
           is not distinct from
           (old.history_version, old.queue_version, old.retry_state_version, old.generation_attempt,
            old.last_error, old.requires_action_deadline_at, old.compaction_requested_at)
    then return null; end if;
  end if;
  insert into change_log (kind, key, op, data)
  values ('chat', new.id::text, lower(tg_op), jsonb_build_object(
    'owner_id', new.owner_id, 'organization_id', new.organization_id,
    'root_chat_id', coalesce(new.root_chat_id, new.parent_chat_id, new.id),
    'snapshot_version', new.snapshot_version, 'history_version', new.history_version,
    'queue_version', new.queue_version, 'retry_state_version', new.retry_state_version,
    'generation_attempt', new.generation_attempt, 'status', new.status, 'archived', new.archived,
    'worker_id', new.worker_id, 'runner_id', new.runner_id, 'changed', to_jsonb(changed)));
  return null;
end $$;
create trigger chats_announce after insert or update or delete on chats
  for each row execute function announce_chat();
