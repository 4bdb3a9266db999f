-- oldest-version: 4
-- What requests have found wrong with providers, until it is right again (AG-B18). One row for each thing, whoever finds it.
create table ai_provider_troubles (
  provider_id uuid not null references ai_providers (id) on delete cascade,
  -- Id of the key, route of the circuit, or nothing where it is the provider.
  subject text not null check (length(subject) <= 512),
  -- Of the circuit.
  model text not null default '' check (length(model) <= 256),
  kind text not null check (kind in ('rate_limited', 'unauthorized', 'forbidden', 'failing', 'circuit_open')),
  error text not null default '' check (length(error) <= 512),
  since timestamptz not null,
  -- When it is tried again.
  until timestamptz,
  primary key (provider_id, subject, model)
);
create trigger ai_provider_troubles_announce after insert or update or delete on ai_provider_troubles
  for each row execute function announce_change('ai_provider_trouble', 'provider_id');
