-- Rows announce their own changes: triggers append here in the transaction that writes the row, and every
-- replica reads the log from its own snapshot cursor. `txid` first in the key, because the cursor asks for
-- ranges of transactions.
create sequence change_log_id cache 1;
create table change_log (
  txid xid8 not null default pg_current_xact_id(),
  id bigint not null default nextval('change_log_id'),
  kind text not null,
  key text not null,
  op text not null check (op in ('insert', 'update', 'delete')),
  data jsonb not null default '{}',
  primary key (txid, id)
);

-- Everything below this snapshot boundary has been purged; a reader whose cursor is older must reset.
create table change_log_horizon (
  only_row boolean primary key default true check (only_row),
  boundary xid8 not null
);
insert into change_log_horizon (boundary) values (pg_snapshot_xmin(pg_current_snapshot()));

-- announce_change(kind, key column, further columns …): attach as an AFTER ROW trigger. The event holds the
-- named columns of the new row, or of the old one on delete, and nothing else.
create function announce_change() returns trigger language plpgsql as $$
declare
  row_data jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  picked jsonb := '{}';
begin
  for i in 2 .. tg_nargs - 1 loop
    picked := picked || jsonb_build_object(tg_argv[i], row_data -> tg_argv[i]);
  end loop;
  insert into change_log (kind, key, op, data)
  values (tg_argv[0], row_data ->> tg_argv[1], lower(tg_op), picked);
  return null;
end $$;
