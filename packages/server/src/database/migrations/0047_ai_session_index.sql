-- oldest-version: 4
-- The list of sessions begins with those whose requests ended last, and reads of each session the last request first.
create index aibridge_interceptions_ended on aibridge_interceptions (ended_at) where ended_at is not null;
drop index aibridge_interceptions_session;
create index aibridge_interceptions_session on aibridge_interceptions (session_id, initiator_id, ended_at)
  where ended_at is not null;
