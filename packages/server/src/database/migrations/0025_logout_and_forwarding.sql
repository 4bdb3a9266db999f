-- oldest-version: 4
-- Sign-outs that identity providers announce (ID-220), and where the audit log has been forwarded to (RB-131).

-- Which session at a provider a key was given for.
create table oidc_sessions (
  key_id text primary key references api_keys (id) on delete cascade,
  issuer text not null check (length(issuer) <= 2048),
  subject text not null check (length(subject) <= 1024),
  sid text check (length(sid) between 1 and 1024)
);
create index oidc_sessions_subject on oidc_sessions (issuer, subject);
create index oidc_sessions_sid on oidc_sessions (issuer, sid) where sid is not null;

-- Logout tokens count once.
create table spent_logout_tokens (
  digest bytea primary key check (octet_length(digest) = 32),
  expires_at timestamptz not null
);

-- How far each destination has got in the chain of the audit log. Whoever holds the lease sends.
create table audit_forwarding (
  destination text primary key check (length(destination) between 1 and 2048),
  sequence bigint not null,
  lease uuid,
  lease_until timestamptz,
  updated_at timestamptz not null default now()
);
