-- oldest-version: 4
-- Every replica shows how the deployment looks on every page, and reads it again when somebody has changed it.
create trigger site_configs_announce after insert or update on site_configs
  for each row when (new.key = 'appearance') execute function announce_change('appearance', 'key');
