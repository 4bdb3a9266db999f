-- oldest-version: 4
-- What protects accounts with a password beside it (chapter 01, sections 2 and 17).

-- Secrets are sealed. A code is good once: `last_step` is the time step of the last one that was taken.
create table user_totp (
  user_id uuid not null references users (id) on delete cascade,
  secret bytea not null,
  last_step bigint not null,
  created_at timestamptz not null default now(),
  primary key (user_id)
);

create table passkeys (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  name text not null check (length(name) between 1 and 64),
  credential_id bytea not null check (octet_length(credential_id) between 1 and 1023),
  public_key bytea not null,
  sign_count bigint not null,
  transports text[] not null default '{}',
  backed_up boolean not null default false,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  primary key (id)
);
create unique index passkeys_credential on passkeys (credential_id);
create index passkeys_user on passkeys (user_id);

create table recovery_codes (
  user_id uuid not null references users (id) on delete cascade,
  hashed_code bytea not null check (octet_length(hashed_code) = 32),
  created_at timestamptz not null default now(),
  primary key (user_id, hashed_code)
);

-- Challenges are sealed and stored nowhere; those that were used are, until they would have ended anyway.
create table spent_challenges (
  hashed_challenge bytea not null check (octet_length(hashed_challenge) = 32),
  expires_at timestamptz not null,
  primary key (hashed_challenge)
);
create index spent_challenges_expiry on spent_challenges (expires_at);

-- When the holder of a key last proved who they are.
create table session_proofs (
  api_key_id text not null references api_keys (id) on delete cascade,
  by_second_factor boolean not null,
  proved_at timestamptz not null,
  primary key (api_key_id)
);

-- ID-209: failures by account, known or not: the digest of what was tried and of the address or user.
create table sign_in_failures (
  account bytea not null check (octet_length(account) = 32),
  failures integer not null check (failures > 0),
  last_failure_at timestamptz not null,
  delayed_until timestamptz,
  primary key (account)
);
create index sign_in_failures_last on sign_in_failures (last_failure_at);

-- ID-213.
alter table users add column one_time_passcode_attempts integer not null default 0;

-- ID-19: they go with their user, whichever way the user is deleted.
create trigger user_totp_of_live_user before insert on user_totp
  for each row execute function refuse_deleted_user();
create trigger passkeys_of_live_user before insert on passkeys
  for each row execute function refuse_deleted_user();
create trigger recovery_codes_of_live_user before insert on recovery_codes
  for each row execute function refuse_deleted_user();
create function delete_second_factors_of_deleted_user() returns trigger language plpgsql as $$
begin
  delete from user_totp where user_id = new.id;
  delete from passkeys where user_id = new.id;
  delete from recovery_codes where user_id = new.id;
  return null;
end $$;
create trigger users_delete_second_factors after update of deleted on users
  for each row when (new.deleted and not old.deleted) execute function delete_second_factors_of_deleted_user();
