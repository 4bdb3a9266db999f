-- oldest-version: 4
-- Names of models and clients are found by leaping from one to the next. In place of the index for models, which begins
-- alike: it adds half a microsecond to what a request costs PostgreSQL, of 83.
create index aibridge_interceptions_names on aibridge_interceptions (lower(model), model, client)
  where ended_at is not null;
drop index aibridge_interceptions_model;
