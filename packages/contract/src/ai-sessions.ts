import { type Static, Type } from 'typebox'

import { AIBridgeSession } from './ai-gateway.ts'
import { Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { MinimalUser } from './template-versions.ts'

const tag = 'AI Gateway'

const Metadata = Type.Record(Type.String(), Type.Unknown())
/** Millionths of a dollar of what has a price; null where nothing has. */
const Cost = Type.Union([Type.Integer(), Type.Null()])
const Hits = Type.Integer({ minimum: 0, maximum: 2147483647 })

/** Tokens by kind; `metadata` adds up the numbers that providers give beside, by dotted keys (AG-93). */
export const AIBridgeSessionThreadsTokenUsage = Type.Object({
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cache_read_input_tokens: Type.Integer(),
  cache_write_input_tokens: Type.Integer(),
  metadata: Type.Record(Type.String(), Type.Number()),
})
export type AIBridgeSessionThreadsTokenUsage = Static<typeof AIBridgeSessionThreadsTokenUsage>

/** A tool that a model has chosen. */
export const AIBridgeToolCall = Type.Object({
  id: Uuid,
  interception_id: Uuid,
  provider_response_id: Type.String(),
  /** Empty for tools of the client. */
  server_url: Type.String(),
  tool: Type.String(),
  /** JSON of the arguments; of long ones the beginning. */
  input: Type.String(),
  /** Whether the gateway called it, rather than the client. */
  injected: Type.Boolean(),
  /** Why the gateway's call failed. */
  invocation_error: Type.Optional(Type.String()),
  metadata: Metadata,
  created_at: Time,
})
export type AIBridgeToolCall = Static<typeof AIBridgeToolCall>

export const AIBridgeModelThought = Type.Object({ text: Type.String() })
export type AIBridgeModelThought = Static<typeof AIBridgeModelThought>

/** A request after which the model chose tools. */
export const AIBridgeAgenticAction = Type.Object({
  interception_id: Uuid,
  model: Type.String(),
  thinking: Type.Array(AIBridgeModelThought),
  tool_calls: Type.Array(AIBridgeToolCall),
  token_usage: AIBridgeSessionThreadsTokenUsage,
})
export type AIBridgeAgenticAction = Static<typeof AIBridgeAgenticAction>

const requestFields = {
  id: Uuid,
  /** The wire that it spoke, and the provider by its name. */
  provider: Type.String(),
  provider_name: Type.String(),
  model: Type.String(),
  /** What the client asked for, where that stands for another model (AG-B9). */
  requested_model: Type.Optional(Type.String()),
  /** Of long prompts the beginning. */
  prompt: Type.Optional(Type.String()),
  credential_kind: Type.String(),
  credential_hint: Type.String(),
  started_at: Time,
  ended_at: Time,
  error_type: Type.Optional(Type.String()),
  error_message: Type.Optional(Type.String()),
  token_usage: AIBridgeSessionThreadsTokenUsage,
  cost_micros: Cost,
}

/** A provider that was asked for a request, where more than one was (AG-B10). */
export const AIBridgeAttempt = Type.Object({
  provider: Type.String(),
  model: Type.String(),
  /** Why the next one was asked: a status, or what the gateway calls it. */
  error: Type.Optional(Type.String()),
})
export type AIBridgeAttempt = Static<typeof AIBridgeAttempt>

/** What guardrails have said of a request (AG-B17). */
export const AIBridgeGuardrailDecisions = Type.Object({
  secrets: Type.Optional(
    Type.Object({
      decision: Type.String(),
      /** How many of each kind of secret. */
      findings: Type.Record(Type.String(), Type.Integer()),
      /** Whether there was too much to look at all of it. */
      unchecked: Type.Optional(Type.Boolean()),
    }),
  ),
  webhook: Type.Optional(Type.Object({ decision: Type.String(), reason: Type.Optional(Type.String()) })),
})
export type AIBridgeGuardrailDecisions = Static<typeof AIBridgeGuardrailDecisions>

/** One request of a thread; `metadata` is all that was noted at it. */
export const AIBridgeThreadRequest = Type.Object({
  ...requestFields,
  attempts: Type.Optional(Type.Array(AIBridgeAttempt)),
  guardrails: Type.Optional(AIBridgeGuardrailDecisions),
  metadata: Metadata,
})
export type AIBridgeThreadRequest = Static<typeof AIBridgeThreadRequest>

/**
 * Requests of which each brings the results of tools that an earlier one chose; what is said of it as a whole is that of
 * its first request, and tokens and costs are those of all (AG-93).
 */
export const AIBridgeThread = Type.Object({
  ...requestFields,
  agentic_actions: Type.Array(AIBridgeAgenticAction),
  /** The first request in front. */
  requests: Type.Array(AIBridgeThreadRequest),
  agent_firewall_session_id: Type.Optional(Uuid),
  agent_firewall_sequence_number: Type.Optional(Type.Integer()),
})
export type AIBridgeThread = Static<typeof AIBridgeThread>

const {
  last_active_at,
  threads: _threads,
  token_usage_summary: _summary,
  ...session
} = AIBridgeSession.properties

/** A session and a page of its threads, the oldest first; tokens and costs are those of the whole session (AG-93). */
export const AIBridgeSessionThreadsResponse = Type.Object({
  ...session,
  last_active_at,
  page_started_at: Type.Optional(Time),
  page_ended_at: Type.Optional(Time),
  token_usage_summary: AIBridgeSessionThreadsTokenUsage,
  cost_micros: Cost,
  /** Threads of the whole session. */
  thread_count: Type.Integer(),
  threads: Type.Array(AIBridgeThread),
  /** Whether requests or tools of these threads were left out because there are too many for one answer. */
  truncated: Type.Boolean(),
})
export type AIBridgeSessionThreadsResponse = Static<typeof AIBridgeSessionThreadsResponse>

/** What older clients know of a request (AG-96). */
export const AIBridgeInterception = Type.Object({
  id: Uuid,
  api_key_id: Type.Union([Type.String(), Type.Null()]),
  initiator: MinimalUser,
  provider: Type.String(),
  model: Type.String(),
  client: Type.String(),
  metadata: Metadata,
  started_at: Time,
  ended_at: Time,
  token_usages: Type.Array(
    Type.Object({
      id: Uuid,
      interception_id: Uuid,
      provider_response_id: Type.String(),
      input_tokens: Type.Integer(),
      output_tokens: Type.Integer(),
      metadata: Metadata,
      created_at: Time,
    }),
  ),
  user_prompts: Type.Array(
    Type.Object({
      id: Uuid,
      interception_id: Uuid,
      provider_response_id: Type.String(),
      prompt: Type.String(),
      metadata: Metadata,
      created_at: Time,
    }),
  ),
  tool_usages: Type.Array(
    Type.Object({
      id: Uuid,
      interception_id: Uuid,
      provider_response_id: Type.String(),
      server_url: Type.String(),
      tool: Type.String(),
      input: Type.String(),
      injected: Type.Boolean(),
      invocation_error: Type.String(),
      metadata: Metadata,
      created_at: Time,
    }),
  ),
})
export type AIBridgeInterception = Static<typeof AIBridgeInterception>

export const AIBridgeListInterceptionsResponse = Type.Object({
  count: Type.Integer(),
  results: Type.Array(AIBridgeInterception),
})
export type AIBridgeListInterceptionsResponse = Static<typeof AIBridgeListInterceptionsResponse>

export const getAIGatewaySession = route('GET /api/v2/ai-gateway/sessions/{session_id}', {
  id: 'get-ai-gateway-session-threads',
  tag,
  query: Type.Object({
    limit: Type.Optional(Type.Integer()),
    after_id: Type.Optional(Type.String({ maxLength: 64 })),
    before_id: Type.Optional(Type.String({ maxLength: 64 })),
    /** Id or name of a user, or `me`: whose session it is, where several share its id (AG-94). */
    initiator: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  responses: { 200: AIBridgeSessionThreadsResponse },
})

/** For clients from before there were sessions. */
export const listAIBridgeInterceptions = route('GET /api/v2/aibridge/interceptions', {
  id: 'list-aibridge-interceptions',
  tag,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 4096 })),
    limit: Type.Optional(Type.Integer()),
    offset: Type.Optional(Hits),
    after_id: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  responses: { 200: AIBridgeListInterceptionsResponse },
})
