-- oldest-version: 4
-- A user has one budget. PostgreSQL takes a function in this language to have a thousand rows, and made the plan of each
-- admission anew then: 1.0 ms instead of 0.35.
alter function ai_budget_of(uuid, text) rows 1;
