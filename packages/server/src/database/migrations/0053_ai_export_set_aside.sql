-- oldest-version: 4
-- What the destination of the export refuses for what it is, again and again, is set aside, and holds up nothing behind it.
alter table aibridge_exports
  add column refusals integer not null default 0,
  add column refusal text check (length(refusal) <= 512),
  -- From then on it waits for the settings of the gateway to be saved.
  add column set_aside_at timestamptz;
create index aibridge_exports_set_aside on aibridge_exports (set_aside_at) where set_aside_at is not null;
comment on column aibridge_exports.claimed_until is
  'While a replica sends it, or until it is tried again after it was refused.';
