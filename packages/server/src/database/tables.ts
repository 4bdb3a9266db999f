// Generated from the migrations by `npm run generate`. Do not edit.
import type { ColumnType, Generated } from 'kysely'

/** Any JSON value. Written as text, read as a value. */
export type Json = ColumnType<JsonValue, string, string>
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

export interface AgentsWithWorkspaceTable {
  id: ColumnType<string, never, never>
  parent_id: ColumnType<string | null, never, never>
  created_at: ColumnType<Date, never, never>
  updated_at: ColumnType<Date, never, never>
  resource_id: ColumnType<string, never, never>
  name: ColumnType<string, never, never>
  deleted: ColumnType<boolean, never, never>
  auth_token_hash: ColumnType<Buffer, never, never>
  auth_instance_id: ColumnType<string | null, never, never>
  architecture: ColumnType<string, never, never>
  operating_system: ColumnType<string, never, never>
  environment_variables: ColumnType<JsonValue, string, string>
  directory: ColumnType<string, never, never>
  expanded_directory: ColumnType<string, never, never>
  version: ColumnType<string, never, never>
  api_version: ColumnType<string, never, never>
  motd_file: ColumnType<string, never, never>
  connection_timeout_seconds: ColumnType<number, never, never>
  troubleshooting_url: ColumnType<string, never, never>
  display_apps: ColumnType<string[], never, never>
  display_order: ColumnType<number, never, never>
  api_key_scope: ColumnType<string, never, never>
  subsystems: ColumnType<string[], never, never>
  lifecycle_state: ColumnType<
    | 'created'
    | 'starting'
    | 'start_timeout'
    | 'start_error'
    | 'ready'
    | 'shutting_down'
    | 'shutdown_timeout'
    | 'shutdown_error'
    | 'off',
    never,
    never
  >
  started_at: ColumnType<Date | null, never, never>
  ready_at: ColumnType<Date | null, never, never>
  first_connected_at: ColumnType<Date | null, never, never>
  last_connected_at: ColumnType<Date | null, never, never>
  disconnected_at: ColumnType<Date | null, never, never>
  last_connected_replica_id: ColumnType<string | null, never, never>
  logs_length: ColumnType<number, never, never>
  logs_overflowed: ColumnType<boolean, never, never>
  job_id: ColumnType<string, never, never>
  build_id: ColumnType<string, never, never>
  build_number: ColumnType<number, never, never>
  build_transition: ColumnType<'start' | 'stop' | 'delete', never, never>
  template_version_id: ColumnType<string, never, never>
  workspace_id: ColumnType<string, never, never>
  workspace_name: ColumnType<string, never, never>
  owner_id: ColumnType<string, never, never>
  organization_id: ColumnType<string, never, never>
  template_id: ColumnType<string, never, never>
  dormant_at: ColumnType<Date | null, never, never>
  user_acl: ColumnType<JsonValue, string, string>
  group_acl: ColumnType<JsonValue, string, string>
  owner_username: ColumnType<string, never, never>
  job_status: ColumnType<
    'pending' | 'running' | 'succeeded' | 'canceling' | 'canceled' | 'failed',
    never,
    never
  >
  status: ColumnType<'connecting' | 'connected' | 'disconnected' | 'timeout', never, never>
}

export interface AiFormerGroupsTable {
  group_id: string
  organization_id: string
  name: string
}

export interface AiGatewaySettingsTable {
  id: Generated<boolean>
  settings: ColumnType<JsonValue, string | undefined, string>
  guardrail_webhook_secret: Buffer | null
  export_webhook_secret: Buffer | null
  updated_at: Generated<Date>
}

export interface AiKeyDailySpendTable {
  api_key_id: string
  day: string
  spend_micros: Generated<number>
}

export interface AiMinuteTokensTable {
  subject_type: 'user' | 'group' | 'key'
  subject_id: string
  minute: Date
  tokens: Generated<number>
}

export interface AiModelPriceChangesTable {
  id: Generated<string>
  changed_at: Generated<Date>
  user_id: string | null
  provider: string
  model: string
  source: 'default' | 'custom'
  removed: Generated<boolean>
  input_price: number | null
  output_price: number | null
  cache_read_price: number | null
  cache_write_price: number | null
}

export interface AiModelPricesTable {
  provider: 'openai' | 'anthropic' | 'azure' | 'bedrock' | 'google' | 'openrouter' | 'vercel' | 'copilot'
  model: string
  source: 'default' | 'custom'
  input_price: number | null
  output_price: number | null
  cache_read_price: number | null
  cache_write_price: number | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface AiProviderChecksTable {
  provider_id: string
  checked_at: Generated<Date>
  ok: boolean
  error: Generated<string>
}

export interface AiProviderKeysTable {
  id: Generated<string>
  provider_id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  api_key: Buffer
  masked: string
}

export interface AiProviderRoutingTable {
  provider_id: string
  routing: ColumnType<JsonValue, string, string>
  updated_at: Generated<Date>
}

export interface AiProviderTroublesTable {
  provider_id: string
  subject: string
  model: Generated<string>
  kind: 'rate_limited' | 'unauthorized' | 'forbidden' | 'failing' | 'circuit_open'
  error: Generated<string>
  since: Date
  until: Date | null
}

export interface AiProvidersTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  type:
    | 'openai'
    | 'anthropic'
    | 'azure'
    | 'bedrock'
    | 'google'
    | 'openai-compat'
    | 'openrouter'
    | 'vercel'
    | 'copilot'
  name: string
  display_name: Generated<string>
  icon: Generated<string>
  enabled: Generated<boolean>
  deleted: Generated<boolean>
  base_url: string
  settings: Buffer | null
}

export interface AiSpendReservationsTable {
  interception_id: string
  user_id: string
  effective_group_id: string | null
  api_key_id: string | null
  amount_micros: number
  expires_at: Date
}

export interface AiTotalDailySpendTable {
  subject_type: 'group' | 'organization'
  subject_id: string
  day: string
  spend_micros: Generated<number>
}

export interface AiUserDailySpendTable {
  user_id: string
  effective_group_id: string
  day: string
  spend_micros: Generated<number>
}

export interface AibridgeExportsTable {
  interception_id: string
  queued_at: Generated<Date>
  claimed_until: Date | null
  refusals: Generated<number>
  refusal: string | null
  set_aside_at: Date | null
}

export interface AibridgeInterceptionsTable {
  id: string
  initiator_id: string
  api_key_id: string | null
  provider: string
  provider_name: string
  model: string
  metadata: ColumnType<JsonValue, string | undefined, string>
  started_at: Date
  ended_at: Date | null
  client: Generated<string>
  client_session_id: string | null
  thread_parent_id: string | null
  thread_root_id: string | null
  session_id: ColumnType<string, never, never>
  credential_kind: 'centralized' | 'byok'
  credential_hint: Generated<string>
  agent_firewall_session_id: string | null
  agent_firewall_sequence_number: number | null
  error_type:
    | 'bad_request'
    | 'unauthorized'
    | 'rate_limited'
    | 'overloaded'
    | 'server_error'
    | 'timeout'
    | 'unknown'
    | null
  error_message: string | null
  requested_model: string | null
}

