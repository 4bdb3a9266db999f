-- oldest-version: 4
-- Which budget counts for a user, and which group bears what they spend (AG-111, AG-B14); no row without an organization.
-- New is the third step: a group with a budget for all its members together bears what they spend where no budget for
-- each of them does. Before, nothing was ever charged to such a group, and its budget held for nothing.
-- In a language whose plans are kept, since whoever asks a model is looked up: to plan it took longer than to run it.
create or replace function ai_budget_of(of_user uuid, of_policy text)
  returns table (group_id uuid, organization_id uuid, spend_limit_micros bigint, limit_source text)
  language plpgsql stable as $$
#variable_conflict use_column
begin
  return query
    select o.group_id, g.organization_id, o.spend_limit_micros, 'user_override'
      from user_ai_budget_overrides o join groups g on g.id = o.group_id where o.user_id = of_user;
  if found then return; end if;
  return query
    select b.group_id, g.organization_id,
           case when of_policy = 'sum' then sum(b.spend_limit_micros) over ()::bigint else b.spend_limit_micros end,
           'group'
      from group_ai_budgets b
      join groups g on g.id = b.group_id
      join organizations org on org.id = g.organization_id and not org.deleted
      join organization_members m on m.organization_id = org.id and m.user_id = of_user
     -- Everybody belongs to the group that bears the id of the organization, without a row.
     where b.group_id = org.id
        or exists (select from group_members e where e.group_id = b.group_id and e.user_id = of_user)
     order by case when of_policy = 'lowest' then b.spend_limit_micros else - b.spend_limit_micros end,
              m.created_at, b.group_id
     limit 1;
  if found then return; end if;
  return query
    select l.group_id, g.organization_id, null::bigint, null
      from group_ai_limits l
      join groups g on g.id = l.group_id
      join organizations org on org.id = g.organization_id and not org.deleted
      join organization_members m on m.organization_id = org.id and m.user_id = of_user
     where l.total_spend_limit_micros is not null
       and (l.group_id = org.id
            or exists (select from group_members e where e.group_id = l.group_id and e.user_id = of_user))
     order by case when of_policy = 'lowest' then l.total_spend_limit_micros else - l.total_spend_limit_micros end,
              m.created_at, l.group_id
     limit 1;
  if found then return; end if;
  return query
    select org.id, org.id, null::bigint, null
      from organization_members m
      join organizations org on org.id = m.organization_id and not org.deleted
     where m.user_id = of_user
     order by org.is_default desc, m.created_at, org.id
     limit 1;
end $$;
