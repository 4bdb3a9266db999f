-- oldest-version: 4
-- Sessions and requests of a provider, of one by its name, or of a client are found without reading all requests: few
-- providers have many names, and few names many clients, so that the index is leapt through where its beginning is not
-- asked for (PostgreSQL 18).
create index aibridge_interceptions_sources on aibridge_interceptions
  (lower(provider), lower(provider_name), lower(client)) where ended_at is not null;
