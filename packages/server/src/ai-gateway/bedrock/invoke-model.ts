import type { ModelProvider } from '../../ai-providers/index.ts'
import { bodyOf, withBody } from '../answers/replaced-body.ts'
import { type AnswerBody, readAtMost, type UpstreamAnswer } from '../answers/upstream.ts'
import { editMembers, type MemberChanges } from '../data-plane/json-members.ts'
import type { Unsigned } from '../keys/credentials.ts'
import { type EventMessage, EventStreamReader } from '../wires/event-stream.ts'
import { at, bodyText, count, list, parseJson, text } from '../wires/json.ts'
import {
  BETA_MEMBERS,
  BUDGET_RATIOS,
  DEFAULT_BUDGET_RATIO,
  MIN_BUDGET,
  REGION_GROUPS,
  takenBetas,
  thinkingOf,
  UNKNOWN_MEMBERS,
  UNKNOWN_OUTPUT_MEMBERS,
} from './models.ts'

/** A request in the words of Bedrock, and its answer in those of Anthropic again. */
export interface Translation {
  readonly request: Unsigned
  answered(answer: UpstreamAnswer): Promise<UpstreamAnswer>
}

const MESSAGES = '/v1/messages'
const COUNT_TOKENS = '/v1/messages/count_tokens'
/** Which of Anthropic's APIs is meant. */
const VERSION = 'bedrock-2023-05-31'
/** Of an answer that is translated as a whole, in bytes. */
const MAX_ANSWER = 64 * 1024

/** Whether a provider is asked with the API of Bedrock rather than with Anthropic's. */
export function speaksInvokeModel({ bedrock }: ModelProvider): boolean {
  return bedrock?.protocol === 'invoke-model'
}

/** Whether a path of Anthropic's API can be asked for at Bedrock. */
export function isTranslated(path: string): boolean {
  return path.endsWith(MESSAGES) || path.endsWith(COUNT_TOKENS)
}

/** The model that stands for the one that a client names: Bedrock has other names (AG-47). */
export function servedModel({ bedrock }: ModelProvider, path: string, model: string): string {
  if (bedrock?.protocol !== 'invoke-model' || !isTranslated(path)) return model
  return model.includes('haiku') ? bedrock.smallFastModel : bedrock.model
}

/**
 * A request of the Messages API as Bedrock's `InvokeModel` takes it (AG-47), or its count of tokens as `CountTokens` does
 * (AG-B20); undefined where the provider speaks Anthropic's API itself, or the request is Bedrock's already.
 */
export function asInvokeModel(
  provider: ModelProvider,
  request: Unsigned,
  stream: boolean,
): Translation | undefined {
  const { pathname } = request.url
  if (!speaksInvokeModel(provider) || !isTranslated(pathname)) return undefined
  const body = bodyText(request.body ?? new Uint8Array())
  const parsed = parseJson(body)
  const model = servedModel(provider, pathname, text(at(parsed, 'model')))
  const base = pathname.slice(0, pathname.lastIndexOf(MESSAGES))
  const to = (path: string, edited: string): Unsigned => {
    const url = new URL(request.url)
    url.pathname = `${base}/model/${path}`
    url.search = ''
    const { 'anthropic-beta': _, 'anthropic-version': __, accept: ___, ...headers } = request.headers
    return { method: 'POST', url, headers, body: Buffer.from(edited) }
  }
  const betas = betasOf(request.headers['anthropic-beta'] ?? '', parsed, model)
  const edited = editedBody(body, parsed, model, betas)
  if (pathname.endsWith(COUNT_TOKENS)) {
    const whole = editMembers(edited, { max_tokens: (before) => before ?? '1' })
    const input = { invokeModel: { body: Buffer.from(whole).toString('base64') } }
    // Groups of regions have no counter of their own.
    const counted = encodeURIComponent(model.replace(REGION_GROUPS, ''))
    return {
      request: to(`${counted}/count-tokens`, JSON.stringify({ input })),
      answered: async (answer) => (answer.status < 400 ? countOf(answer) : refusalOf(answer)),
    }
  }
  const how = stream ? 'invoke-with-response-stream' : 'invoke'
  return {
    request: to(`${encodeURIComponent(model)}/${how}`, edited),
    answered: async (answer) => {
      if (answer.status >= 400) return refusalOf(answer)
      return stream ? streamOf(answer) : answer
    },
  }
}

function betasOf(header: string, request: unknown, model: string): string[] {
  const given = [...header.split(','), ...list(at(request, 'anthropic_beta')).map(text)]
  return takenBetas(
    given.map((flag) => flag.trim()),
    model,
  )
}

