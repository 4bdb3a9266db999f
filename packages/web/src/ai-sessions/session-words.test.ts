import { expect, it } from 'vitest'

import { argumentsOf, between, keyWords, objectOf, tokensIn, tookWords, withRange } from './session-words.ts'

const NOW = Date.parse('2026-03-02T12:00:00Z')

it('UI-1301: without a range the last 24 hours count; one end alone is respected', () => {
  expect(withRange('initiator:ada', NOW)).toBe('initiator:ada started_after:"2026-03-01T12:00:00.000Z"')
  expect(withRange('', NOW)).toBe('started_after:"2026-03-01T12:00:00.000Z"')
  for (const filter of [
    'started_before:"2026-01-01T00:00:00Z"',
    'model:x started_after:"2026-01-01T00:00:00Z"',
  ])
    expect(withRange(filter, NOW)).toBe(filter)
})

it('UI-1302: arguments of tools are data where they are JSON', () => {
  expect(argumentsOf('{"path":"a.ts"}')).toEqual({ path: 'a.ts' })
  expect(argumentsOf('*** Begin Patch')).toBe('*** Begin Patch')
  expect(objectOf('{"n":1,"command":"npm test\\nexit"}')).toBe('npm test')
  expect(objectOf('{}')).toBe('')
  expect(objectOf('*** Begin Patch')).toBe('*** Begin Patch')
})

it('adds what came from the cache to what went in', () => {
  expect(
    tokensIn({
      input_tokens: 1,
      output_tokens: 50,
      cache_read_input_tokens: 20,
      cache_write_input_tokens: 300,
    }),
  ).toBe(321)
  expect(between('2026-01-01T00:00:01Z', '2026-01-01T00:00:00Z')).toBe(0)
  expect(tookWords('2026-01-01T00:00:01Z', '2026-01-01T00:00:01Z')).toBe('<1 ms')
  expect(tookWords('2026-01-01T00:00:01.000Z', '2026-01-01T00:00:01.030Z')).toBe('30 ms')
})

it('UI-1302: a request that no key was tried for names none', () => {
  expect(keyWords('sk-t...cdef')).toBe('sk-t...cdef')
  expect(keyWords('<failover key>')).toBeUndefined()
  expect(keyWords('')).toBeUndefined()
})
