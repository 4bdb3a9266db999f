-- oldest-version: 4
-- Prices with a space around the name of their model held for nothing, and are set no more: a request is charged by the
-- name without it.
delete from ai_model_prices where source = 'custom' and model ~ '^\s|\s$';
