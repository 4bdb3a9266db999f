-- oldest-version: 4
-- What comes after a log is full: its newest lines stay readable behind the first part (AC-303).
alter table workspace_agent_logs add column tail boolean not null default false;
create index workspace_agent_logs_tail on workspace_agent_logs (agent_id, id) where tail;
