-- oldest-version: 4
-- Budgets of groups, organizations and tokens that hold while requests are under way (chapter 05 sections 16 and 23).

-- What groups and organizations have spent on each day (UTC), so that a budget of many members is one short look.
create table ai_total_daily_spend (
  subject_type text not null check (subject_type in ('group', 'organization')),
  -- Outlives the group.
  subject_id uuid not null,
  day date not null,
  spend_micros bigint not null default 0 check (spend_micros >= 0),
  primary key (subject_type, subject_id, day)
);

insert into ai_total_daily_spend (subject_type, subject_id, day, spend_micros)
  select 'group', effective_group_id, day, sum(spend_micros) from ai_user_daily_spend group by 2, 3
  union all
  select 'organization', g.organization_id, s.day, sum(s.spend_micros)
    from ai_user_daily_spend s join groups g on g.id = s.effective_group_id group by 2, 3;

-- By a trigger, so that the release before this one keeps the sums right as well.
create function add_ai_total_spend() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into ai_total_daily_spend as t (subject_type, subject_id, day, spend_micros)
      select a.subject_type, a.subject_id, a.day, sum(a.spend_micros) from (
        select 'group' as subject_type, n.effective_group_id as subject_id, n.day, n.spend_micros from added n
        union all
        select 'organization', g.organization_id, n.day, n.spend_micros
          from added n join groups g on g.id = n.effective_group_id) a
       where a.spend_micros > 0
       group by 1, 2, 3
       -- In one order, the widest first: a statement that inserts for one user and updates for another runs both of
       -- these, and whoever waits for an organization holds none of its groups meanwhile.
       order by 1 desc, 2, 3
      on conflict (subject_type, subject_id, day) do update set spend_micros = t.spend_micros + excluded.spend_micros;
  else
    insert into ai_total_daily_spend as t (subject_type, subject_id, day, spend_micros)
      select a.subject_type, a.subject_id, a.day, sum(a.spend_micros) from (
        select 'group' as subject_type, n.effective_group_id as subject_id, n.day,
               n.spend_micros - o.spend_micros as spend_micros
          from added n join former o using (user_id, effective_group_id, day)
        union all
        select 'organization', g.organization_id, n.day, n.spend_micros - o.spend_micros
          from added n join former o using (user_id, effective_group_id, day)
          join groups g on g.id = n.effective_group_id) a
       where a.spend_micros > 0
       group by 1, 2, 3
       order by 1 desc, 2, 3
      on conflict (subject_type, subject_id, day) do update set spend_micros = t.spend_micros + excluded.spend_micros;
  end if;
  return null;
end $$;
create trigger ai_user_daily_spend_insert_total after insert on ai_user_daily_spend
  referencing new table as added for each statement execute function add_ai_total_spend();
create trigger ai_user_daily_spend_update_total after update on ai_user_daily_spend
  referencing old table as former new table as added for each statement execute function add_ai_total_spend();

-- As ai_effective_budget, which was of the policy `highest` alone (AG-111, AG-B14); no row without an organization.
create function ai_budget_of(of_user uuid, of_policy text)
  returns table (group_id uuid, organization_id uuid, spend_limit_micros bigint, limit_source text)
  language sql stable as $$
  select c.group_id, c.organization_id, c.spend_limit_micros, c.limit_source from (
    select o.group_id, g.organization_id, o.spend_limit_micros, 'user_override' as limit_source, 1 as rank,
           1::bigint as place
      from user_ai_budget_overrides o join groups g on g.id = o.group_id where o.user_id = of_user
    union all
    select b.group_id, g.organization_id,
           case when of_policy = 'sum' then sum(b.spend_limit_micros) over ()::bigint else b.spend_limit_micros end,
           'group', 2,
           row_number() over (
             order by case when of_policy = 'lowest' then b.spend_limit_micros else - b.spend_limit_micros end,
                      m.created_at, b.group_id)
      from group_ai_budgets b
      join groups g on g.id = b.group_id
      join organizations org on org.id = g.organization_id and not org.deleted
      join organization_members m on m.organization_id = org.id and m.user_id = of_user
     -- Everybody belongs to the group that bears the id of the organization, without a row.
     where b.group_id = org.id
        or exists (select from group_members e where e.group_id = b.group_id and e.user_id = of_user)
    union all
    select org.id, org.id, null, null, 3, row_number() over (order by org.is_default desc, m.created_at, org.id)
      from organization_members m
      join organizations org on org.id = m.organization_id and not org.deleted
     where m.user_id = of_user
  ) c order by c.rank, c.place limit 1
$$;

-- What a user has spent that counts against their budget since a day: where budgets are added up, all of it.
create function ai_user_spend(of_user uuid, of_group uuid, of_everything boolean, since date)
  returns bigint language sql stable as $$
  select coalesce(sum(s.spend_micros), 0)::bigint from ai_user_daily_spend s
   where s.user_id = of_user and (of_everything or s.effective_group_id = of_group) and s.day >= since
$$;

create function ai_total_spend(of_type text, of_subject uuid, since date)
  returns bigint language sql stable as $$
  select coalesce(sum(t.spend_micros), 0)::bigint from ai_total_daily_spend t
   where t.subject_type = of_type and t.subject_id = of_subject and t.day >= since
$$;

create function ai_key_spend(of_key text, since date)
  returns bigint language sql stable as $$
  select coalesce(sum(k.spend_micros), 0)::bigint from ai_key_daily_spend k
   where k.api_key_id = of_key and k.day >= since
$$;

