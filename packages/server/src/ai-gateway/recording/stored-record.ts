import { type Static, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'

const Metadata = Type.Record(Type.String(), Type.Unknown())
const orAbsent = <Value extends TSchema>(value: Value) => Type.Optional(Type.Union([value, Type.Undefined()]))
const OptionalText = orAbsent(Type.String())
const Count = Type.Integer({ minimum: 0 })

/** A request that has ended, with all that is stored of it; times as ISO 8601, so that it survives as JSON. */
const EndedRecord = Type.Object({
  kind: Type.Literal('interception'),
  /** Whether its beginning is stored already. */
  begun: Type.Boolean(),
  interception: Type.Object({
    id: Type.String(),
    initiatorId: Type.String(),
    apiKeyId: OptionalText,
    provider: Type.String(),
    providerName: Type.String(),
    model: Type.String(),
    requestedModel: OptionalText,
    metadata: Metadata,
    startedAt: Type.String(),
    client: Type.String(),
    clientSessionId: OptionalText,
    credentialKind: Type.Enum(['centralized', 'byok']),
    credentialHint: Type.String(),
    toolCallId: OptionalText,
    agentFirewall: orAbsent(Type.Object({ sessionId: Type.String(), sequenceNumber: Count })),
  }),
  /** Of all its answers; what is written below with the same times. */
  tokens: Type.Array(
    Type.Object({
      id: Type.String(),
      responseId: Type.String(),
      input: Count,
      output: Count,
      cacheRead: Count,
      cacheWrite: Count,
      metadata: Metadata,
      providerType: Type.String(),
      model: Type.String(),
    }),
  ),
  prompts: Type.Array(Type.Object({ id: Type.String(), responseId: Type.String(), prompt: Type.String() })),
  tools: Type.Array(
    Type.Object({
      id: Type.String(),
      responseId: Type.String(),
      tool: Type.String(),
      callId: OptionalText,
      itemId: Type.String(),
      input: Type.String(),
      injected: orAbsent(Type.Object({ serverUrl: Type.String(), error: OptionalText })),
    }),
  ),
  thoughts: Type.Array(Type.Object({ content: Type.String(), source: Type.String() })),
  end: Type.Object({
    at: Type.String(),
    credentialHint: OptionalText,
    providerName: OptionalText,
    model: OptionalText,
    metadata: orAbsent(Metadata),
    queued: Type.Boolean(),
    error: orAbsent(
      Type.Object({
        type: Type.Enum([
          'bad_request',
          'unauthorized',
          'rate_limited',
          'overloaded',
          'server_error',
          'timeout',
          'unknown',
        ]),
        message: Type.String(),
      }),
    ),
  }),
})
export type EndedRecord = Static<typeof EndedRecord>

/** A request that was relayed only (AG-B20). */
const PassedRecord = Type.Object({
  kind: Type.Literal('passthrough'),
  id: Type.String(),
  initiatorId: Type.String(),
  apiKeyId: OptionalText,
  provider: Type.String(),
  providerName: Type.String(),
  method: Type.String(),
  route: Type.String(),
  client: Type.String(),
  /** Absent where the provider has not answered. */
  status: orAbsent(Type.Integer()),
  startedAt: Type.String(),
  durationMs: Count,
  /** What guardrails have decided. */
  metadata: orAbsent(Metadata),
})
export type PassedRecord = Static<typeof PassedRecord>

/** What may wait for the database. */
export type StoredRecord = EndedRecord | PassedRecord

const AnyRecord = Type.Union([EndedRecord, PassedRecord])

/** A record out of a line of JSON; undefined when the line is damaged. */
export function readRecord(line: string): StoredRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  return Check(AnyRecord, value) ? value : undefined
}

/** About how much memory a record takes, in characters. */
export function sizeOf(record: StoredRecord): number {
  if (record.kind === 'passthrough') return 512
  const texts = [
    ...record.prompts.map(({ prompt }) => prompt),
    ...record.tools.map(({ input }) => input),
    ...record.thoughts.map(({ content }) => content),
  ]
  return texts.reduce((sum, text) => sum + text.length, 1024)
}
