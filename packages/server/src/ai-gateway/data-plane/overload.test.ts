import { expect, it } from 'vitest'

import { GatewayError } from '../gateway-error.ts'
import { Overload } from './overload.ts'

const outcome = (overload: Overload, caller = 'a'): number => {
  try {
    overload.admit(caller)
    return 200
  } catch (error) {
    if (error instanceof GatewayError) return error.status
    throw error
  }
}

it('AG-63: limits of 0 let everybody in', () => {
  const overload = new Overload({ maxConcurrency: 0, rate: 0 })
  expect(Array.from({ length: 200 }, () => outcome(overload))).toEqual(Array(200).fill(200))
})

it('AG-64: a place is given back once', () => {
  const overload = new Overload({ maxConcurrency: 2, rate: 0 })
  const first = overload.admit('a')
  overload.admit('b')
  expect(outcome(overload)).toBe(503)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  expect([outcome(overload), outcome(overload)]).toEqual([200, 503])
})

it('AG-66: callers do not affect each other, and AG-68 a burst over the end of a second counts', () => {
  let now = 1_000_000
  const overload = new Overload({ maxConcurrency: 0, rate: 2 }, () => now)
  now += 900
  expect([outcome(overload), outcome(overload), outcome(overload)]).toEqual([200, 200, 429])
  expect(outcome(overload, 'b')).toBe(200)
  now += 200
  expect(outcome(overload)).toBe(429)
  now += 900
  expect(outcome(overload)).toBe(200)
})

it('AG-67: the places come before the rate, and whoever is too fast takes none', () => {
  const now = 1_000_000
  const overload = new Overload({ maxConcurrency: 1, rate: 1 }, () => now)
  const place = overload.admit('a')
  expect(outcome(overload)).toBe(503)
  place[Symbol.dispose]()
  expect(outcome(overload)).toBe(429)
  expect(outcome(overload, 'b')).toBe(200)
})
