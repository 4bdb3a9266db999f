-- oldest-version: 4
-- Replicas keep in memory what the gateway asks on the way of every request; they hear of its changes (AG-B9, AG-B16).

create trigger ai_gateway_settings_announce after insert or update or delete on ai_gateway_settings
  for each row execute function announce_change('ai_governance', 'id');
create trigger group_ai_model_policies_announce after insert or update or delete on group_ai_model_policies
  for each row execute function announce_change('ai_governance', 'group_id');
create trigger organization_ai_privacy_announce after insert or update or delete on organization_ai_privacy
  for each row execute function announce_change('ai_governance', 'organization_id');
create trigger ai_provider_routing_announce after insert or update or delete on ai_provider_routing
  for each row execute function announce_change('ai_governance', 'provider_id');