-- Whether a group of a user, or the user by what a group allows, has used up the tokens of a minute (AG-B12).
create function ai_tokens_used_up(of_user uuid, of_minute timestamptz) returns text language sql stable as $$
  select case when coalesce(g.tokens, 0) >= r.tokens_per_minute then 'group' else 'user' end
    from group_ai_limits r
    join group_members_expanded e on e.group_id = r.group_id and e.user_id = of_user
    left join ai_minute_tokens g on g.subject_type = 'group' and g.subject_id = r.group_id::text
      and g.minute = of_minute
    left join ai_minute_tokens p on p.subject_type = 'user' and p.subject_id = of_user::text
      and p.minute = of_minute
   where coalesce(g.tokens, 0) >= r.tokens_per_minute or coalesce(p.tokens, 0) >= r.member_tokens_per_minute
   limit 1
$$;

create function ai_key_tokens(of_key text, of_minute timestamptz) returns bigint language sql stable as $$
  select coalesce(sum(t.tokens), 0)::bigint from ai_minute_tokens t
   where t.subject_type = 'key' and t.subject_id = of_key and t.minute = of_minute
$$;

-- Sets aside what a request may cost at most, unless a budget would be overshot with all that is set aside already
-- (AG-B14). It may go to one of several models; what it costs is what the dearest of them does. `refusal` is null, the
-- kind of the budget, or `unpriced` where nobody knows the price of the first model (AG-B15); `unpriced` are the places
-- of all whose price nobody knows.
create function ai_reserve_spend(
  of_interception uuid, of_user uuid, of_key text, of_policy text, since date, key_since date,
  of_providers text[], of_models text[], input_tokens bigint, output_tokens bigint,
  sets_aside boolean, refuses_unpriced boolean, moment timestamptz, until timestamptz
) returns table (refusal text, limit_micros bigint, amount_micros bigint, unpriced integer[]) language plpgsql as $$
declare
  budget record;
  amount numeric;
  unknown integer[];
  group_limit bigint;
  organization_limit bigint;
  key_limit bigint;
  subject text;
  used record;
begin
  select b.* into budget from ai_budget_of(of_user, of_policy) b;
  select l.total_spend_limit_micros into group_limit from group_ai_limits l where l.group_id = budget.group_id;
  select o.spend_limit_micros into organization_limit from organization_ai_budgets o
   where o.organization_id = budget.organization_id;
  select k.monthly_spend_limit_micros into key_limit from api_key_ai_limits k where k.api_key_id = of_key;
  if coalesce(budget.spend_limit_micros, group_limit, organization_limit, key_limit) is null then
    return query select null::text, null::bigint, 0::bigint, null::integer[];
    return;
  end if;
  select max(ceil(input_tokens::numeric
                  * greatest(p.input_price, p.cache_read_price, p.cache_write_price, 0) / 1000000)
             + ceil(output_tokens::numeric * coalesce(p.output_price, 0) / 1000000)),
         array_agg(t.place::integer) filter (where p.model is null)
    into amount, unknown
    from unnest(of_providers, of_models) with ordinality t (provider, model, place)
    left join lateral (
      select m.* from ai_model_prices m where m.provider = t.provider and m.model = t.model
       order by m.source = 'custom' desc limit 1) p on true;
  if refuses_unpriced and 1 = any(unknown) then
    return query select 'unpriced', null::bigint, 0::bigint, unknown;
    return;
  end if;
  if amount is null or not sets_aside then
    return query select null::text, null::bigint, 0::bigint, unknown;
    return;
  end if;
  amount := least(amount, 1000000000000000);
  -- One after the other, where they share a budget; in one order, so that two never wait for each other.
  for subject in
    select s from unnest(array[
      case when organization_limit is not null then 'a' || budget.organization_id end,
      case when group_limit is not null then 'b' || budget.group_id end,
      case when budget.spend_limit_micros is not null then 'c' || of_user end,
      case when key_limit is not null then 'd' || of_key end]) s
     where s is not null order by s
  loop
    perform pg_advisory_xact_lock(hashtextextended('ai spend ' || subject, 0));
  end loop;
  -- In one statement: what is charged meanwhile moves from the one to the other.
  select coalesce(sum(r.amount_micros) filter (where r.user_id = of_user and (
                    r.effective_group_id = budget.group_id
                    or of_policy = 'sum' and budget.limit_source = 'group')), 0)
         + ai_user_spend(of_user, budget.group_id, of_policy = 'sum' and budget.limit_source = 'group', since) as by_user,
         coalesce(sum(r.amount_micros) filter (where r.effective_group_id = budget.group_id), 0)
         + ai_total_spend('group', budget.group_id, since) as by_group,
         coalesce(sum(r.amount_micros) filter (where g.organization_id = budget.organization_id), 0)
         + ai_total_spend('organization', budget.organization_id, since) as by_organization,
         coalesce(sum(r.amount_micros) filter (where r.api_key_id = of_key), 0) + ai_key_spend(of_key, key_since) as by_key
    into used
    from ai_spend_reservations r left join groups g on g.id = r.effective_group_id
   where r.expires_at > moment;
  if used.by_key + amount > key_limit then
    return query select 'key', key_limit, amount::bigint, unknown;
  elsif used.by_user + amount > budget.spend_limit_micros then
    return query select 'user', budget.spend_limit_micros, amount::bigint, unknown;
  elsif used.by_group + amount > group_limit then
    return query select 'group', group_limit, amount::bigint, unknown;
  elsif used.by_organization + amount > organization_limit then
    return query select 'organization', organization_limit, amount::bigint, unknown;
  else
    insert into ai_spend_reservations
      (interception_id, user_id, effective_group_id, api_key_id, amount_micros, expires_at)
    values (of_interception, of_user, budget.group_id, of_key, amount::bigint, until)
    on conflict (interception_id) do nothing;
    return query select null::text, null::bigint, amount::bigint, unknown;
  end if;
end $$;
