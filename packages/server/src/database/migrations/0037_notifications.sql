-- oldest-version: 4
-- What users are told, by which way, and what they want to hear of (chapter 09, section 11). Which templates there are
-- is part of the release; here is what was chosen for them.

create table notification_template_methods (
  template_id uuid primary key,
  method text not null check (method in ('smtp', 'webhook', 'inbox')),
  updated_at timestamptz not null default now()
);

create table notification_preferences (
  user_id uuid not null references users (id) on delete cascade,
  template_id uuid not null,
  -- False is a choice, too: of templates that are off unless somebody wants them.
  disabled boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, template_id)
);
create trigger notification_preferences_of_live_user before insert or update on notification_preferences
  for each row execute function refuse_deleted_user();

-- One message to one user by one way, until a week after it has last changed.
create table notification_messages (
  id uuid primary key default gen_random_uuid(),
  template_id uuid not null,
  user_id uuid not null references users (id) on delete cascade,
  method text not null check (method in ('smtp', 'webhook', 'inbox')),
  status text not null default 'pending'
    check (status in ('pending', 'leased', 'sent', 'temporary_failure', 'permanent_failure', 'inhibited')),
  status_reason text not null default '' check (length(status_reason) <= 1024),
  payload jsonb not null check (jsonb_typeof(payload) = 'object'),
  targets uuid[] not null default '{}' check (cardinality(targets) <= 256),
  -- Of the template, the user, the method, the payload, the targets and the day: the same is not said twice a day.
  dedupe_hash bytea not null unique check (length(dedupe_hash) = 32),
  attempt_count integer not null default 0 check (attempt_count >= 0),
  leased_until timestamptz,
  next_retry_after timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index notification_messages_waiting on notification_messages (created_at)
  where status in ('pending', 'temporary_failure', 'leased');
create index notification_messages_updated on notification_messages (updated_at);
create index notification_messages_user on notification_messages (user_id);
create trigger notification_messages_announce after insert on notification_messages
  for each row execute function announce_change('notification_message', 'id');

create table inbox_notifications (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  template_id uuid not null,
  targets uuid[] not null default '{}' check (cardinality(targets) <= 256),
  title text not null check (length(title) <= 1024),
  content text not null check (length(content) <= 65536),
  icon text not null default '' check (length(icon) <= 1024),
  actions jsonb not null default '[]' check (jsonb_typeof(actions) = 'array'),
  read_at timestamptz,
  created_at timestamptz not null default now()
);
create index inbox_notifications_user on inbox_notifications (user_id, created_at desc, id desc);
create index inbox_notifications_unread on inbox_notifications (user_id) where read_at is null;
create trigger inbox_notifications_announce after insert on inbox_notifications
  for each row execute function announce_change('inbox_notification', 'user_id', 'id', 'template_id', 'targets');

-- Whose end users were told of (ID-214): once for each time at which a token ends.
create table token_expiry_warnings (
  api_key_id text primary key references api_keys (id) on delete cascade,
  expires_at timestamptz not null
);
