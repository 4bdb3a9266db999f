import { gatewayErrorCode } from '../ai-gateway/index.ts'
import type { Failure } from './classify-error.ts'
import { parseJson } from './model/json.ts'

/** Causes of causes that are looked at. */
const MAX_DEPTH = 8
const MAX_TEXT = 16_384

/** What went wrong with a call of a model, and what the provider says of it. */
export interface FailedCall {
  readonly failure: Failure
  /** What the provider itself says in the body of its answer; empty for nothing. */
  readonly said: string
  /** The same, else what the libraries and the network say. */
  readonly detail: string
  /** What the provider asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
}

/** A stream that ended before the provider said that its answer is complete. */
export class StreamCut extends Error {
  override readonly name = 'StreamCut'
  readonly own = 'cut' as const
}

/** A stream in which nothing came for too long (CH-722). */
export class StreamSilence extends Error {
  override readonly name = 'StreamSilence'
  readonly own = 'silence' as const
}

/** A call that was given up because it took longer than it may: asking again would take as long. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  readonly own = 'deadline' as const
}

/** Looks into an error of a library, of the network or of a stream for what is known of it. */
export function failedCall(error: unknown, now: Date): FailedCall {
  const texts: string[] = []
  let status: number | undefined
  let gatewayCode: string | undefined
  let retryAfterMs: number | undefined
  let detail = ''
  let message = ''
  let current: unknown = error
  for (let depth = 0; depth < MAX_DEPTH && current !== undefined && current !== null; depth += 1) {
    const seen = look(current, now)
    texts.push(...seen.texts)
    status ??= seen.status
    gatewayCode ??= seen.gatewayCode
    retryAfterMs ??= seen.retryAfterMs
    if (detail === '') detail = seen.detail
    if (message === '') message = seen.message
    current = seen.cause
  }
  const own =
    error instanceof StreamCut || error instanceof StreamSilence || error instanceof DeadlinePassed
      ? error.own
      : undefined
  return {
    failure: { status, text: texts.join('\n').slice(0, MAX_TEXT), gatewayCode, own },
    said: detail,
    detail: detail === '' ? message : detail,
    retryAfterMs,
  }
}

interface Seen {
  readonly texts: readonly string[]
  /** The provider's own words, in the body of its answer. */
  readonly detail: string
  readonly message: string
  readonly status: number | undefined
  readonly gatewayCode: string | undefined
  readonly retryAfterMs: number | undefined
  readonly cause: unknown
}

function look(value: unknown, now: Date): Seen {
  if (typeof value !== 'object' || value === null)
    return { ...NOTHING, texts: [String(value)], detail: '', message: String(value) }
  const text = (name: string): string => {
    const member: unknown = Reflect.get(value, name)
    return typeof member === 'string' ? member : ''
  }
  const number = (name: string): number | undefined => {
    const member: unknown = Reflect.get(value, name)
    return typeof member === 'number' && member >= 100 && member < 600 ? member : undefined
  }
  const body = text('responseBody')
  const said = [text('name'), text('message'), text('code'), text('type'), body].filter((one) => one !== '')
  return {
    texts: value instanceof Error ? said : [...said, JSON.stringify(value)],
    detail: ownWords(body),
    message: text('message'),
    status: number('statusCode') ?? number('status'),
    gatewayCode: body === '' ? codeOf(value) : gatewayErrorCode(body),
    retryAfterMs: retryAfter(Reflect.get(value, 'responseHeaders'), now),
    cause: Reflect.get(value, 'cause') ?? Reflect.get(value, 'data') ?? Reflect.get(value, 'error'),
  }
}

const NOTHING = {
  status: undefined,
  gatewayCode: undefined,
  retryAfterMs: undefined,
  cause: undefined,
} as const

function codeOf(value: object): string | undefined {
  const code: unknown = Reflect.get(value, 'code')
  return Reflect.get(value, 'name') === 'GatewayError' && typeof code === 'string' ? code : undefined
}

/** The message in the body of an error, wherever providers put it. */
function ownWords(body: string): string {
  const parsed = parseJson(body)
  const message = (value: unknown): string | undefined => {
    const member: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'message') : undefined
    return typeof member === 'string' ? member : undefined
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  const inner: unknown = typeof first === 'object' && first !== null ? Reflect.get(first, 'error') : undefined
  return message(inner) ?? message(first) ?? (typeof inner === 'string' ? inner : '')
}

/** RFC 9110, section 10.2.3: seconds or a date; some providers tell milliseconds in a header of their own. */
function retryAfter(headers: unknown, now: Date): number | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const read = (name: string): string => {
    const member: unknown = Reflect.get(headers, name)
    return typeof member === 'string' ? member.trim() : ''
  }
  const ms = read('retry-after-ms')
  if (/^\d{1,9}(\.\d+)?$/.test(ms)) return Math.ceil(Number(ms))
  const value = read('retry-after')
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  const date = value === '' ? Number.NaN : Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}