export interface AibridgeModelThoughtsTable {
  interception_id: string
  content: string
  metadata: ColumnType<JsonValue, string | undefined, string>
  created_at: Date
}

export interface AibridgePassthroughsTable {
  id: string
  initiator_id: string
  api_key_id: string | null
  provider: string
  provider_name: string
  method: string
  route: string
  client: Generated<string>
  status: number | null
  started_at: Date
  duration_ms: number
  metadata: ColumnType<JsonValue | null, string | null, string | null>
}

export interface AibridgeTokenUsagesTable {
  id: string
  interception_id: string
  provider_response_id: string
  input_tokens: number
  output_tokens: number
  cache_read_input_tokens: Generated<number>
  cache_write_input_tokens: Generated<number>
  metadata: ColumnType<JsonValue, string | undefined, string>
  created_at: Date
  effective_group_id: string | null
  input_price_micros: number | null
  output_price_micros: number | null
  cache_read_price_micros: number | null
  cache_write_price_micros: number | null
  cost_micros: number | null
}

export interface AibridgeToolUsagesTable {
  id: string
  interception_id: string
  provider_response_id: string
  provider_tool_call_id: string | null
  provider_item_id: Generated<string>
  server_url: string | null
  tool: string
  input: string
  injected: Generated<boolean>
  invocation_error: string | null
  metadata: ColumnType<JsonValue, string | undefined, string>
  created_at: Date
}

export interface AibridgeUserPromptsTable {
  id: string
  interception_id: string
  provider_response_id: string
  prompt: string
  metadata: ColumnType<JsonValue, string | undefined, string>
  created_at: Date
}

export interface ApiKeyAiLimitsTable {
  api_key_id: string
  providers: string[] | null
  models: string[] | null
  monthly_spend_limit_micros: number | null
  requests_per_second: number | null
  tokens_per_minute: number | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface ApiKeysTable {
  id: string
  hashed_secret: Buffer
  user_id: string
  last_used: Generated<Date>
  expires_at: Date
  created_at: Generated<Date>
  updated_at: Generated<Date>
  login_type: 'password' | 'github' | 'oidc' | 'token' | 'none' | 'oauth2_provider_app'
  lifetime_seconds: number
  ip_address: Generated<string>
  user_agent: Generated<string>
  token_name: Generated<string>
  scopes: string[]
  allow_list: string[]
  audience: string | null
  dpop_thumbprint: string | null
}

export interface AuditChainTable {
  sequence: number
  audit_log_id: string
  time: Date
  digest: Buffer
  previous: Buffer
  hash: Buffer
}

export interface AuditForwardingTable {
  destination: string
  sequence: number
  lease: string | null
  lease_until: Date | null
  updated_at: Generated<Date>
}

export interface AuditLogsTable {
  id: Generated<string>
  time: Generated<Date>
  user_id: string | null
  organization_id: string | null
  ip: string | null
  user_agent: Generated<string>
  resource_type: string
  resource_id: string
  resource_target: Generated<string>
  resource_icon: Generated<string>
  action: string
  diff: ColumnType<JsonValue, string | undefined, string>
  status_code: number
  additional_fields: ColumnType<JsonValue, string | undefined, string>
  request_id: Generated<string>
}

export interface AuditUnchainedTable {
  audit_log_id: string
}

export interface ChangeLogTable {
  txid: Generated<string>
  id: Generated<number>
  kind: string
  key: string
  op: 'insert' | 'update' | 'delete'
  data: ColumnType<JsonValue, string | undefined, string>
}

export interface ChangeLogHorizonTable {
  only_row: Generated<boolean>
  boundary: string
}

export interface ChatContextResourcesTable {
  chat_id: string
  source: string
  position: number
  kind: 'instruction_file' | 'skill' | 'mcp_config' | 'mcp_server'
  status: 'ok' | 'oversize' | 'unreadable' | 'invalid' | 'excluded'
  size_bytes: Generated<number>
  error: Generated<string>
  body: Generated<string>
  attributes: ColumnType<JsonValue, string | undefined, string>
}

export interface ChatContextsTable {
  chat_id: string
  agent_id: string
  operating_system: Generated<string>
  directory: Generated<string>
  pinned_at: Generated<Date>
}

export interface ChatDiffStatusesTable {
  chat_id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  git_branch: Generated<string>
  git_remote_origin: Generated<string>
  url: string | null
  pull_request_state: 'open' | 'closed' | 'merged' | null
  pull_request_title: Generated<string>
  pull_request_draft: Generated<boolean>
  changes_requested: Generated<boolean>
  additions: Generated<number>
  deletions: Generated<number>
  changed_files: Generated<number>
  author_login: string | null
  author_avatar_url: string | null
  base_branch: string | null
  head_branch: string | null
  pr_number: number | null
  commits: number | null
  approved: boolean | null
  reviewer_count: number | null
  refreshed_at: Date | null
  stale_at: Generated<Date>
}

export interface ChatFileLinksTable {
  chat_id: string
  file_id: string
  created_at: Generated<Date>
}

export interface ChatFilesTable {
  id: Generated<string>
  created_at: Generated<Date>
  owner_id: string
  organization_id: string
  name: string
  mimetype: string
  data: Buffer
  size_bytes: number
  sha256: Buffer
}

export interface ChatHeartbeatsTable {
  chat_id: string
  runner_id: string
  heartbeat_at: Generated<Date>
}

export interface ChatIdempotencyKeysTable {
  user_id: string
  operation: string
  key: string
  request_hash: Buffer
  response: ColumnType<JsonValue, string, string>
  created_at: Generated<Date>
}

export interface ChatMessagesTable {
  id: ColumnType<number, never, never>
  chat_id: string
  created_at: Generated<Date>
  created_by: string | null
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: ColumnType<JsonValue, string, string>
  content_version: Generated<number>
  visibility: 'user' | 'model' | 'both'
  model_config_id: string | null
  reasoning_effort: string | null
  compressed: Generated<boolean>
  deleted: Generated<boolean>
  revision: Generated<number>
  runtime_ms: number | null
  input_tokens: number | null
  output_tokens: number | null
  total_tokens: number | null
  reasoning_tokens: number | null
  cache_creation_tokens: number | null
  cache_read_tokens: number | null
  context_limit: number | null
  search_tsv: unknown | null
}

export interface ChatModelConfigsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  created_by: string | null
  updated_by: string | null
  ai_provider_id: string
  model: string
  display_name: Generated<string>
  enabled: Generated<boolean>
  is_default: Generated<boolean>
  context_limit: number
  compression_threshold: Generated<number>
  options: ColumnType<JsonValue, string | undefined, string>
  deleted: Generated<boolean>
}

export interface ChatQueuedMessagesTable {
  id: ColumnType<number, never, never>
  chat_id: string
  created_at: Generated<Date>
  created_by: string
  content: ColumnType<JsonValue, string, string>
  model_config_id: string
  reasoning_effort: string | null
  position: Generated<number>
}

export interface ChatSettingsTable {
  key: string
  value: string
  updated_at: Generated<Date>
}

