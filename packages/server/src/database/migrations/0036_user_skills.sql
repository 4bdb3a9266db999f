-- oldest-version: 4
-- Skills of users, which their chats may read wherever they work (CH-1303).
create table user_skills (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  name text not null check (length(name) between 1 and 64),
  description text not null check (length(description) between 1 and 1024),
  -- With its front matter, as it was given.
  content text not null check (octet_length(content) between 1 and 65536),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, name)
);

-- ID-19: they go with their user, whichever way the user is deleted.
create trigger user_skills_of_live_user before insert or update on user_skills
  for each row execute function refuse_deleted_user();
create function delete_skills_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from user_skills where user_id = new.id;
  return null;
end $$;
create trigger users_delete_skills after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_skills_of_deleted_user();
