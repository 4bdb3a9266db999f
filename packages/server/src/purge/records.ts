import { unlinkedFiles } from '../chat-files/index.ts'
import { chatRetentionDays } from '../chat-settings/index.ts'
import { archivedChats } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { oldAnswers } from '../repeatable-requests/index.ts'
import * as store from './store.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAEMONS_MS = 7 * DAY_MS
/** Of what was never rolled up. */
const USAGE_MS = 180 * DAY_MS
const NOTIFICATIONS_MS = 7 * DAY_MS
const LEGACY_EVENTS_MS = 90 * DAY_MS
/** Twice as long as a visit may pause. */
const VISITS_MS = 2 * HOUR_MS
/** After that long without a further one, wrong guesses count no more. */
const FAILURES_MS = HOUR_MS
/** Longer than a call lasts, with the time in which a client comes back for its end. */
const MCP_MESSAGES_MS = HOUR_MS
const CHALLENGES_MS = 60_000
/** Beyond the time in which a test can be read. */
const PROVIDER_TESTS_MS = 60_000
const LOGOUT_TOKENS_MS = 60_000
const MINUTE_TOKENS_MS = 10 * 60_000
const RESERVATIONS_MS = 60_000

/** What tells how long something is kept: the configuration, or settings that are changed while it runs. */
export type RetentionContext = Pick<AppContext, 'config' | 'database'>

const chatRetention = async ({ database }: RetentionContext): Promise<number> =>
  (await chatRetentionDays(database.db)) * DAY_MS

/** A kind of record that grows old. */
export interface PurgedRecords {
  /** Label in metrics. */
  readonly type: string
  /** Whether operators are told how many went (OP-78). */
  readonly counted?: true
  /** How long they are kept, in milliseconds; 0 is for ever. */
  readonly retentionMs: (context: RetentionContext) => number | Promise<number>
  readonly old: store.OldRecords
  /** Rows of one statement, where they are large. */
  readonly batch?: number
}

/** What the purge deletes, in its order (OP-76). */
export const PURGED: readonly PurgedRecords[] = [
  {
    type: 'workspace_agent_logs',
    counted: true,
    retentionMs: ({ config }) => config.workspaceAgentLogsRetention,
    old: store.agentLogs,
  },
  { type: 'workspace_agent_stats', retentionMs: () => USAGE_MS, old: store.agentStats },
  { type: 'workspace_app_stats', retentionMs: () => USAGE_MS, old: store.appStats },
  { type: 'provisioner_daemons', retentionMs: () => DAEMONS_MS, old: store.daemons },
  { type: 'notification_messages', retentionMs: () => NOTIFICATIONS_MS, old: store.notificationMessages },
  {
    type: 'expired_api_keys',
    counted: true,
    retentionMs: ({ config }) => config.apiKeysRetention,
    old: store.expiredKeys,
  },
  {
    type: 'audit_log_connection_events',
    retentionMs: () => LEGACY_EVENTS_MS,
    old: store.legacyConnectionEvents,
  },
  { type: 'connection_visits', retentionMs: () => VISITS_MS, old: store.endedVisits },
  {
    type: 'connection_logs',
    counted: true,
    retentionMs: ({ config }) => config.connectionLogsRetention,
    old: store.connections,
  },
  {
    type: 'audit_logs',
    counted: true,
    retentionMs: ({ config }) => config.auditLogsRetention,
    old: store.auditEntries,
  },
  {
    type: 'workspace_build_orchestrations',
    counted: true,
    retentionMs: () => DAY_MS,
    old: store.endedFollowUps,
  },
  { type: 'chats', counted: true, retentionMs: chatRetention, old: archivedChats, batch: 1_000 },
  { type: 'chat_files', counted: true, retentionMs: chatRetention, old: unlinkedFiles, batch: 1_000 },
  {
    type: 'aibridge_records',
    counted: true,
    retentionMs: ({ config }) => config.aiGatewayRetention,
    old: store.interceptions,
  },
  {
    type: 'aibridge_passthroughs',
    retentionMs: ({ config }) => config.aiGatewayRetention,
    old: store.passthroughs,
  },
  { type: 'ai_minute_tokens', retentionMs: () => MINUTE_TOKENS_MS, old: store.minuteTokens },
  { type: 'ai_spend_reservations', retentionMs: () => RESERVATIONS_MS, old: store.expiredReservations },
  { type: 'audit_chain', retentionMs: ({ config }) => config.auditLogsRetention, old: store.auditLinks },
  { type: 'chat_idempotency_keys', retentionMs: () => DAY_MS, old: oldAnswers },
  { type: 'sign_in_failures', retentionMs: () => FAILURES_MS, old: store.forgottenFailures },
  { type: 'spent_challenges', retentionMs: () => CHALLENGES_MS, old: store.spentChallenges },
  { type: 'spent_logout_tokens', retentionMs: () => LOGOUT_TOKENS_MS, old: store.spentLogoutTokens },
  { type: 'mcp_session_messages', retentionMs: () => MCP_MESSAGES_MS, old: store.mcpSessionMessages },
  { type: 'mcp_sessions', retentionMs: () => DAY_MS, old: store.mcpSessions },
  { type: 'identity_provider_tests', retentionMs: () => PROVIDER_TESTS_MS, old: store.providerTests },
]
