-- oldest-version: 4
-- What GET /replicas tells of each: its region, what it cannot reach, and how long the database takes to answer it,
-- in microseconds.
alter table replicas
  add column region_id integer not null default 0,
  add column error text not null default '',
  add column database_latency integer not null default 0;
