import type { Logger, LogValue } from '@slipway/request-log'
import type { NewInterception } from '../store/interceptions.ts'
import type { EndedRecord, PassedRecord } from './stored-record.ts'

const MESSAGE = 'interception log'

/** Writes down that a request has begun (AG-122). */
export function logStart(log: Logger, interception: NewInterception): void {
  log.info(MESSAGE, {
    record_type: 'interception_start',
    interception_id: interception.id,
    initiator_id: interception.initiatorId,
    api_key_id: interception.apiKeyId,
    provider: interception.provider,
    provider_name: interception.providerName,
    model: interception.model,
    requested_model: interception.requestedModel,
    client: interception.client,
    client_session_id: interception.clientSessionId,
    credential_kind: interception.credentialKind,
    credential_hint: interception.credentialHint,
    started_at: interception.startedAt,
    metadata: JSON.stringify(interception.metadata),
  })
}

/** Writes down all that is stored of a request that has ended; that includes what was asked (AG-122). */
export function logEnding(log: Logger, record: EndedRecord): void {
  const { interception, end, tokens, prompts, tools, thoughts } = record
  const line = (record_type: string, fields: Readonly<Record<string, LogValue>>): void =>
    log.info(MESSAGE, { record_type, interception_id: interception.id, ...fields })
  for (const usage of tokens)
    line('token_usage', {
      provider_response_id: usage.responseId,
      input_tokens: usage.input,
      output_tokens: usage.output,
      cache_read_input_tokens: usage.cacheRead,
      cache_write_input_tokens: usage.cacheWrite,
      model: usage.model,
      metadata: JSON.stringify(usage.metadata),
      created_at: end.at,
    })
  for (const { responseId, prompt } of prompts)
    line('prompt_usage', { provider_response_id: responseId, prompt, created_at: end.at })
  for (const tool of tools)
    line('tool_usage', {
      provider_response_id: tool.responseId,
      provider_tool_call_id: tool.callId,
      provider_item_id: tool.itemId,
      tool: tool.tool,
      input: tool.input,
      injected: tool.injected !== undefined,
      server_url: tool.injected?.serverUrl,
      invocation_error: tool.injected?.error,
      created_at: end.at,
    })
  for (const { content, source } of thoughts) line('model_thought', { content, source, created_at: end.at })
  line('interception_end', {
    ended_at: end.at,
    provider_name: end.providerName ?? interception.providerName,
    model: end.model ?? interception.model,
    credential_hint: end.credentialHint ?? interception.credentialHint,
    error_type: end.error?.type,
    error_message: end.error?.message,
    metadata: JSON.stringify(end.metadata),
  })
}

/** Writes down that a request was relayed only (AG-B20). */
export function logPassing(log: Logger, record: PassedRecord): void {
  log.info(MESSAGE, {
    record_type: 'passthrough',
    id: record.id,
    initiator_id: record.initiatorId,
    api_key_id: record.apiKeyId,
    provider: record.provider,
    provider_name: record.providerName,
    method: record.method,
    route: record.route,
    client: record.client,
    status: record.status,
    started_at: record.startedAt,
    duration_ms: record.durationMs,
    metadata: JSON.stringify(record.metadata),
  })
}
