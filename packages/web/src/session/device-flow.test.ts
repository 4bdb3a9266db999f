import { describe, expect, it } from 'vitest'

import { ApiError, NetworkError } from '../api/http.ts'
import { passkeyFailure } from './passkeys.ts'
import { deviceOutcome } from './use-device-flow.ts'

const refused = (status: number, message: string, detail?: string) =>
  new ApiError({
    status,
    message,
    detail,
    validations: [],
    requestId: undefined,
    retryAfter: undefined,
    body: undefined,
  })

describe('UI-604: what a refused question after the token means', () => {
  it.each([
    [refused(400, 'Failed exchanging Oauth code.', 'authorization_pending'), 'pending'],
    [refused(500, 'Failed exchanging Oauth code.', 'slow_down'), 'slow_down'],
    [refused(400, 'The code was not accepted.', 'expired_token'), 'expired'],
    [refused(400, 'The code was not accepted.', 'access_denied'), 'denied'],
    [refused(400, 'State must be provided.'), 'failed'],
    [refused(401, 'Unauthorized', 'You are in no organization that may sign in.'), 'failed'],
    // A server that is away for a moment ends nothing.
    [refused(503, 'Starting.'), 'slow_down'],
    [refused(429, 'Too many.'), 'slow_down'],
    [new NetworkError(undefined), 'slow_down'],
  ])('%o is %s', (error, outcome) => {
    expect(deviceOutcome(error)).toBe(outcome)
  })
})

it('UI-601: a passkey that was not given has a reason in words', () => {
  const named = (name: string) => Object.assign(new Error('x'), { name })
  expect(passkeyFailure(named('NotAllowedError'))).toContain('closed')
  expect(passkeyFailure(named('InvalidStateError'))).toContain('already')
  expect(passkeyFailure(named('SecurityError'))).toContain('access URL')
  expect(passkeyFailure(new Error('odd'))).toBe('The browser gave no passkey: odd')
})
