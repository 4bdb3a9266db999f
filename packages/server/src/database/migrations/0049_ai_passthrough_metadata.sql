-- oldest-version: 4
-- What guardrails have decided about requests that are relayed only (AG-B17).
alter table aibridge_passthroughs add column metadata jsonb;