export interface ChatToolCallsTable {
  message_id: number
  call_index: number
  chat_id: string
  tool_call_id: string
  started_at: Generated<Date>
  resume: ColumnType<JsonValue | null, string | null, string | null>
  result: ColumnType<JsonValue | null, string | null, string | null>
}

export interface ChatsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  owner_id: string
  parent_chat_id: string | null
  root_chat_id: string | null
  workspace_id: string | null
  title: Generated<string>
  labels: ColumnType<JsonValue, string | undefined, string>
  pin_order: Generated<number>
  status: Generated<'waiting' | 'running' | 'interrupting' | 'requires_action' | 'error'>
  archived: Generated<boolean>
  archived_at: Date | null
  last_error: ColumnType<JsonValue | null, string | null, string | null>
  mode: 'explore' | 'computer_use' | null
  plan_mode: string | null
  last_model_config_id: string
  last_reasoning_effort: string | null
  mcp_server_ids: Generated<string[]>
  dynamic_tools: ColumnType<JsonValue, string | undefined, string>
  user_acl: ColumnType<JsonValue, string | undefined, string>
  group_acl: ColumnType<JsonValue, string | undefined, string>
  last_read_message_id: number | null
  last_turn_summary: string | null
  summary: string | null
  summary_generated_at: Date | null
  worker_id: string | null
  runner_id: string | null
  snapshot_version: Generated<number>
  history_version: Generated<number>
  queue_version: Generated<number>
  retry_state_version: Generated<number>
  generation_attempt: Generated<number>
  retry_state: ColumnType<JsonValue | null, string | null, string | null>
  requires_action_deadline_at: Date | null
  compaction_requested_at: Date | null
  context_aggregate_hash: Buffer | null
  context_dirty_since: Date | null
  context_error: string | null
  client_type: Generated<'ui' | 'api'>
  organization_id: string
}

export interface ConnectionLogsTable {
  id: Generated<string>
  connect_time: Date
  organization_id: string
  workspace_owner_id: string
  workspace_id: string
  workspace_name: string
  agent_name: string
  type: 'ssh' | 'vscode' | 'jetbrains' | 'reconnecting_pty' | 'workspace_app' | 'port_forwarding' | 'tunnel'
  ip: string | null
  code: number | null
  user_id: string | null
  user_agent: string | null
  slug_or_port: string | null
  connection_id: string | null
  disconnect_time: Date | null
  disconnect_reason: string | null
}

export interface ConnectionVisitsTable {
  agent_id: string
  digest: Buffer
  started_at: Date
  updated_at: Date
}

export interface CryptoKeysTable {
  feature: string
  sequence: number
  secret: Buffer | null
  starts_at: Date
  deletes_at: Date | null
  secret_key_id: string | null
}

export interface CustomRolesTable {
  id: Generated<string>
  name: string
  display_name: Generated<string>
  organization_id: string | null
  is_system: Generated<boolean>
  site_permissions: ColumnType<JsonValue, string | undefined, string>
  org_permissions: ColumnType<JsonValue, string | undefined, string>
  user_permissions: ColumnType<JsonValue, string | undefined, string>
  member_permissions: ColumnType<JsonValue, string | undefined, string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  assignable_by: Generated<string[]>
}

export interface EncryptionKeysTable {
  digest: string
  created_at: Generated<Date>
  revoked_at: Date | null
}

