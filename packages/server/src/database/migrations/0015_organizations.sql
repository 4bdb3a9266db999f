-- oldest-version: 4
-- Roles that organizations make for themselves, and the end of organizations (chapter 02 section 4, chapter 06 section 3).

-- Every validation of a key asks for the roles of the user's organizations.
create index custom_roles_organization on custom_roles (organization_id);
-- RB-136: built-in roles whose holders may assign it, beside those who may assign every custom role.
alter table custom_roles add column assignable_by text[] not null default '{}';

-- WS-44: nothing may be attached to a deleted organization, also by who began before it was deleted.
create function refuse_deleted_organization() returns trigger language plpgsql as $$
declare
  gone boolean;
begin
  select deleted into gone from organizations where id = new.organization_id for key share;
  if gone then
    raise exception 'organization % is deleted', new.organization_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger workspaces_of_live_organization before insert on workspaces
  for each row execute function refuse_deleted_organization();
create trigger templates_of_live_organization before insert on templates
  for each row execute function refuse_deleted_organization();
create trigger groups_of_live_organization before insert on groups
  for each row execute function refuse_deleted_organization();
create trigger organization_members_of_live_organization before insert on organization_members
  for each row execute function refuse_deleted_organization();
create trigger custom_roles_of_live_organization before insert on custom_roles
  for each row execute function refuse_deleted_organization();
