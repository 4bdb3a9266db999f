-- oldest-version: 4
-- Followers of logs are woken from the change log: writers append in batches, so that these are few.
create trigger provisioner_jobs_announce_logs after update of logs_length on provisioner_jobs
  for each row execute function announce_change('provisioner_job_logs', 'id');
create trigger workspace_agents_announce_logs after update of logs_length on workspace_agents
  for each row execute function announce_change('workspace_agent_logs', 'id');