export interface ExternalAuthLinksTable {
  provider_id: string
  user_id: string
  tokens: Buffer
  has_refresh_token: boolean
  expires_at: Date | null
  generation: Generated<number>
  refresh_failure: Generated<string>
  refresh_lease: string | null
  refresh_lease_until: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface FilesTable {
  id: Generated<string>
  hash: string
  created_by: string
  created_at: Generated<Date>
  mimetype: string
  data: Buffer
}

export interface GitSshKeysTable {
  user_id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  public_key: string
  private_key: Buffer
}

export interface GroupAiBudgetsTable {
  group_id: string
  spend_limit_micros: number
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface GroupAiLimitsTable {
  group_id: string
  total_spend_limit_micros: number | null
  tokens_per_minute: number | null
  member_tokens_per_minute: number | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface GroupAiModelPoliciesTable {
  group_id: string
  allow: Generated<string[]>
  deny: Generated<string[]>
  aliases: ColumnType<JsonValue, string | undefined, string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface GroupMembersTable {
  group_id: string
  user_id: string
}

export interface GroupMembersExpandedTable {
  group_id: ColumnType<string, never, never>
  user_id: ColumnType<string, never, never>
}

export interface GroupsTable {
  id: Generated<string>
  organization_id: string
  name: string
  display_name: Generated<string>
  avatar_url: Generated<string>
  quota_allowance: Generated<number>
  source: Generated<'user' | 'oidc'>
  created_at: Generated<Date>
}

export interface IdentityProviderTestsTable {
  id: Generated<string>
  provider: string
  created_by: string
  created_at: Date
  expires_at: Date
  result: ColumnType<JsonValue | null, string | null, string | null>
}

export interface IdentityProvidersTable {
  id: Generated<string>
  name: string
  kind: 'oidc' | 'github'
  display_name: Generated<string>
  icon: Generated<string>
  enabled: Generated<boolean>
  settings: ColumnType<JsonValue, string, string>
  client_secret: Buffer | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface IdpSyncGroupSettingsTable {
  organization_id: string
  field: string
  mapping: ColumnType<JsonValue, string, string>
  regex_filter: string | null
  auto_create_missing_groups: boolean
  legacy_group_name_mapping: ColumnType<JsonValue, string, string>
}

export interface IdpSyncOrganizationSettingsTable {
  singleton: Generated<boolean>
  field: string
  mapping: ColumnType<JsonValue, string, string>
  organization_assign_default: boolean
}

export interface IdpSyncRoleSettingsTable {
  organization_id: string
  field: string
  mapping: ColumnType<JsonValue, string, string>
}

export interface InboxNotificationsTable {
  id: Generated<string>
  user_id: string
  template_id: string
  targets: Generated<string[]>
  title: string
  content: string
  icon: Generated<string>
  actions: ColumnType<JsonValue, string | undefined, string>
  read_at: Date | null
  created_at: Generated<Date>
}

export interface McpServerConfigsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  organization_id: string
  created_by: string | null
  updated_by: string | null
  display_name: string
  slug: string
  description: Generated<string>
  icon_url: Generated<string>
  url: string
  transport: 'streamable_http' | 'sse'
  auth_type: 'none' | 'oauth2' | 'api_key' | 'custom_headers' | 'user_oidc'
  oauth2_client_id: Generated<string>
  oauth2_client_secret: Buffer | null
  oauth2_auth_url: Generated<string>
  oauth2_token_url: Generated<string>
  oauth2_revocation_url: Generated<string>
  oauth2_scopes: Generated<string>
  oauth2_issuer: Generated<string>
  oauth2_iss_required: Generated<boolean>
  oauth2_resource: Generated<string>
  oauth2_token_auth_method: Generated<'' | 'none' | 'client_secret_basic' | 'client_secret_post'>
  api_key_header: Generated<string>
  api_key_value: Buffer | null
  custom_headers: Buffer | null
  tool_allow_list: Generated<string[]>
  tool_deny_list: Generated<string[]>
  availability: 'force_on' | 'default_on' | 'default_off'
  enabled: Generated<boolean>
  model_intent: Generated<boolean>
  allow_in_plan_mode: Generated<boolean>
  forward_coder_headers: Generated<boolean>
  user_acl: ColumnType<JsonValue, string | undefined, string>
  group_acl: ColumnType<JsonValue, string | undefined, string>
}

export interface McpServerHealthTable {
  config_id: string
  status: 'healthy' | 'needs_auth' | 'unhealthy'
  checked_at: Generated<Date>
  latency_ms: number
  tool_count: number
  error: Generated<string>
  consecutive_failures: Generated<number>
}

export interface McpServerUserTokensTable {
  config_id: string
  user_id: string
  destination: Generated<string>
  tokens: Buffer | null
  has_refresh_token: boolean
  expires_at: Date | null
  scope: Generated<string>
  challenged_scope: Generated<string>
  challenged_generation: Generated<number>
  step_ups: Generated<number>
  generation: Generated<number>
  refresh_failure: Generated<string>
  refresh_lease: string | null
  refresh_lease_until: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface McpSessionMessagesTable {
  id: ColumnType<number, never, never>
  session_id: string
  stream_id: string | null
  created_at: Generated<Date>
  message: string
  is_last: Generated<boolean>
}

export interface McpSessionsTable {
  id: Generated<string>
  user_id: string
  created_at: Generated<Date>
  last_used_at: Generated<Date>
  protocol_version: string
  client: ColumnType<JsonValue, string, string>
  log_level: string | null
  subscriptions: Generated<string[]>
  listener: string | null
}

export interface NotificationMessagesTable {
  id: Generated<string>
  template_id: string
  user_id: string
  method: 'smtp' | 'webhook' | 'inbox'
  status: Generated<'pending' | 'leased' | 'sent' | 'temporary_failure' | 'permanent_failure' | 'inhibited'>
  status_reason: Generated<string>
  payload: ColumnType<JsonValue, string, string>
  targets: Generated<string[]>
  dedupe_hash: Buffer
  attempt_count: Generated<number>
  leased_until: Date | null
  next_retry_after: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface NotificationPreferencesTable {
  user_id: string
  template_id: string
  disabled: boolean
  updated_at: Generated<Date>
}

export interface NotificationTemplateMethodsTable {
  template_id: string
  method: 'smtp' | 'webhook' | 'inbox'
  updated_at: Generated<Date>
}

export interface Oauth2ProviderAppCodesTable {
  id: Generated<string>
  created_at: Generated<Date>
  expires_at: Date
  app_id: string
  user_id: string
  secret_prefix: string
  hashed_secret: Buffer
  resource_uri: string | null
  code_challenge: string
  code_challenge_method: string
  state_hash: string | null
  redirect_uri: string | null
  scopes: string[]
  dpop_thumbprint: string | null
  ip_address: Generated<string>
  redeemed_at: Date | null
  grant_id: string | null
}

export interface Oauth2ProviderAppSecretsTable {
  id: Generated<string>
  created_at: Generated<Date>
  app_id: string
  secret_prefix: string
  hashed_secret: Buffer
  display_secret: string
  last_used_at: Date | null
  expires_at: Date | null
}

export interface Oauth2ProviderAppTokensTable {
  id: Generated<string>
  created_at: Generated<Date>
  app_id: string
  app_secret_id: string | null
  user_id: string
  api_key_id: string
  grant_id: string
  expires_at: Date
  hash_prefix: string
  refresh_hash: Buffer
  audience: string | null
  scopes: string[]
  dpop_thumbprint: string | null
}

export interface Oauth2ProviderAppsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  name: string
  icon: Generated<string>
  callback_url: string
  redirect_uris: Generated<string[]>
  client_type: 'confidential' | 'public'
  dynamically_registered: Generated<boolean>
  metadata_url: string | null
  metadata_fresh_until: Date | null
  client_id_issued_at: Generated<Date>
  client_secret_expires_at: Date | null
  grant_types: Generated<string[]>
  response_types: Generated<string[]>
  token_endpoint_auth_method: Generated<'client_secret_basic' | 'client_secret_post' | 'none'>
  application_type: 'web' | 'native' | null
  scope: Generated<string>
  contacts: Generated<string[]>
  client_uri: Generated<string>
  logo_uri: Generated<string>
  tos_uri: Generated<string>
  policy_uri: Generated<string>
  jwks_uri: Generated<string>
  jwks: ColumnType<JsonValue | null, string | null, string | null>
  software_id: Generated<string>
  software_version: Generated<string>
  registration_access_token: Buffer | null
  registration_client_uri: Generated<string>
  require_pushed_authorization_requests: Generated<boolean>
  remember_consent: Generated<boolean>
  first_authorized_at: Date | null
}

export interface Oauth2ProviderConsentsTable {
  user_id: string
  app_id: string
  scopes: string[]
  resource: Generated<string>
  created_at: Generated<Date>
}

export interface Oauth2ProviderDeviceCodesTable {
  id: Generated<string>
  created_at: Generated<Date>
  expires_at: Date
  app_id: string
  secret_prefix: string
  hashed_secret: Buffer
  hashed_user_code: Buffer
  scopes: string[]
  resource_uri: string | null
  ip_address: Generated<string>
  interval_seconds: Generated<number>
  last_polled_at: Date | null
  status: Generated<'pending' | 'approved' | 'denied' | 'redeemed'>
  user_id: string | null
}

export interface Oauth2ProviderDpopProofsTable {
  hashed_proof: Buffer
  expires_at: Date
}

export interface Oauth2ProviderGrantsTable {
  id: Generated<string>
  app_id: string
  user_id: string
  scopes: string[]
  resource: string | null
  created_at: Generated<Date>
  last_used_at: Generated<Date>
  ip_address: Generated<string>
}

export interface Oauth2ProviderPushedRequestsTable {
  hashed_secret: Buffer
  app_id: string
  parameters: ColumnType<JsonValue, string, string>
  created_at: Generated<Date>
  expires_at: Date
}

export interface Oauth2ProviderRotatedTokensTable {
  hash_prefix: string
  refresh_hash: Buffer
  app_id: string
  grant_id: string
  successor_prefix: string
  rotated_at: Generated<Date>
  expires_at: Date
}

export interface Oauth2ProviderSettingsTable {
  id: Generated<number>
  dynamic_client_registration_enabled: Generated<boolean>
  require_pushed_authorization_requests: Generated<boolean>
}

export interface OidcSessionsTable {
  key_id: string
  issuer: string
  subject: string
  sid: string | null
  provider: string | null
  id_token: Buffer | null
}

export interface OrganizationAiBudgetsTable {
  organization_id: string
  spend_limit_micros: number
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface OrganizationAiPrivacyTable {
  organization_id: string
  level: 'full' | 'redacted' | 'hash' | 'none'
  own_sessions: boolean
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface OrganizationMembersTable {
  organization_id: string
  user_id: string
  roles: Generated<string[]>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface OrganizationsTable {
  id: Generated<string>
  name: string
  display_name: Generated<string>
  description: Generated<string>
  icon: Generated<string>
  is_default: Generated<boolean>
  deleted: Generated<boolean>
  shareable_workspace_owners: Generated<'none' | 'everyone' | 'service_accounts'>
  default_org_member_roles: string[]
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface PasskeysTable {
  id: Generated<string>
  user_id: string
  name: string
  credential_id: Buffer
  public_key: Buffer
  sign_count: number
  transports: Generated<string[]>
  backed_up: Generated<boolean>
  created_at: Generated<Date>
  last_used_at: Date | null
}

export interface ProvisionerDaemonsTable {
  id: Generated<string>
  organization_id: string
  name: string
  key_id: string
  provisioners: ('terraform' | 'echo' | 'typescript')[]
  tags: ColumnType<JsonValue, string, string>
  version: Generated<string>
  api_version: Generated<string>
  created_at: Generated<Date>
  last_seen_at: Date | null
}

export interface ProvisionerJobLogsTable {
  id: ColumnType<number, never, never>
  job_id: string
  created_at: Date
  source: 'provisioner_daemon' | 'provisioner'
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  stage: string
  output: string
}

export interface ProvisionerJobTimingsTable {
  job_id: string
  started_at: Date
  ended_at: Date
  stage: 'init' | 'plan' | 'graph' | 'apply'
  source: string
  action: string
  resource: string
}

export interface ProvisionerJobsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  started_at: Date | null
  canceled_at: Date | null
  completed_at: Date | null
  error: string | null
  error_code: string | null
  organization_id: string
  initiator_id: string
  provisioner: 'terraform' | 'echo' | 'typescript'
  file_id: string
  type: 'template_version_import' | 'workspace_build' | 'template_version_dry_run'
  input: ColumnType<JsonValue, string | undefined, string>
  tags: ColumnType<JsonValue, string | undefined, string>
  worker_id: string | null
  attempts: Generated<number>
  logs_length: Generated<number>
  logs_overflowed: Generated<boolean>
  job_status: ColumnType<
    'pending' | 'running' | 'succeeded' | 'canceling' | 'canceled' | 'failed',
    never,
    never
  >
}

export interface RateLimitBucketsTable {
  bucket: Buffer
  window_start: number
  current_count: number
  previous_count: number
  granted: boolean
}

export interface RecoveryCodesTable {
  user_id: string
  hashed_code: Buffer
  created_at: Generated<Date>
}

export interface ReplicasTable {
  id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  hostname: string
  relay_address: string
  version: string
  region_id: Generated<number>
  error: Generated<string>
  database_latency: Generated<number>
}

export interface ScimUsersTable {
  user_id: string
  user_name: string
  external_id: string | null
  given_name: string | null
  family_name: string | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface SessionProofsTable {
  api_key_id: string
  by_second_factor: boolean
  proved_at: Date
}

export interface SignInFailuresTable {
  account: Buffer
  failures: number
  last_failure_at: Date
  delayed_until: Date | null
}

export interface SiteConfigsTable {
  key: string
  value: string
}

export interface SpentChallengesTable {
  hashed_challenge: Buffer
  expires_at: Date
}

export interface SpentLogoutTokensTable {
  digest: Buffer
  expires_at: Date
}

export interface TaskSnapshotsTable {
  task_id: string
  log_snapshot: ColumnType<JsonValue, string, string>
  taken_at: Generated<Date>
}

export interface TaskWorkspaceAppsTable {
  workspace_build_id: string
  app_id: string
}

export interface TasksTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  deleted_at: Date | null
  organization_id: string
  owner_id: string
  name: string
  display_name: string
  workspace_id: string | null
  template_version_id: string
  template_parameters: ColumnType<JsonValue, string | undefined, string>
  prompt: string
}

export interface TasksWithStatusTable {
  id: ColumnType<string, never, never>
  created_at: ColumnType<Date, never, never>
  updated_at: ColumnType<Date, never, never>
  deleted_at: ColumnType<Date | null, never, never>
  organization_id: ColumnType<string, never, never>
  owner_id: ColumnType<string, never, never>
  name: ColumnType<string, never, never>
  display_name: ColumnType<string, never, never>
  workspace_id: ColumnType<string | null, never, never>
  template_version_id: ColumnType<string, never, never>
  template_parameters: ColumnType<JsonValue, string, string>
  prompt: ColumnType<string, never, never>
  owner_name: ColumnType<string, never, never>
  owner_avatar_url: ColumnType<string, never, never>
  template_id: ColumnType<string | null, never, never>
  template_name: ColumnType<string, never, never>
  template_display_name: ColumnType<string, never, never>
  template_icon: ColumnType<string, never, never>
  workspace_name: ColumnType<string, never, never>
  dormant_at: ColumnType<Date | null, never, never>
  user_acl: ColumnType<JsonValue, string, string>
  group_acl: ColumnType<JsonValue, string, string>
  build_number: ColumnType<number, never, never>
  build_transition: ColumnType<'start' | 'stop' | 'delete', never, never>
  build_created_at: ColumnType<Date, never, never>
  job_status: ColumnType<
    'pending' | 'running' | 'succeeded' | 'canceling' | 'canceled' | 'failed',
    never,
    never
  >
  agent_id: ColumnType<string, never, never>
  agent_lifecycle: ColumnType<
    | 'created'
    | 'starting'
    | 'start_timeout'
    | 'start_error'
    | 'ready'
    | 'shutting_down'
    | 'shutdown_timeout'
    | 'shutdown_error'
    | 'off',
    never,
    never
  >
  agent_status: ColumnType<'connecting' | 'connected' | 'disconnected' | 'timeout', never, never>
  app_id: ColumnType<string, never, never>
  app_health: ColumnType<string, never, never>
  app_url: ColumnType<string, never, never>
  app_state: ColumnType<string, never, never>
  app_message: ColumnType<string, never, never>
  app_uri: ColumnType<string, never, never>
  app_state_at: ColumnType<Date, never, never>
  status: ColumnType<'pending' | 'initializing' | 'active' | 'paused' | 'unknown' | 'error', never, never>
}

export interface TemplateUsageStatsTable {
  start_time: Date
  template_id: string
  user_id: string
  usage_mins: number
  vscode_mins: number
  jetbrains_mins: number
  reconnecting_pty_mins: number
  ssh_mins: number
  sftp_mins: number
  apps: ColumnType<JsonValue | null, string | null, string | null>
  median_latency_ms: number | null
}

export interface TemplateUsedAppsTable {
  template_id: string
  slug: string
  display_name: string
  icon: string
}

export interface TemplateVersionParametersTable {
  template_version_id: string
  name: string
  display_name: Generated<string>
  description: Generated<string>
  type: 'string' | 'number' | 'bool' | 'list(string)'
  form_type: Generated<string>
  mutable: Generated<boolean>
  default_value: Generated<string>
  icon: Generated<string>
  options: ColumnType<JsonValue, string | undefined, string>
  validation_regex: Generated<string>
  validation_error: Generated<string>
  validation_min: number | null
  validation_max: number | null
  validation_monotonic: Generated<'' | 'increasing' | 'decreasing'>
  required: Generated<boolean>
  ephemeral: Generated<boolean>
  display_order: Generated<number>
}

export interface TemplateVersionPresetsTable {
  id: Generated<string>
  template_version_id: string
  name: string
  description: Generated<string>
  icon: Generated<string>
  is_default: Generated<boolean>
  desired_instances: number | null
  parameters: ColumnType<JsonValue, string | undefined, string>
}

export interface TemplateVersionVariablesTable {
  template_version_id: string
  name: string
  description: Generated<string>
  type: Generated<string>
  value: Generated<string>
  default_value: Generated<string>
  required: Generated<boolean>
  sensitive: Generated<boolean>
}

export interface TemplateVersionWorkspaceTagsTable {
  template_version_id: string
  key: string
  value: string
}

export interface TemplateVersionsTable {
  id: Generated<string>
  template_id: string | null
  organization_id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  name: string
  message: Generated<string>
  readme: Generated<string>
  job_id: string
  created_by: string
  archived: Generated<boolean>
  external_auth_providers: ColumnType<JsonValue, string | undefined, string>
  has_ai_task: Generated<boolean>
  has_external_agent: Generated<boolean>
}

export interface TemplatesTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  organization_id: string
  deleted: Generated<boolean>
  name: string
  display_name: Generated<string>
  description: Generated<string>
  icon: Generated<string>
  provisioner: 'terraform' | 'echo' | 'typescript'
  active_version_id: string
  created_by: string
  user_acl: ColumnType<JsonValue, string | undefined, string>
  group_acl: ColumnType<JsonValue, string | undefined, string>
  default_ttl: Generated<number>
  activity_bump: Generated<number>
  time_til_autostop_notify: Generated<number>
  failure_ttl: Generated<number>
  time_til_dormant: Generated<number>
  time_til_dormant_autodelete: Generated<number>
  autostop_requirement_days: Generated<number>
  autostop_requirement_weeks: Generated<number>
  autostart_block_days: Generated<number>
  allow_user_autostart: Generated<boolean>
  allow_user_autostop: Generated<boolean>
  allow_user_cancel_workspace_jobs: Generated<boolean>
  require_active_version: Generated<boolean>
  deprecated: Generated<string>
  max_port_sharing_level: Generated<'owner' | 'authenticated' | 'organization' | 'public'>
  use_classic_parameter_flow: Generated<boolean>
  cors_behavior: Generated<'simple' | 'passthru'>
  agents_allowed: Generated<boolean>
  disable_module_cache: Generated<boolean>
}

export interface TokenExpiryWarningsTable {
  api_key_id: string
  expires_at: Date
}

export interface UsageRollupTable {
  singleton: Generated<boolean>
  rolled_up_to: Date
}

export interface UserAiBudgetOverridesTable {
  user_id: string
  group_id: string
  spend_limit_micros: number
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface UserAiProviderKeysTable {
  user_id: string
  ai_provider_id: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
  api_key: Buffer
  masked: string
}

export interface UserChatSettingsTable {
  user_id: string
  key: string
  value: string
  updated_at: Generated<Date>
}

export interface UserConfigsTable {
  user_id: string
  key: string
  value: string
}

export interface UserDeletionsTable {
  id: ColumnType<number, never, never>
  user_id: string
  deleted_at: Generated<Date>
}

export interface UserLinksTable {
  user_id: string
  login_type: 'password' | 'github' | 'oidc' | 'token' | 'none' | 'oauth2_provider_app'
  linked_id: Generated<string>
  oauth_access_token: Buffer | null
  oauth_refresh_token: Buffer | null
  oauth_expiry: Date | null
  claims: ColumnType<JsonValue, string | undefined, string>
  provider: Generated<string>
  refresh_lease: string | null
  refresh_lease_until: Date | null
}

export interface UserSecretsTable {
  id: Generated<string>
  user_id: string
  name: string
  description: Generated<string>
  value: Buffer
  value_size: number
  env_name: Generated<string>
  file_path: Generated<string>
  enabled: Generated<boolean>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface UserSkillsTable {
  id: Generated<string>
  user_id: string
  name: string
  description: string
  content: string
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface UserStatusChangesTable {
  id: ColumnType<number, never, never>
  user_id: string
  new_status: 'active' | 'dormant' | 'suspended'
  changed_at: Generated<Date>
}

export interface UserTotpTable {
  user_id: string
  secret: Buffer
  last_step: number
  created_at: Generated<Date>
}

export interface UsersTable {
  id: Generated<string>
  username: string
  email: Generated<string>
  name: Generated<string>
  avatar_url: Generated<string>
  status: Generated<'active' | 'dormant' | 'suspended'>
  login_type: Generated<'password' | 'github' | 'oidc' | 'token' | 'none' | 'oauth2_provider_app'>
  rbac_roles: Generated<string[]>
  hashed_password: Generated<string>
  hashed_one_time_passcode: Buffer | null
  one_time_passcode_expires_at: Date | null
  github_com_user_id: number | null
  is_service_account: Generated<boolean>
  is_system: Generated<boolean>
  deleted: Generated<boolean>
  quiet_hours_schedule: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  last_seen_at: Date | null
  one_time_passcode_attempts: Generated<number>
}

export interface WebpushKeysTable {
  singleton: Generated<boolean>
  public_key: string
  private_key: Buffer
  created_at: Generated<Date>
}

export interface WebpushSubscriptionsTable {
  id: Generated<string>
  user_id: string
  public_key: string
  endpoint: string
  p256dh_key: string
  auth_key: Buffer
  created_at: Generated<Date>
}

export interface WorkspaceAgentContextTable {
  agent_id: string
  version: number
  aggregate_hash: Buffer
  error: Generated<string>
  operating_system: Generated<string>
  directory: Generated<string>
  updated_at: Generated<Date>
}

export interface WorkspaceAgentContextResourcesTable {
  agent_id: string
  source: string
  position: number
  kind: 'instruction_file' | 'skill' | 'mcp_config' | 'mcp_server'
  status: 'ok' | 'oversize' | 'unreadable' | 'invalid' | 'excluded'
  size_bytes: Generated<number>
  error: Generated<string>
  body: Generated<string>
  attributes: ColumnType<JsonValue, string | undefined, string>
}

export interface WorkspaceAgentLogSourcesTable {
  workspace_agent_id: string
  id: string
  created_at: Generated<Date>
  display_name: Generated<string>
  icon: Generated<string>
}

export interface WorkspaceAgentLogsTable {
  id: ColumnType<number, never, never>
  agent_id: string
  created_at: Date
  log_source_id: string
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  output: string
  tail: Generated<boolean>
}

export interface WorkspaceAgentMetadataTable {
  workspace_agent_id: string
  key: string
  display_name: Generated<string>
  script: string
  interval_ns: number
  timeout_ns: number
  display_order: Generated<number>
  value: Generated<string>
  error: Generated<string>
  collected_at: Date | null
}

export interface WorkspaceAgentPortShareTable {
  workspace_id: string
  agent_name: string
  port: number
  share_level: 'organization' | 'authenticated' | 'public'
  protocol: Generated<'http' | 'https'>
}

export interface WorkspaceAgentScriptTimingsTable {
  script_id: string
  started_at: Date
  ended_at: Date
  exit_code: number
  stage: 'start' | 'stop' | 'cron'
  status: 'ok' | 'exit_failure' | 'timed_out' | 'pipes_left_open'
}

export interface WorkspaceAgentScriptsTable {
  id: Generated<string>
  workspace_agent_id: string
  log_source_id: string
  log_path: Generated<string>
  display_name: Generated<string>
  icon: Generated<string>
  script: string
  cron: Generated<string>
  start_blocks_login: Generated<boolean>
  run_on_start: Generated<boolean>
  run_on_stop: Generated<boolean>
  timeout_seconds: Generated<number>
}

export interface WorkspaceAgentStatsTable {
  agent_id: string
  minute: Date
  user_id: string
  template_id: string
  vscode: number | null
  jetbrains: number | null
  reconnecting_pty: number | null
  ssh: number | null
  sftp: number | null
  other: number | null
  sessions: ColumnType<number | null, never, never>
  rx_bytes: Generated<number>
  tx_bytes: Generated<number>
  latency_ms: number | null
}

export interface WorkspaceAgentsTable {
  id: Generated<string>
  parent_id: string | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
  resource_id: string
  name: string
  deleted: Generated<boolean>
  auth_token_hash: Buffer
  auth_instance_id: string | null
  architecture: Generated<string>
  operating_system: Generated<string>
  environment_variables: ColumnType<JsonValue, string | undefined, string>
  directory: Generated<string>
  expanded_directory: Generated<string>
  version: Generated<string>
  api_version: Generated<string>
  motd_file: Generated<string>
  connection_timeout_seconds: Generated<number>
  troubleshooting_url: Generated<string>
  display_apps: Generated<string[]>
  display_order: Generated<number>
  api_key_scope: Generated<'all' | 'no_user_data'>
  subsystems: Generated<string[]>
  lifecycle_state: Generated<
    | 'created'
    | 'starting'
    | 'start_timeout'
    | 'start_error'
    | 'ready'
    | 'shutting_down'
    | 'shutdown_timeout'
    | 'shutdown_error'
    | 'off'
  >
  started_at: Date | null
  ready_at: Date | null
  first_connected_at: Date | null
  last_connected_at: Date | null
  disconnected_at: Date | null
  last_connected_replica_id: string | null
  logs_length: Generated<number>
  logs_overflowed: Generated<boolean>
}

export interface WorkspaceAppStatsTable {
  agent_id: string
  user_id: string
  slug: string
  minute: Date
  template_id: string
}

export interface WorkspaceAppStatusesTable {
  id: Generated<string>
  created_at: Generated<Date>
  workspace_id: string
  agent_id: string
  app_id: string
  state: 'working' | 'idle' | 'complete' | 'failure'
  message: string
  uri: string
}

export interface WorkspaceAppsTable {
  id: Generated<string>
  created_at: Generated<Date>
  agent_id: string
  slug: string
  display_name: Generated<string>
  icon: Generated<string>
  command: string | null
  url: string | null
  external: Generated<boolean>
  subdomain: Generated<boolean>
  sharing_level: Generated<'owner' | 'authenticated' | 'organization' | 'public'>
  healthcheck_url: Generated<string>
  healthcheck_interval: Generated<number>
  healthcheck_threshold: Generated<number>
  health: Generated<'disabled' | 'initializing' | 'healthy' | 'unhealthy'>
  display_order: Generated<number>
  display_group: string | null
  hidden: Generated<boolean>
  open_in: Generated<'slim-window' | 'tab'>
  tooltip: Generated<string>
}

export interface WorkspaceBuildOrchestrationsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  parent_build_id: string
  child_build_id: string | null
  status: Generated<'pending' | 'completed' | 'failed' | 'canceled'>
  template_version_id: string | null
  template_version_preset_id: string | null
  rich_parameter_values: ColumnType<JsonValue, string | undefined, string>
  attempts: Generated<number>
  next_attempt_at: Date | null
  error: string | null
}

export interface WorkspaceBuildParametersTable {
  workspace_build_id: string
  name: string
  value: string
}

export interface WorkspaceBuildsTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  workspace_id: string
  template_version_id: string
  build_number: number
  transition: 'start' | 'stop' | 'delete'
  initiator_id: string
  job_id: string
  reason: Generated<
    | 'initiator'
    | 'autostart'
    | 'autostop'
    | 'dormancy'
    | 'autodelete'
    | 'failedstop'
    | 'dashboard'
    | 'cli'
    | 'ssh_connection'
    | 'vscode_connection'
    | 'jetbrains_connection'
    | 'task_manual_pause'
    | 'task_auto_pause'
    | 'task_resume'
  >
  provisioner_state: Buffer | null
  deadline: Date | null
  max_deadline: Date | null
  daily_cost: Generated<number>
  template_version_preset_id: string | null
  has_ai_task: Generated<boolean>
  has_external_agent: Generated<boolean>
  notified_autostop_deadline: Date | null
}

export interface WorkspaceResourcesTable {
  id: Generated<string>
  created_at: Generated<Date>
  job_id: string
  transition: 'start' | 'stop' | 'delete'
  type: string
  name: string
  hide: Generated<boolean>
  icon: Generated<string>
  instance_type: Generated<string>
  daily_cost: Generated<number>
  metadata: ColumnType<JsonValue, string | undefined, string>
}

export interface WorkspacesTable {
  id: Generated<string>
  created_at: Generated<Date>
  updated_at: Generated<Date>
  owner_id: string
  organization_id: string
  template_id: string
  deleted: Generated<boolean>
  name: string
  autostart_schedule: string | null
  ttl: number | null
  last_used_at: Generated<Date>
  dormant_at: Date | null
  deleting_at: Date | null
  automatic_updates: Generated<'always' | 'never'>
  favorite: Generated<boolean>
  next_start_at: Date | null
  user_acl: ColumnType<JsonValue, string | undefined, string>
  group_acl: ColumnType<JsonValue, string | undefined, string>
}

/** All tables and views by name. */
export interface Tables {
  agents_with_workspace: AgentsWithWorkspaceTable
  ai_former_groups: AiFormerGroupsTable
  ai_gateway_settings: AiGatewaySettingsTable
  ai_key_daily_spend: AiKeyDailySpendTable
  ai_minute_tokens: AiMinuteTokensTable
  ai_model_price_changes: AiModelPriceChangesTable
  ai_model_prices: AiModelPricesTable
  ai_provider_checks: AiProviderChecksTable
  ai_provider_keys: AiProviderKeysTable
  ai_provider_routing: AiProviderRoutingTable
  ai_provider_troubles: AiProviderTroublesTable
  ai_providers: AiProvidersTable
  ai_spend_reservations: AiSpendReservationsTable
  ai_total_daily_spend: AiTotalDailySpendTable
  ai_user_daily_spend: AiUserDailySpendTable
  aibridge_exports: AibridgeExportsTable
  aibridge_interceptions: AibridgeInterceptionsTable
  aibridge_model_thoughts: AibridgeModelThoughtsTable
  aibridge_passthroughs: AibridgePassthroughsTable
  aibridge_token_usages: AibridgeTokenUsagesTable
  aibridge_tool_usages: AibridgeToolUsagesTable
  aibridge_user_prompts: AibridgeUserPromptsTable
  api_key_ai_limits: ApiKeyAiLimitsTable
  api_keys: ApiKeysTable
  audit_chain: AuditChainTable
  audit_forwarding: AuditForwardingTable
  audit_logs: AuditLogsTable
  audit_unchained: AuditUnchainedTable
  change_log: ChangeLogTable
  change_log_horizon: ChangeLogHorizonTable
  chat_context_resources: ChatContextResourcesTable
  chat_contexts: ChatContextsTable
  chat_diff_statuses: ChatDiffStatusesTable
  chat_file_links: ChatFileLinksTable
  chat_files: ChatFilesTable
  chat_heartbeats: ChatHeartbeatsTable
  chat_idempotency_keys: ChatIdempotencyKeysTable
  chat_messages: ChatMessagesTable
  chat_model_configs: ChatModelConfigsTable
  chat_queued_messages: ChatQueuedMessagesTable
  chat_settings: ChatSettingsTable
  chat_tool_calls: ChatToolCallsTable
  chats: ChatsTable
  connection_logs: ConnectionLogsTable
  connection_visits: ConnectionVisitsTable
  crypto_keys: CryptoKeysTable
  custom_roles: CustomRolesTable
  encryption_keys: EncryptionKeysTable
  external_auth_links: ExternalAuthLinksTable
  files: FilesTable
  git_ssh_keys: GitSshKeysTable
  group_ai_budgets: GroupAiBudgetsTable
  group_ai_limits: GroupAiLimitsTable
  group_ai_model_policies: GroupAiModelPoliciesTable
  group_members: GroupMembersTable
  group_members_expanded: GroupMembersExpandedTable
  groups: GroupsTable
  identity_provider_tests: IdentityProviderTestsTable
  identity_providers: IdentityProvidersTable
  idp_sync_group_settings: IdpSyncGroupSettingsTable
  idp_sync_organization_settings: IdpSyncOrganizationSettingsTable
  idp_sync_role_settings: IdpSyncRoleSettingsTable
  inbox_notifications: InboxNotificationsTable
  mcp_server_configs: McpServerConfigsTable
  mcp_server_health: McpServerHealthTable
  mcp_server_user_tokens: McpServerUserTokensTable
  mcp_session_messages: McpSessionMessagesTable
  mcp_sessions: McpSessionsTable
  notification_messages: NotificationMessagesTable
  notification_preferences: NotificationPreferencesTable
  notification_template_methods: NotificationTemplateMethodsTable
  oauth2_provider_app_codes: Oauth2ProviderAppCodesTable
  oauth2_provider_app_secrets: Oauth2ProviderAppSecretsTable
  oauth2_provider_app_tokens: Oauth2ProviderAppTokensTable
  oauth2_provider_apps: Oauth2ProviderAppsTable
  oauth2_provider_consents: Oauth2ProviderConsentsTable
  oauth2_provider_device_codes: Oauth2ProviderDeviceCodesTable
  oauth2_provider_dpop_proofs: Oauth2ProviderDpopProofsTable
  oauth2_provider_grants: Oauth2ProviderGrantsTable
  oauth2_provider_pushed_requests: Oauth2ProviderPushedRequestsTable
  oauth2_provider_rotated_tokens: Oauth2ProviderRotatedTokensTable
  oauth2_provider_settings: Oauth2ProviderSettingsTable
  oidc_sessions: OidcSessionsTable
  organization_ai_budgets: OrganizationAiBudgetsTable
  organization_ai_privacy: OrganizationAiPrivacyTable
  organization_members: OrganizationMembersTable
  organizations: OrganizationsTable
  passkeys: PasskeysTable
  provisioner_daemons: ProvisionerDaemonsTable
  provisioner_job_logs: ProvisionerJobLogsTable
  provisioner_job_timings: ProvisionerJobTimingsTable
  provisioner_jobs: ProvisionerJobsTable
  rate_limit_buckets: RateLimitBucketsTable
  recovery_codes: RecoveryCodesTable
  replicas: ReplicasTable
  scim_users: ScimUsersTable
  session_proofs: SessionProofsTable
  sign_in_failures: SignInFailuresTable
  site_configs: SiteConfigsTable
  spent_challenges: SpentChallengesTable
  spent_logout_tokens: SpentLogoutTokensTable
  task_snapshots: TaskSnapshotsTable
  task_workspace_apps: TaskWorkspaceAppsTable
  tasks: TasksTable
  tasks_with_status: TasksWithStatusTable
  template_usage_stats: TemplateUsageStatsTable
  template_used_apps: TemplateUsedAppsTable
  template_version_parameters: TemplateVersionParametersTable
  template_version_presets: TemplateVersionPresetsTable
  template_version_variables: TemplateVersionVariablesTable
  template_version_workspace_tags: TemplateVersionWorkspaceTagsTable
  template_versions: TemplateVersionsTable
  templates: TemplatesTable
  token_expiry_warnings: TokenExpiryWarningsTable
  usage_rollup: UsageRollupTable
  user_ai_budget_overrides: UserAiBudgetOverridesTable
  user_ai_provider_keys: UserAiProviderKeysTable
  user_chat_settings: UserChatSettingsTable
  user_configs: UserConfigsTable
  user_deletions: UserDeletionsTable
  user_links: UserLinksTable
  user_secrets: UserSecretsTable
  user_skills: UserSkillsTable
  user_status_changes: UserStatusChangesTable
  user_totp: UserTotpTable
  users: UsersTable
  webpush_keys: WebpushKeysTable
  webpush_subscriptions: WebpushSubscriptionsTable
  workspace_agent_context: WorkspaceAgentContextTable
  workspace_agent_context_resources: WorkspaceAgentContextResourcesTable
  workspace_agent_log_sources: WorkspaceAgentLogSourcesTable
  workspace_agent_logs: WorkspaceAgentLogsTable
  workspace_agent_metadata: WorkspaceAgentMetadataTable
  workspace_agent_port_share: WorkspaceAgentPortShareTable
  workspace_agent_script_timings: WorkspaceAgentScriptTimingsTable
  workspace_agent_scripts: WorkspaceAgentScriptsTable
  workspace_agent_stats: WorkspaceAgentStatsTable
  workspace_agents: WorkspaceAgentsTable
  workspace_app_stats: WorkspaceAppStatsTable
  workspace_app_statuses: WorkspaceAppStatusesTable
  workspace_apps: WorkspaceAppsTable
  workspace_build_orchestrations: WorkspaceBuildOrchestrationsTable
  workspace_build_parameters: WorkspaceBuildParametersTable
  workspace_builds: WorkspaceBuildsTable
  workspace_resources: WorkspaceResourcesTable
  workspaces: WorkspacesTable
}
