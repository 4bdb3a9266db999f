-- oldest-version: 4
-- Where the connection of an agent stands (AC §2.1), told by the clock that also stamps it: the clocks of
-- replicas may differ from the database's and may be set while they run.
create type agent_status as enum ('connecting', 'connected', 'disconnected', 'timeout');

create function agent_status(a workspace_agents) returns agent_status language sql stable as $$
  select case
    when a.first_connected_at is null or a.last_connected_at is null then
      case when a.connection_timeout_seconds > 0
                and a.created_at + make_interval(secs => a.connection_timeout_seconds) < now()
           then 'timeout' else 'connecting' end
    when a.disconnected_at >= a.last_connected_at then 'disconnected'
    -- AC-20: one that has not been heard of for this long is gone.
    when a.last_connected_at < now() - interval '30 seconds' then 'disconnected'
    else 'connected' end::agent_status
$$;

create or replace view agents_with_workspace as
  select a.*, r.job_id, b.id as build_id, b.build_number, b.transition as build_transition,
         b.template_version_id, w.id as workspace_id, w.name as workspace_name, w.owner_id, w.organization_id,
         w.template_id, w.dormant_at, w.user_acl, w.group_acl, u.username as owner_username, j.job_status,
         agent_status(a) as status
    from workspace_agents a
    join workspace_resources r on r.id = a.resource_id
    join provisioner_jobs j on j.id = r.job_id and j.type = 'workspace_build'
    join workspace_builds b on b.job_id = j.id
    join workspaces w on w.id = b.workspace_id and not w.deleted
    join users u on u.id = w.owner_id and not u.deleted
   where not a.deleted;