/** The body without what Bedrock has elsewhere or does not take, and with what it wants to be told. */
function editedBody(body: string, request: unknown, model: string, betas: readonly string[]): string {
  const changes: Record<string, MemberChanges[string]> = {
    model: undefined,
    stream: undefined,
    ...Object.fromEntries(UNKNOWN_MEMBERS.map((name) => [name, undefined])),
    ...thinkingChanges(request, model),
    anthropic_version: () => JSON.stringify(VERSION),
    anthropic_beta: betas.length === 0 ? undefined : () => JSON.stringify(betas),
  }
  for (const [name, beta] of Object.entries(BETA_MEMBERS))
    if (!betas.includes(beta)) changes[name] = undefined
  // These models take it without a flag.
  if (thinkingOf(model) === 'adaptive' && at(request, 'output_config') !== undefined)
    changes.output_config = (before = '{}') =>
      before.startsWith('{')
        ? editMembers(before, Object.fromEntries(UNKNOWN_OUTPUT_MEMBERS.map((name) => [name, undefined])))
        : before
  return editMembers(body, changes)
}

function thinkingChanges(request: unknown, model: string): MemberChanges {
  const type = at(request, 'thinking', 'type')
  switch (thinkingOf(model)) {
    case 'either':
      return {}
    case 'adaptive':
      return type === 'enabled' ? { thinking: () => '{"type":"adaptive"}' } : {}
    case 'budget': {
      if (type !== 'adaptive') return {}
      const effort = text(at(request, 'output_config', 'effort'))
      const ratio = Object.hasOwn(BUDGET_RATIOS, effort) ? BUDGET_RATIOS[effort] : undefined
      const budget = Math.floor(count(at(request, 'max_tokens')) * (ratio ?? DEFAULT_BUDGET_RATIO))
      const thinking = budget < MIN_BUDGET ? { type: 'disabled' } : { type: 'enabled', budget_tokens: budget }
      return { thinking: () => JSON.stringify(thinking) }
    }
  }
}

async function countOf(answer: UpstreamAnswer): Promise<UpstreamAnswer> {
  const body = parseJson((await readAtMost(answer, MAX_ANSWER)).toString('utf8'))
  return withText(answer, JSON.stringify({ input_tokens: count(at(body, 'inputTokens')) }))
}

/** A refusal with its reason where clients of Anthropic look for it. */
async function refusalOf(answer: UpstreamAnswer): Promise<UpstreamAnswer> {
  const body = (await readAtMost(answer, MAX_ANSWER)).toString('utf8')
  const parsed = parseJson(body)
  if (at(parsed, 'error') !== undefined) return withText(answer, body)
  const message = text(at(parsed, 'message')) || text(at(parsed, 'Message')) || body.slice(0, 1_024)
  return withText(
    answer,
    JSON.stringify({ type: 'error', error: { type: errorOfStatus(answer.status), message } }),
  )
}

function withText(answer: UpstreamAnswer, body: string): UpstreamAnswer {
  return withBody(answer, bodyOf(body), 'application/json')
}

function streamOf(answer: UpstreamAnswer): UpstreamAnswer {
  const type = answer.headers['content-type']
  if (typeof type !== 'string' || !/^application\/vnd\.amazon\.eventstream\b/i.test(type)) return answer
  const body: AnswerBody = {
    [Symbol.asyncIterator]: () => eventsOf(answer.body),
    destroy: (error) => answer.body.destroy(error),
  }
  return withBody(answer, body, 'text/event-stream')
}

/** The events that Bedrock wraps in its own, as Anthropic sends them. @throws Error for a stream that ends in the middle. */
async function* eventsOf(body: AnswerBody): AsyncGenerator<Uint8Array> {
  let events = ''
  const reader = new EventStreamReader((message) => {
    events += eventOf(message)
  })
  for await (const chunk of body) {
    reader.push(chunk)
    if (events !== '') yield Buffer.from(events)
    events = ''
    // Nobody waits for what cannot be read.
    if (reader.isLost) break
  }
  if (!reader.isWhole) throw new Error('the stream ended in the middle of a message')
}

function eventOf(message: EventMessage): string {
  const payload = parseJson(message.payload.toString('utf8'))
  if (message.headers.get(':message-type') === 'exception') {
    const type = errorOfException(message.headers.get(':exception-type') ?? '')
    const error = { type, message: text(at(payload, 'message')) }
    return `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`
  }
  const data = Buffer.from(text(at(payload, 'bytes')), 'base64').toString('utf8')
  const type = text(at(parseJson(data), 'type'))
  return type === '' ? '' : `event: ${type}\ndata: ${data}\n\n`
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html */
function errorOfException(exception: string): string {
  switch (exception) {
    case 'throttlingException':
      return 'rate_limit_error'
    case 'serviceUnavailableException':
      return 'overloaded_error'
    case 'modelTimeoutException':
      return 'timeout_error'
    case 'validationException':
      return 'invalid_request_error'
    default:
      return 'api_error'
  }
}

function errorOfStatus(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error'
    case 403:
      return 'permission_error'
    case 404:
      return 'not_found_error'
    case 413:
      return 'request_too_large'
    case 429:
      return 'rate_limit_error'
    case 503:
    case 529:
      return 'overloaded_error'
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error'
  }
}
