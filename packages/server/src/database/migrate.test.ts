import pg from 'pg'
import { expect, test } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { createTestDatabase, until } from '@slipway/testkit'
import { migrate, migrations } from './migrate.ts'

const ID = (n: number) => `'00000000-0000-4000-8000-${String(n).padStart(12, '0')}'`
const [USER, ORGANIZATION, GROUP, FILE, JOB, TEMPLATE, VERSION] = [1, 2, 3, 4, 5, 6, 7].map(ID)
const [WORKSPACE, BUILD, BUILD_JOB, RESOURCE, AGENT, SCRIPT, SOURCE] = [8, 9, 10, 11, 12, 13, 14].map(ID)
const SESSION = ID(24)
const APP = ID(22)
const TASK = ID(44)
const DIGEST = `decode(repeat('ab', 32), 'hex')`

/** A row for every table, by the version that makes the table. */
const ROWS: Readonly<Record<number, readonly string[]>> = {
  2: [
    `insert into users (id, username, email) values (${USER}, 'ada', 'ada@example.com')`,
    `update users set deleted = true where username = 'ada'`,
    `update users set deleted = false where username = 'ada'`,
    `insert into user_configs values (${USER}, 'theme', 'dark')`,
    `insert into user_links (user_id, login_type, linked_id) values (${USER}, 'oidc', 'sub')`,
    `insert into api_keys (id, hashed_secret, user_id, expires_at, login_type, lifetime_seconds, scopes, allow_list)
       values ('abcdefghij', ${DIGEST}, ${USER}, now(), 'password', 60, '{coder:all}', '{*:*}')`,
    `insert into git_ssh_keys (user_id, public_key, private_key) values (${USER}, 'ssh-ed25519 A', '\\x01')`,
    `insert into organizations (id, name, is_default, default_org_member_roles)
       values (${ORGANIZATION}, 'acme', true, '{}')`,
    `insert into organization_members (organization_id, user_id) values (${ORGANIZATION}, ${USER})`,
    `insert into groups (id, organization_id, name) values (${GROUP}, ${ORGANIZATION}, 'builders')`,
    `insert into group_members values (${GROUP}, ${USER})`,
    `insert into custom_roles (name, organization_id) values ('reader', ${ORGANIZATION})`,
    `insert into site_configs values ('deployment_id', 'x')`,
    `insert into crypto_keys (feature, sequence, secret, starts_at) values ('replica_relay', 1, '\\x02', now())`,
  ],
  3: [
    `insert into files (id, hash, created_by, mimetype, data)
       values (${FILE}, repeat('a', 64), ${USER}, 'application/x-tar', '\\x03')`,
    `insert into provisioner_daemons (organization_id, name, key_id, provisioners, tags)
       values (${ORGANIZATION}, 'one', ${FILE}, '{typescript}', '{}')`,
    `insert into provisioner_jobs (id, organization_id, initiator_id, provisioner, file_id, type)
       values (${JOB}, ${ORGANIZATION}, ${USER}, 'typescript', ${FILE}, 'template_version_import')`,
    `insert into provisioner_job_logs (job_id, created_at, source, level, stage, output)
       values (${JOB}, now(), 'provisioner', 'info', 'plan', 'hello')`,
    `insert into provisioner_job_timings values (${JOB}, now(), now(), 'plan', 's', 'a', 'r')`,
    `insert into templates (id, organization_id, name, provisioner, active_version_id, created_by)
       values (${TEMPLATE}, ${ORGANIZATION}, 'local', 'typescript', ${VERSION}, ${USER})`,
    `insert into template_versions (id, template_id, organization_id, name, job_id, created_by)
       values (${VERSION}, ${TEMPLATE}, ${ORGANIZATION}, 'first', ${JOB}, ${USER})`,
    `insert into template_version_parameters (template_version_id, name, type) values (${VERSION}, 'p', 'string')`,
    `insert into template_version_variables (template_version_id, name) values (${VERSION}, 'v')`,
    `insert into template_version_workspace_tags values (${VERSION}, 'k', 'v')`,
    `insert into template_version_presets (template_version_id, name) values (${VERSION}, 'small')`,
  ],
  4: [
    `insert into workspaces (id, owner_id, organization_id, template_id, name)
       values (${WORKSPACE}, ${USER}, ${ORGANIZATION}, ${TEMPLATE}, 'dev')`,
    `insert into provisioner_jobs (id, organization_id, initiator_id, provisioner, file_id, type)
       values (${BUILD_JOB}, ${ORGANIZATION}, ${USER}, 'typescript', ${FILE}, 'workspace_build')`,
    `insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
       values (${BUILD}, ${WORKSPACE}, ${VERSION}, 1, 'start', ${USER}, ${BUILD_JOB})`,
    `insert into workspace_build_parameters values (${BUILD}, 'p', 'v')`,
    `insert into workspace_resources (id, job_id, transition, type, name)
       values (${RESOURCE}, ${BUILD_JOB}, 'start', 'local', 'machine')`,
    `insert into workspace_agents (id, resource_id, name, auth_token_hash)
       values (${AGENT}, ${RESOURCE}, 'main', ${DIGEST})`,
    `insert into workspace_agent_log_sources (workspace_agent_id, id) values (${AGENT}, ${SOURCE})`,
    `insert into workspace_agent_logs (agent_id, created_at, log_source_id, level, output)
       values (${AGENT}, now(), ${SOURCE}, 'info', 'hello')`,
    `insert into workspace_agent_scripts (id, workspace_agent_id, log_source_id, script)
       values (${SCRIPT}, ${AGENT}, ${SOURCE}, 'true')`,
    `insert into workspace_agent_script_timings values (${SCRIPT}, now(), now(), 0, 'start', 'ok')`,
    `insert into workspace_agent_metadata (workspace_agent_id, key, script, interval_ns, timeout_ns)
       values (${AGENT}, 'load', 'uptime', 1, 1)`,
    `insert into workspace_apps (agent_id, slug) values (${AGENT}, 'web')`,
    `insert into workspace_agent_port_share values (${WORKSPACE}, 'main', 8080, 'public')`,
  ],
  7: [
    `insert into replicas (id, hostname, relay_address, version) values (${ID(15)}, 'host', 'http://host', 'v1')`,
  ],
  10: [
    `insert into audit_logs (user_id, resource_type, resource_id, action, status_code)
       values (${USER}, 'workspace', ${WORKSPACE}, 'create', 201)`,
  ],
  11: [
    `insert into user_secrets (user_id, name, value, value_size, env_name) values (${USER}, 's', '\\x04', 1, 'S')`,
  ],
  19: [
    `insert into connection_logs (connect_time, organization_id, workspace_owner_id, workspace_id, workspace_name, agent_name, type)
       values (now(), ${ORGANIZATION}, ${USER}, ${WORKSPACE}, 'dev', 'main', 'tunnel')`,
    `insert into connection_visits values (${AGENT}, ${DIGEST}, now(), now())`,
  ],
  20: [`insert into encryption_keys (digest) values (repeat('a', 14))`],
  21: [
    `insert into audit_logs (resource_type, resource_id, action, status_code)
       values ('workspace', ${WORKSPACE}, 'write', 200)`,
    `insert into audit_chain values (1, ${ID(90)}, now(), ${DIGEST}, ${DIGEST}, ${DIGEST})`,
  ],
  13: [
    `insert into idp_sync_organization_settings (field, mapping, organization_assign_default)
       values ('organizations', '{}', true)`,
    `insert into idp_sync_group_settings values (${ORGANIZATION}, 'groups', '{}', null, false, '{}')`,
    `insert into idp_sync_role_settings values (${ORGANIZATION}, 'roles', '{}')`,
  ],
  12: [
    `insert into identity_providers (name, kind, settings) values ('corp', 'oidc', '{}')`,
    `insert into identity_provider_tests (provider, created_by, created_at, expires_at)
       values ('corp', ${USER}, now(), now())`,
  ],
  14: [
    `insert into external_auth_links (provider_id, user_id, tokens, has_refresh_token)
       values ('github', ${USER}, '\\x05', false)`,
  ],
  23: [
    `insert into mcp_server_configs (id, organization_id, display_name, slug, url, transport, auth_type, availability)
       values (${ID(23)}, ${ORGANIZATION}, 'MCP', 'mcp', 'https://mcp.example', 'sse', 'none', 'force_on')`,
    `insert into mcp_server_user_tokens (config_id, user_id, tokens, has_refresh_token)
       values (${ID(23)}, ${USER}, '\\x05', false)`,
    `insert into mcp_server_health (config_id, status, latency_ms, tool_count) values (${ID(23)}, 'healthy', 1, 1)`,
  ],
  26: [
    `insert into ai_providers (id, type, name, base_url) values (${ID(26)}, 'openai', 'openai', 'https://api.example/v1')`,
    `insert into ai_provider_keys (provider_id, api_key, masked) values (${ID(26)}, '\\x05', 'sk...x')`,
    `insert into user_ai_provider_keys (user_id, ai_provider_id, api_key, masked)
       values (${USER}, ${ID(26)}, '\\x05', 'sk...x')`,
  ],
  27: [
    `insert into chat_model_configs (id, ai_provider_id, model, context_limit) values (${ID(27)}, ${ID(26)}, 'gpt', 1)`,
    // They belong to an organization from version 29 on.
    `do $$ begin
       if exists (select from information_schema.columns where table_name = 'chats' and column_name = 'organization_id')
       then insert into chats (id, owner_id, last_model_config_id, organization_id)
         values (${ID(29)}, ${USER}, ${ID(27)}, ${ORGANIZATION});
       else insert into chats (id, owner_id, last_model_config_id) values (${ID(29)}, ${USER}, ${ID(27)});
       end if;
     end $$`,
    `insert into chat_messages (chat_id, role, content, visibility) values (${ID(29)}, 'user', '[]', 'both')`,
    `insert into chat_queued_messages (chat_id, created_by, content, model_config_id)
       values (${ID(29)}, ${USER}, '[]', ${ID(27)})`,
    `insert into chat_heartbeats (chat_id, runner_id) values (${ID(29)}, ${ID(29)})`,
    `insert into chat_tool_calls (message_id, call_index, chat_id, tool_call_id)
       select id, 0, chat_id, 'call' from chat_messages`,
    `insert into chat_files (id, owner_id, organization_id, name, mimetype, data, size_bytes, sha256)
       values (${ID(30)}, ${USER}, ${ORGANIZATION}, 'a.txt', 'text/plain', '\\x61', 1, ${DIGEST})`,
    `insert into chat_file_links (chat_id, file_id) values (${ID(29)}, ${ID(30)})`,
    `insert into chat_idempotency_keys (user_id, operation, key, request_hash, response)
       values (${USER}, 'create', 'k', ${DIGEST}, '{}')`,
  ],
  28: [
    `insert into aibridge_interceptions (id, initiator_id, provider, provider_name, model, started_at, credential_kind)
       values (${ID(28)}, ${USER}, 'openai', 'openai', 'gpt', now(), 'byok')`,
    `insert into aibridge_token_usages
         (id, interception_id, provider_response_id, input_tokens, output_tokens, created_at)
       values (${ID(28)}, ${ID(28)}, 'r', 1, 1, now())`,
    `insert into aibridge_user_prompts (id, interception_id, provider_response_id, prompt, created_at)
       values (${ID(28)}, ${ID(28)}, 'r', 'hi', now())`,
    `insert into aibridge_tool_usages (id, interception_id, provider_response_id, tool, input, created_at)
       values (${ID(28)}, ${ID(28)}, 'r', 'ls', '{}', now())`,
    `insert into aibridge_model_thoughts (interception_id, content, created_at) values (${ID(28)}, 'hm', now())`,
    `insert into ai_model_prices (provider, model, source, input_price) values ('openai', 'gpt', 'custom', 1)`,
    `insert into group_ai_budgets (group_id, spend_limit_micros) values (${GROUP}, 1)`,
    `insert into user_ai_budget_overrides (user_id, group_id, spend_limit_micros) values (${USER}, ${GROUP}, 1)`,
    `insert into ai_user_daily_spend (user_id, effective_group_id, day) values (${USER}, ${GROUP}, '2026-01-01')`,
    `insert into ai_provider_checks (provider_id, ok) values (${ID(26)}, true)`,
  ],
  32: [
    `insert into ai_gateway_settings (settings) values ('{}')`,
    `insert into group_ai_model_policies (group_id, allow) values (${GROUP}, '{gpt-*}')`,
    `insert into group_ai_limits (group_id, tokens_per_minute) values (${GROUP}, 1)`,
    `insert into organization_ai_budgets (organization_id, spend_limit_micros) values (${ORGANIZATION}, 1)`,
    `insert into organization_ai_privacy (organization_id, level, own_sessions) values (${ORGANIZATION}, 'hash', true)`,
    `insert into ai_provider_routing (provider_id, routing) values (${ID(26)}, '{}')`,
    `insert into api_key_ai_limits (api_key_id, models) values ('abcdefghij', '{gpt-*}')`,
    `insert into ai_key_daily_spend (api_key_id, day) values ('abcdefghij', '2026-01-01')`,
    `insert into ai_minute_tokens (subject_type, subject_id, minute) values ('key', 'abcdefghij', now())`,
    `insert into ai_spend_reservations (interception_id, user_id, amount_micros, expires_at)
       values (${ID(32)}, ${USER}, 1, now())`,
  ],
  36: [`insert into user_skills (user_id, name, description, content) values (${USER}, 's', 'd', 'c')`],
  38: [
    `insert into ai_total_daily_spend (subject_type, subject_id, day) values ('group', ${ID(38)}, '2026-01-01')`,
  ],
  33: [
    `insert into aibridge_passthroughs
         (id, initiator_id, provider, provider_name, method, route, status, started_at, duration_ms)
       values (${ID(33)}, ${USER}, 'openai', 'openai', 'GET', '/v1/models', 200, now(), 1)`,
    `insert into aibridge_exports (interception_id) values (${ID(28)})`,
  ],
  30: [
    `insert into chat_settings values ('retention_days', '30')`,
    `insert into user_chat_settings values (${USER}, 'custom_prompt', 'Be brief.')`,
  ],
  31: [
    `insert into workspace_agent_context (agent_id, version, aggregate_hash) values (${AGENT}, 0, ${DIGEST})`,
    `insert into workspace_agent_context_resources (agent_id, source, position, kind, status)
       values (${AGENT}, '/home/u/AGENTS.md', 0, 'instruction_file', 'ok')`,
    `insert into chat_contexts (chat_id, agent_id) values (${ID(29)}, ${AGENT})`,
    `insert into chat_context_resources (chat_id, source, position, kind, status)
       values (${ID(29)}, '/home/u/AGENTS.md', 0, 'instruction_file', 'ok')`,
    `insert into chat_diff_statuses (chat_id, git_branch) values (${ID(29)}, 'main')`,
  ],
  17: [
    `insert into user_totp (user_id, secret, last_step) values (${USER}, '\\x01', 1)`,
    `insert into passkeys (user_id, name, credential_id, public_key, sign_count)
       values (${USER}, 'phone', '\\x01', '\\x02', 0)`,
    `insert into recovery_codes (user_id, hashed_code) values (${USER}, ${DIGEST})`,
    `insert into spent_challenges values (${DIGEST}, now())`,
    `insert into session_proofs values ('abcdefghij', true, now())`,
    `insert into sign_in_failures values (${DIGEST}, 1, now(), null)`,
  ],
  22: [
    `update oauth2_provider_settings set dynamic_client_registration_enabled = true`,
    `insert into oauth2_provider_apps (id, name, callback_url, client_type)
       values (${APP}, 'pine', 'https://pine.example/cb', 'confidential')`,
    `insert into oauth2_provider_app_secrets (id, app_id, secret_prefix, hashed_secret, display_secret)
       values (${APP}, ${APP}, 'abcdefghij', ${DIGEST}, 'abcdef')`,
    `insert into oauth2_provider_grants (id, app_id, user_id, scopes) values (${APP}, ${APP}, ${USER}, '{coder:all}')`,
    `insert into oauth2_provider_app_codes
         (expires_at, app_id, user_id, secret_prefix, hashed_secret, code_challenge, code_challenge_method, scopes, grant_id)
       values (now(), ${APP}, ${USER}, 'abcdefghij', ${DIGEST}, 'x', 'S256', '{coder:all}', ${APP})`,
    `insert into oauth2_provider_app_tokens
         (app_id, app_secret_id, user_id, api_key_id, grant_id, expires_at, hash_prefix, refresh_hash, scopes)
       values (${APP}, ${APP}, ${USER}, 'abcdefghij', ${APP}, now(), 'abcdefghij', ${DIGEST}, '{coder:all}')`,
    `insert into oauth2_provider_rotated_tokens
         (hash_prefix, refresh_hash, app_id, grant_id, successor_prefix, expires_at)
       values ('bbbbbbbbbb', ${DIGEST}, ${APP}, ${APP}, 'abcdefghij', now())`,
    `insert into oauth2_provider_consents (user_id, app_id, scopes) values (${USER}, ${APP}, '{coder:all}')`,
    `insert into oauth2_provider_device_codes
         (expires_at, app_id, secret_prefix, hashed_secret, hashed_user_code, scopes)
       values (now(), ${APP}, 'abcdefghij', ${DIGEST}, ${DIGEST}, '{coder:all}')`,
    `insert into oauth2_provider_pushed_requests (hashed_secret, app_id, parameters, expires_at)
       values (${DIGEST}, ${APP}, '{}', now())`,
    `insert into oauth2_provider_dpop_proofs values (${DIGEST}, now())`,
    `update api_keys set audience = 'https://x.example', dpop_thumbprint = 'x'`,
  ],
  24: [
    `insert into mcp_sessions (id, user_id, protocol_version, client) values (${SESSION}, ${USER}, '2025-11-25', '{}')`,
    `update mcp_sessions set log_level = 'info'`,
    `insert into mcp_session_messages (session_id, message) values (${SESSION}, '{}')`,
  ],
  25: [
    `insert into oidc_sessions values ('abcdefghij', 'https://idp.example', 'sub', 'sid')`,
    `insert into spent_logout_tokens values (${DIGEST}, now())`,
    `insert into audit_forwarding (destination, sequence) values ('https://siem.example', 1)`,
  ],
  37: [
    `insert into notification_template_methods (template_id, method) values (${TEMPLATE}, 'inbox')`,
    `insert into notification_preferences (user_id, template_id, disabled) values (${USER}, ${TEMPLATE}, true)`,
    `insert into notification_messages (template_id, user_id, method, payload, dedupe_hash)
       values (${TEMPLATE}, ${USER}, 'inbox', '{}', ${DIGEST})`,
    `insert into inbox_notifications (user_id, template_id, title, content) values (${USER}, ${TEMPLATE}, 'a', 'b')`,
    `insert into token_expiry_warnings values ('abcdefghij', now())`,
  ],
  48: [
    `insert into ai_model_price_changes (provider, model, source, input_price) values ('openai', 'x', 'custom', 1)`,
    `insert into ai_former_groups values (${GROUP}, ${ORGANIZATION}, 'gone')`,
  ],
  61: [
    `insert into workspace_agent_stats (agent_id, minute, user_id, template_id) values (${AGENT}, now(), ${USER}, ${TEMPLATE})`,
    `insert into workspace_app_stats values (${AGENT}, ${USER}, 'web', now(), ${TEMPLATE})`,
    `insert into template_used_apps values (${TEMPLATE}, 'web', 'Web', '')`,
    `insert into template_usage_stats values (now(), ${TEMPLATE}, ${USER}, 1, 1, 0, 0, 0, 0)`,
    `insert into usage_rollup (rolled_up_to) values (now())`,
  ],
  52: [
    `insert into ai_provider_troubles (provider_id, subject, kind, since) values (${ID(26)}, '', 'failing', now())`,
  ],
  46: [`insert into scim_users (user_id, user_name) values (${USER}, 'ada@example.com')`],
  63: [`insert into workspace_build_orchestrations (parent_build_id) values (${BUILD})`],
  44: [
    `insert into tasks (id, organization_id, owner_id, name, display_name, workspace_id, template_version_id, prompt)
       values (${TASK}, ${ORGANIZATION}, ${USER}, 'sort', 'Sort', ${WORKSPACE}, ${VERSION}, 'Sort the mail')`,
    `insert into task_snapshots (task_id, log_snapshot) values (${TASK}, '{"messages": []}')`,
    `insert into task_workspace_apps select b.id, p.id from workspace_builds b, workspace_apps p limit 1`,
  ],
  40: [
    `insert into workspace_app_statuses (workspace_id, agent_id, app_id, state, message, uri)
       select ${WORKSPACE}, agent_id, id, 'working', 'Reads', '' from workspace_apps`,
  ],
  39: [
    `insert into webpush_keys (public_key, private_key) values (repeat('x', 87), 'x')`,
    `insert into webpush_subscriptions (user_id, public_key, endpoint, p256dh_key, auth_key)
       values (${USER}, repeat('x', 87), 'https://push.example/1', repeat('y', 87), 'x')`,
  ],
  18: [`insert into rate_limit_buckets values (decode(repeat('ab', 16), 'hex'), 60000, 1, 0, true)`],
}

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** The rows of all tables, as JSON. */
async function contents(client: pg.Client): Promise<Map<string, object[]>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'slipway_migrations'`,
  )
  const found = new Map<string, object[]>()
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: object }>(`select to_jsonb(t) as row from ${name} t`)
    found.set(
      name,
      rows.map(({ row }) => row),
    )
  }
  return found
}

/** No release ends with one of these steps: they came together with the next ones. */
const NEVER_LAST: ReadonlySet<number> = new Set([27, 28])

/** What statements of a release rely on: columns, which of them an insert must give, functions and words of enums. */
async function shape(client: pg.Client): Promise<Map<string, { type: string; needed: boolean }>> {
  const { rows } = await client.query<{ name: string; type: string; needed: boolean }>(
    `select table_name || '.' || column_name as name, udt_name as type,
            is_nullable = 'NO' and column_default is null and is_identity = 'NO' and is_generated = 'NEVER'
              and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE')
              as needed
       from information_schema.columns where table_schema = 'public' and table_name <> 'slipway_migrations'
     union all
     select proname || '(' || pg_get_function_identity_arguments(oid) || ')', prorettype::regtype::text, false
       from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
     union all
     select enumtypid::regtype || ' ' || enumlabel, 'word', false from pg_enum`,
  )
  return new Map(rows.map(({ name, type, needed }) => [name, { type, needed }]))
}

/** Why the statements of a release that was made for the older shape would fail on the newer one. */
function obstacles(
  older: Awaited<ReturnType<typeof shape>>,
  newer: Awaited<ReturnType<typeof shape>>,
): string[] {
  const tables = new Set([...older.keys()].map((name) => name.split('.')[0]))
  const lost = [...older].flatMap(([name, { type }]) => {
    const now = newer.get(name)?.type
    return now === type ? [] : [`${name} was ${type} and is ${now ?? 'gone'}`]
  })
  const demanded = [...newer]
    .filter(
      ([name, { needed }]) => needed && tables.has(name.split('.')[0]) && older.get(name)?.needed !== true,
    )
    .map(([name]) => `${name} must be given`)
  return [...lost, ...demanded]
}

test('OP-44: replicas that start together migrate once', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await Promise.all(Array.from({ length: 5 }, () => migrate({ connectionString: database.url })))
  await using client = await connected(database.url)
  const { rows } = await client.query('select version from slipway_migrations order by version')
  expect(rows.map((row) => row.version)).toEqual((await migrations()).map((step) => step.version))
})

test('OP-44, L-19: each earlier version migrates upwards, keeps a row of every table as it is, and runs on the result', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await using client = await connected(database.url)
  let before = new Map<string, object[]>()
  const shapes = new Map<number, Awaited<ReturnType<typeof shape>>>()
  // One step after the other: each finds what every version before it has left.
  for (const { version, oldestVersion } of await migrations()) {
    await migrate({ connectionString: database.url }, { target: version })
    const now = await shape(client)
    shapes.set(version, now)
    // L-19: releases that may still start on it find all that they read, and are asked for nothing new.
    for (const [older, then] of shapes)
      if (older >= oldestVersion && !NEVER_LAST.has(older))
        expect.soft(obstacles(then, now), `step ${version} says that version ${older} runs on it`).toEqual([])
    const after = await contents(client)
    for (const [table, rows] of before)
      expect(after.get(table), `${table} after step ${version}`).toEqual(
        expect.arrayContaining(rows.map((row) => expect.objectContaining(row))),
      )
    for (const row of ROWS[version] ?? []) await client.query(row)
    before = await contents(client)
    if (version === 1) before.delete('change_log')
    expect(
      [...before].filter(([, rows]) => rows.length === 0).map(([name]) => name),
      `tables of version ${version} that need a row here`,
    ).toEqual([])
  }
}, 60_000)

test('OP-44, RB-131: what the previous release writes to the audit log during the step is chained as well', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const config = { connectionString: database.url }
  await migrate(config, { target: 20 })
  await using writer = await connected(database.url)
  await using client = await connected(database.url)
  await writer.query('begin')
  await writer.query(`insert into audit_logs (resource_type, resource_id, action, status_code)
    values ('user', ${USER}, 'write', 200)`)
  const migrated = migrate(config)
  await until('the step to wait for the writer', async () => {
    const { rows } = await client.query(
      `select from pg_locks where not granted and relation = 'audit_logs'::regclass`,
    )
    return rows.length > 0
  })
  await writer.query('commit')
  await migrated
  const { rows } = await client.query('select count(*)::int as waiting from audit_unchained')
  expect(rows).toEqual([{ waiting: 1 }])
})

test('OP-44: a step that fails leaves nothing behind, and the next start does all of it', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const config = { connectionString: database.url }
  await migrate(config, { target: 3 })
  await using client = await connected(database.url)
  await client.query('create table workspace_apps (in_the_way int)')
  await expect(migrate(config)).rejects.toThrow('workspace_apps')
  const { rows } = await client.query(
    `select (select max(version) from slipway_migrations) as version, to_regclass('workspaces') as made`,
  )
  expect(rows).toEqual([{ version: 3, made: null }])
  await client.query('drop table workspace_apps')
  await migrate(config)
})

test('OP-176: what is pending can be asked for without a change, and each step of a database in use is logged', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const config = { connectionString: database.url }
  await using client = await connected(database.url)
  const lines: { message: string; version: number; of?: number }[] = []
  const log = createLogger({ level: 'info', sink: { write: (line) => void lines.push(JSON.parse(line)) } })
  const versions = (steps: readonly { version: number }[]) => steps.map(({ version }) => version)
  const all = versions(await migrations())

  expect(versions(await migrate(config, { dryRun: true, log }))).toEqual(all)
  const { rows: made } = await client.query(`select to_regclass('slipway_migrations') as made`)
  expect(made).toEqual([{ made: null }])
  expect(lines).toEqual([])

  expect(versions(await migrate(config, { target: 3, log }))).toEqual([1, 2, 3])
  // The first tables of a database are nobody's news.
  expect(lines.map(({ message }) => message)).toEqual(['the schema is up to date'])
  lines.length = 0
  const rest = all.filter((version) => version > 3)
  expect(versions(await migrate(config, { dryRun: true, log }))).toEqual(rest)
  expect(versions(await migrate(config, { log }))).toEqual(rest)
  const steps = lines.filter(({ message }) => message === 'the schema is migrated')
  expect(versions(steps)).toEqual(rest)
  expect(new Set(steps.map(({ of }) => of))).toEqual(new Set([rest.length]))
  expect(await migrate(config, { log })).toEqual([])
})

test('OP-45, L-20: a newer schema is refused with the versions and its time named, unless all its steps still carry this release', async () => {
  await using database = await createTestDatabase()
  const config = { connectionString: database.url }
  await using client = await connected(database.url)
  await client.query(
    `insert into slipway_migrations (version, name, oldest_version)
       values (9998, 'later', 9998), (9999, 'latest', 1)`,
  )
  await expect(migrate(config)).rejects.toThrow(
    /version 9999 since 20\d\d-.* must know version 9998 .* knows \d+\. Start/,
  )
  await client.query('update slipway_migrations set oldest_version = 1 where version = 9998')
  await migrate(config)
})

test('OP-45: a step that only adds tells which release still runs on its result', async () => {
  await using database = await createTestDatabase()
  await using client = await connected(database.url)
  const { rows } = await client.query(
    'select version, oldest_version from slipway_migrations where version in (4, 8) order by version',
  )
  expect(rows).toEqual([
    { version: 4, oldest_version: 4 },
    { version: 8, oldest_version: 4 },
  ])
})

test('OP-45: a database of the reference is refused', async () => {
  await using database = await createTestDatabase({ migrated: false })
  await using client = await connected(database.url)
  await client.query('create table schema_migrations (version bigint primary key, dirty boolean)')
  await expect(migrate({ connectionString: database.url })).rejects.toThrow(/schema of Coder/)
})
