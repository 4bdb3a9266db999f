import { Type } from 'typebox'
import { Check } from 'typebox/value'

import * as contract from '@slipway/contract'
import type { SessionRow } from '../store/sessions.ts'
import type { ThreadRequestRow, ToolRow } from '../store/threads.ts'
import type { UsageRow } from '../store/usage.ts'

type Metadata = Record<string, unknown>

/** Metadata as it is stored, which is an object. */
export function metadataOf(value: unknown): Metadata {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

/** Who has asked. */
export function presentInitiator(
  row: Pick<SessionRow, 'initiator_id' | 'username' | 'name' | 'avatar_url'>,
): contract.AIBridgeSession['initiator'] {
  return { id: row.initiator_id, username: row.username, name: row.name, avatar_url: row.avatar_url }
}

/** A session of a list. */
export function presentSession(row: SessionRow): contract.AIBridgeSession {
  return {
    id: row.session_id,
    initiator: presentInitiator(row),
    client: row.client,
    providers: row.providers,
    models: row.models,
    metadata: metadataOf(row.metadata),
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at.toISOString(),
    last_active_at: row.last_active_at.toISOString(),
    threads: row.threads,
    token_usage_summary: {
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      cache_read_input_tokens: row.cache_read_input_tokens,
      cache_write_input_tokens: row.cache_write_input_tokens,
    },
    cost_micros: row.cost_micros,
    ...(row.last_prompt === null ? {} : { last_prompt: row.last_prompt }),
  }
}

/** Tokens that were used, none where nothing is known of them. */
export function presentUsage(row: UsageRow | undefined): contract.AIBridgeSessionThreadsTokenUsage {
  return {
    input_tokens: row?.input_tokens ?? 0,
    output_tokens: row?.output_tokens ?? 0,
    cache_read_input_tokens: row?.cache_read_input_tokens ?? 0,
    cache_write_input_tokens: row?.cache_write_input_tokens ?? 0,
    metadata: { ...row?.metadata },
  }
}

/** What is said alike of a request and of the thread that it began. */
export function presentRequest(
  row: ThreadRequestRow,
  usage: UsageRow | undefined,
): Omit<contract.AIBridgeThreadRequest, 'attempts' | 'guardrails' | 'metadata'> {
  return {
    id: row.id,
    provider: row.provider,
    provider_name: row.provider_name,
    model: row.model,
    ...(row.requested_model === null ? {} : { requested_model: row.requested_model }),
    ...(row.prompt === null ? {} : { prompt: row.prompt }),
    credential_kind: row.credential_kind,
    credential_hint: row.credential_hint,
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at.toISOString(),
    ...(row.error_type === null ? {} : { error_type: row.error_type }),
    ...(row.error_message === null ? {} : { error_message: row.error_message }),
    token_usage: presentUsage(usage),
    cost_micros: usage?.cost_micros ?? null,
  }
}

const Attempts = Type.Array(contract.AIBridgeAttempt)

/** What was noted at a request, with what is known of it by name. */
export function presentNotes(
  value: unknown,
): Pick<contract.AIBridgeThreadRequest, 'attempts' | 'guardrails' | 'metadata'> {
  const metadata = metadataOf(value)
  const { attempts, guardrails } = metadata
  return {
    ...(Check(Attempts, attempts) ? { attempts } : {}),
    ...(Check(contract.AIBridgeGuardrailDecisions, guardrails) ? { guardrails } : {}),
    metadata,
  }
}

/** A tool that a model has chosen. */
export function presentTool(row: ToolRow): contract.AIBridgeToolCall {
  return {
    id: row.id,
    interception_id: row.interception_id,
    provider_response_id: row.provider_response_id,
    server_url: row.server_url ?? '',
    tool: row.tool,
    input: row.input,
    injected: row.injected,
    ...(row.invocation_error === null ? {} : { invocation_error: row.invocation_error }),
    metadata: metadataOf(row.metadata),
    created_at: row.created_at.toISOString(),
  }
}
