-- oldest-version: 4
-- Of which deadline the owner of a workspace was reminded: once for each (WS-239).
alter table workspace_builds add column notified_autostop_deadline timestamptz;
