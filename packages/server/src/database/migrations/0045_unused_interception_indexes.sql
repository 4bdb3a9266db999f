-- oldest-version: 4
-- Every request through the AI gateway wrote to these, and no query has a use for them: names are compared in lower case,
-- and threads are found by their session.
drop index aibridge_interceptions_root;
drop index aibridge_interceptions_parent;
drop index aibridge_interceptions_client;
drop index aibridge_interceptions_model;
drop index aibridge_interceptions_provider;
