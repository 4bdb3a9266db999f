-- oldest-version: 4
-- What remains of prices that have changed, and of groups that are gone (chapter 05 section 16).

-- Each price that a model has had (AG-108).
create table ai_model_price_changes (
  id uuid primary key default gen_random_uuid(),
  changed_at timestamptz not null default now(),
  -- Null where the release has brought it.
  user_id uuid references users (id) on delete set null,
  provider text not null check (length(provider) between 1 and 64),
  model text not null check (length(model) between 1 and 256),
  source text not null check (source in ('default', 'custom')),
  -- Whether the price was taken away; then these say what it was.
  removed boolean not null default false,
  input_price bigint check (input_price >= 0),
  output_price bigint check (output_price >= 0),
  cache_read_price bigint check (cache_read_price >= 0),
  cache_write_price bigint check (cache_write_price >= 0)
);
create index ai_model_price_changes_model on ai_model_price_changes (provider, model, changed_at desc, id desc);
create index ai_model_price_changes_time on ai_model_price_changes (changed_at desc, id desc);

insert into ai_model_price_changes
    (changed_at, provider, model, source, input_price, output_price, cache_read_price, cache_write_price)
  select updated_at, provider, model, source, input_price, output_price, cache_read_price, cache_write_price
    from ai_model_prices;

-- Groups that were deleted, so that what was spent at their expense still belongs to an organization (AG-117). Without
-- references: they outlive what they name.
create table ai_former_groups (
  group_id uuid primary key,
  organization_id uuid not null,
  name text not null
);

create function keep_former_ai_group() returns trigger language plpgsql as $$
begin
  insert into ai_former_groups values (old.id, old.organization_id, old.name) on conflict (group_id) do nothing;
  return null;
end $$;
create trigger groups_keep_former_ai_group after delete on groups
  for each row execute function keep_former_ai_group();
