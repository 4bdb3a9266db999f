-- oldest-version: 4
-- ID-19: who is deleted is asked of the row as it will stay, so that nothing slips in beside a deletion under way.
create or replace function refuse_deleted_user() returns trigger language plpgsql as $$
declare
  gone boolean;
begin
  select deleted into gone from users where id = new.user_id for key share;
  if gone then
    raise exception 'user % is deleted', new.user_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
