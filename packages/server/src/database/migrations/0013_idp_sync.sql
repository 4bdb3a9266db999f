-- oldest-version: 4
-- What the claims of an identity provider give (chapter 02, section 5). Without a row the options of the deployment hold.

create table idp_sync_organization_settings (
  singleton boolean primary key default true check (singleton),
  field text not null,
  mapping jsonb not null,
  organization_assign_default boolean not null
);

create table idp_sync_group_settings (
  organization_id uuid primary key references organizations (id) on delete cascade,
  field text not null,
  mapping jsonb not null,
  regex_filter text,
  auto_create_missing_groups boolean not null,
  legacy_group_name_mapping jsonb not null
);

create table idp_sync_role_settings (
  organization_id uuid primary key references organizations (id) on delete cascade,
  field text not null,
  mapping jsonb not null
);
