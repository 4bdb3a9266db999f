import type { AIProviderTest, AIProviderTestResult } from '@slipway/contract'
import type { ModelProvider } from '../ai-providers/index.ts'
import { decodedAnswer } from './answers/decoded-answer.ts'
import { hidingKey } from './answers/hidden-key.ts'
import { readAtMost, type Upstream } from './answers/upstream.ts'
import type { AwsCredentials } from './bedrock/aws-credentials.ts'
import { bedrockCredential } from './bedrock/credential.ts'
import { GatewayError } from './exchange/gateway-error.ts'
import { type Credential, keyCredential, type Unsigned } from './keys/credentials.ts'
import { failureOfStatus } from './recording/categories.ts'

const TIMEOUT_MS = 15_000
/** Of an answer, in bytes: lists of models may be long. */
const MAX_ANSWER = 64 * 1024
const MAX_ERROR = 512

interface Trial {
  readonly keyId: string | null
  readonly masked: string
  readonly credential: Credential
}

/**
 * Asks a provider for something cheap with each credential that the deployment has for it (AG-B18). Whether the provider
 * is on does not matter.
 */
export async function testProvider(
  { upstream, aws }: { readonly upstream: Upstream; readonly aws: AwsCredentials },
  provider: ModelProvider,
): Promise<AIProviderTest> {
  const trials = trialsOf(aws, provider)
  const results =
    trials.length === 0
      ? [without(provider)]
      : await Promise.all(trials.map((trial) => attempt(upstream, provider, trial)))
  return { ok: results.some(({ ok }) => ok), results }
}

function trialsOf(aws: AwsCredentials, provider: ModelProvider): Trial[] {
  const signed = bedrockCredential(aws, provider)
  if (signed !== undefined) return [{ keyId: null, masked: signed.hint, credential: signed }]
  return provider.keys.map(({ id, key, hint }) => ({
    keyId: id,
    masked: hint,
    credential: keyCredential(provider, 'centralized', key, hint),
  }))
}

function without(provider: ModelProvider): AIProviderTestResult {
  const error =
    provider.statusDetail === ''
      ? 'The deployment has no credential for it: only users with keys of their own can use it.'
      : provider.statusDetail
  return { key_id: null, masked: '', ok: false, status_code: 0, error, latency_ms: 0 }
}

async function attempt(
  upstream: Upstream,
  provider: ModelProvider,
  { keyId, masked, credential }: Trial,
): Promise<AIProviderTestResult> {
  const began = performance.now()
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const result = (status: number, error: string): AIProviderTestResult => ({
    key_id: keyId,
    masked,
    ok: error === '',
    status_code: status,
    error: error.slice(0, MAX_ERROR),
    latency_ms: Math.round(performance.now() - began),
  })
  try {
    const question = questionFor(provider)
    const headers = await credential.sign(question)
    const sent = await upstream.send({ ...question, headers, signal, stream: false })
    const answer = hidingKey(decodedAnswer(sent, question.method), credential.key, false)
    const body = (await readAtMost(answer, MAX_ANSWER)).toString('utf8')
    const fine = answer.status < 300
    return result(answer.status, fine ? '' : failureOfStatus(answer.status, body, 'other').message)
  } catch (error) {
    if (error instanceof GatewayError) return result(0, error.message)
    if (signal.aborted) return result(0, 'it did not answer in time')
    throw error
  }
}

/** Something that costs next to nothing and that only those with a credential are told. */
function questionFor(provider: ModelProvider): Unsigned {
  const { type, baseUrl, bedrock } = provider
  const base = baseUrl.replace(/\/+$/, '')
  const get = (path: string, headers: Record<string, string> = {}): Unsigned => ({
    method: 'GET',
    url: new URL(base + path),
    headers: { accept: 'application/json', ...headers },
    body: undefined,
  })
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Unsigned => ({
    method: 'POST',
    url: new URL(base + path),
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  })
  const anthropic = { 'anthropic-version': '2023-06-01' }
  if (bedrock !== undefined) {
    const model = bedrock.smallFastModel
    const ping = [{ role: 'user', content: 'ping' }]
    return bedrock.protocol === 'mantle'
      ? post('/v1/messages', { model, max_tokens: 1, messages: ping }, anthropic)
      : post(`/model/${encodeURIComponent(model)}/invoke`, {
          anthropic_version: 'bedrock-2023-05-31',
          max_tokens: 1,
          messages: ping,
        })
  }
  switch (type) {
    case 'anthropic':
      return get('/v1/models?limit=1', anthropic)
    // Their lists of models are for everybody.
    case 'openrouter':
      return get('/key')
    case 'vercel':
      return get('/credits')
    case 'openai':
    case 'azure':
    case 'bedrock':
    case 'google':
    case 'openai-compat':
    case 'copilot':
      return get('/models')
  }
}
