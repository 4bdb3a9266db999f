-- oldest-version: 4
-- Keys that stored secrets are encrypted under (OP-67). Only digests: the first 7 bytes of SHA-256, in hex.

create table encryption_keys (
  digest text not null check (digest ~ '^[0-9a-f]{14}$'),
  created_at timestamptz not null default now(),
  -- Set once nothing is encrypted under it any more.
  revoked_at timestamptz,
  primary key (digest)
);

-- Digest of the key that a secret of the deployment is encrypted under; null for one that is stored as it is.
alter table crypto_keys add column secret_key_id text check (secret_key_id ~ '^[0-9a-f]{14}$');
