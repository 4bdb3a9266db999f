-- oldest-version: 4
-- AC-9: agents of one build have names of their own, whatever their case, for as long as they are not deleted.
create function refuse_agent_of_same_name() returns trigger language plpgsql as $$
declare
  build record;
begin
  select job_id, transition into build from workspace_resources where id = new.resource_id;
  -- Two that come at once wait for each other, so that the later one sees the earlier one.
  perform pg_advisory_xact_lock(hashtextextended('agents of ' || build.job_id, 0));
  if exists (select from workspace_agents a join workspace_resources r on r.id = a.resource_id
              where r.job_id = build.job_id and r.transition = build.transition
                and a.id <> new.id and not a.deleted and lower(a.name) = lower(new.name)) then
    raise unique_violation using constraint = 'workspace_agents_name_in_build',
      message = format('the build has an agent %s already', to_json(new.name));
  end if;
  return new;
end $$;
create trigger workspace_agents_name_in_build before insert or update of name, resource_id, deleted on workspace_agents
  for each row when (not new.deleted) execute function refuse_agent_of_same_name();
