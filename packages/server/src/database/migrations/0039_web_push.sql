-- oldest-version: 4
-- Messages to browsers that are not open (OP-140, RFC 8030, RFC 8292).

-- The key pair by which push services know this deployment; there is one at most.
create table webpush_keys (
  singleton boolean primary key default true check (singleton),
  -- An uncompressed point of P-256 in base64url, as browsers want it.
  public_key text not null unique check (length(public_key) = 87),
  -- Sealed.
  private_key bytea not null,
  created_at timestamptz not null default now()
);
create trigger webpush_keys_announce after insert or update or delete on webpush_keys
  for each row execute function announce_change('webpush_keys', 'public_key');

-- Browsers of users. One belongs to whoever has registered it last: it may be shared.
create table webpush_subscriptions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  -- A browser accepts nothing of another pair than the one that it has subscribed with.
  public_key text not null references webpush_keys (public_key) on delete cascade,
  endpoint text not null unique check (octet_length(endpoint) between 1 and 2048),
  p256dh_key text not null check (length(p256dh_key) = 87),
  -- Sealed.
  auth_key bytea not null,
  created_at timestamptz not null default now()
);
create index webpush_subscriptions_user on webpush_subscriptions (user_id, created_at);
create index webpush_subscriptions_public_key on webpush_subscriptions (public_key);

-- ID-19: they go with their user, whichever way the user is deleted.
create trigger webpush_subscriptions_of_live_user before insert or update on webpush_subscriptions
  for each row execute function refuse_deleted_user();
create function delete_webpush_subscriptions_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from webpush_subscriptions where user_id = new.id;
  return null;
end $$;
create trigger users_delete_webpush_subscriptions after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_webpush_subscriptions_of_deleted_user();
