import fc from 'fast-check'
import { expect, it } from 'vitest'

import { ChatErrorKind } from '@slipway/contract'
import { chatError, classify, type Failure } from './classify-error.ts'
import { failedCall } from './failure.ts'

const TABLE: readonly [string, Failure, string, boolean][] = [
  ['our own interruption', { text: 'x', own: 'interrupted' }, 'generic', false],
  ['a cut stream', { text: 'x', own: 'cut' }, 'timeout', true],
  ['a silent stream', { text: 'x', own: 'silence' }, 'stream_silence_timeout', true],
  ['529', { status: 529, text: '' }, 'overloaded', true],
  ['overloaded in words, with any status', { status: 400, text: 'Overloaded' }, 'overloaded', true],
  ['insufficient_quota at 429', { status: 429, text: 'insufficient_quota' }, 'usage_limit', false],
  [
    'the budget of the gateway',
    { status: 403, text: '', gatewayCode: 'budget_exceeded' },
    'usage_limit',
    false,
  ],
  ['billing at 400', { status: 400, text: 'Your credit balance is too low' }, 'usage_limit', false],
  ['quota at 429', { status: 429, text: 'Quota exceeded for requests per minute' }, 'rate_limit', true],
  ['401', { status: 401, text: '' }, 'auth', false],
  ['an invalid key', { status: 400, text: 'API key not valid: invalid api key' }, 'auth', false],
  ['403', { status: 403, text: '' }, 'auth', false],
  ['403 about the model', { status: 403, text: 'invalid model' }, 'config', false],
  ['429', { status: 429, text: '' }, 'rate_limit', true],
  ['429 about the model', { status: 429, text: 'unsupported model' }, 'config', false],
  [
    'a disabled provider',
    { status: 503, text: '', gatewayCode: 'provider_disabled' },
    'provider_disabled',
    false,
  ],
  [
    'a model that the gateway does not allow',
    { status: 403, text: 'You may not use the model "x".', gatewayCode: 'model_not_allowed' },
    'config',
    false,
  ],
  ['a model without a price', { status: 403, text: '', gatewayCode: 'model_not_priced' }, 'config', false],
  ['a missing key', { status: 401, text: '', gatewayCode: 'missing_credential' }, 'missing_key', false],
  ['502', { status: 502, text: '' }, 'timeout', true],
  ['a reset connection', { text: 'read ECONNRESET' }, 'timeout', true],
  [
    'an answer that the gateway has lost in its middle',
    { status: 200, text: 'Failed to process successful response', gatewayCode: 'upstream_disconnected' },
    'timeout',
    true,
  ],
  ['our own deadline', { text: 'timed out', own: 'deadline' }, 'timeout', false],
  ['503 about the model', { status: 503, text: 'invalid model' }, 'config', false],
  [
    'a context that is too long',
    { status: 400, text: "This model's maximum context length is 8192" },
    'config',
    false,
  ],
  ['500', { status: 500, text: '' }, 'generic', true],
  ['a server error', { text: 'server_error' }, 'generic', true],
  ['anything else', { status: 418, text: 'teapot' }, 'generic', false],
]

it.each(TABLE)('CH-7.4: %s', (_name, failure, kind, retryable) => {
  expect(classify(failure)).toMatchObject({ kind, retryable })
})

it('CH-7.4: every failure has one kind; what cannot get better is never tried again', () => {
  const failures = fc.record({
    status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
    text: fc.oneof(fc.string(), fc.constantFrom(...TABLE.map(([, failure]) => failure.text))),
    gatewayCode: fc.option(fc.constantFrom('budget_exceeded', 'provider_disabled', 'timeout'), {
      nil: undefined,
    }),
    own: fc.option(fc.constantFrom('interrupted', 'cut', 'silence', 'deadline', 'content_filter'), {
      nil: undefined,
    }),
  })
  fc.assert(
    fc.property(failures, (failure) => {
      const { kind, retryable } = classify(failure)
      expect(ChatErrorKind.enum).toContain(kind)
      if (
        ['auth', 'config', 'usage_limit', 'missing_key', 'provider_disabled', 'content_filter'].includes(kind)
      )
        expect(retryable).toBe(false)
      if (['overloaded', 'rate_limit', 'stream_silence_timeout'].includes(kind)) expect(retryable).toBe(true)
    }),
  )
})

it('CH-7.4: details are short and hold no credential', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (noise) => {
      const { detail = '' } = chatError(
        { kind: 'auth', retryable: false },
        'p',
        `${noise} sk-abcdefghijkl1234567890 ${noise}`,
      )
      expect(detail.length).toBeLessThanOrEqual(500)
      expect(detail).not.toContain('abcdefghijkl1234567890')
    }),
  )
})

it('CH-7.4: status, words and Retry-After are found in whatever wraps them', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const inner = Object.assign(new Error('Too Many Requests'), {
    statusCode: 429,
    responseBody: '{"error":{"message":"Slow down","type":"rate_limit_error"}}',
    responseHeaders: { 'retry-after': '7' },
  })
  const wrapped = new Error('Failed after 1 attempt', { cause: new Error('x', { cause: inner }) })
  expect(failedCall(wrapped, now)).toMatchObject({
    failure: { status: 429 },
    detail: 'Slow down',
    retryAfterMs: 7000,
  })
  const dated = Object.assign(new Error('x'), {
    responseHeaders: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' },
  })
  expect(failedCall(dated, now).retryAfterMs).toBe(30_000)
  expect(failedCall({ type: 'overloaded_error', message: 'Busy' }, now).failure.text).toContain('overloaded')
  expect(failedCall('a text', now).detail).toBe('a text')
  expect(failedCall(undefined, now).detail).toBe('')
})
