import { expect, it } from 'vitest'

import { failureOfEvent } from './categories.ts'

it.each([
  ['overloaded_error', 'overloaded'],
  ['rate_limit_error', 'rate_limited'],
  ['invalid_request_error', 'bad_request'],
  ['authentication_error', 'unauthorized'],
  ['permission_error', 'unauthorized'],
  ['api_error', 'server_error'],
])('AG-82: %s in the middle of an answer is %s', (type, kind) => {
  expect(failureOfEvent({ type, message: 'wrong' })).toEqual({ type: kind, message: 'wrong' })
})

it('AG-82: a message is cut to 1024 bytes, and in no character', () => {
  expect(failureOfEvent({ type: 'x', message: `${'a'.repeat(1023)}é` }).message).toBe('a'.repeat(1023))
  expect(failureOfEvent({ type: 'x', message: `${'a'.repeat(1022)}é!` }).message).toBe(`${'a'.repeat(1022)}é`)
})
