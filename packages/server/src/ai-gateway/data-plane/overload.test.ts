import { expect, it } from 'vitest'

import { GatewayError } from '../exchange/gateway-error.ts'
import { Overload, type OverloadLimits } from './overload.ts'

const outcome = (overload: Overload, caller = 'a'): number => {
  try {
    overload.admit(caller)
    return 200
  } catch (error) {
    if (error instanceof GatewayError) return error.status
    throw error
  }
}

/** A place that is free at once. */
const place = (overload: Overload, caller = 'a'): Disposable => {
  const taken = overload.admit(caller)
  if (taken instanceof Promise) throw new Error('no place is free')
  return taken
}

it('AG-63: limits of 0 let everybody in', () => {
  const overload = new Overload({ maxConcurrency: 0, rate: 0 })
  expect(Array.from({ length: 200 }, () => outcome(overload))).toEqual(Array(200).fill(200))
})

it('AG-64: a place is given back once', () => {
  const overload = new Overload({ maxConcurrency: 2, rate: 0 })
  const first = place(overload)
  place(overload, 'b')
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
  const first = place(overload)
  expect(outcome(overload)).toBe(503)
  first[Symbol.dispose]()
  expect(outcome(overload)).toBe(429)
  expect(outcome(overload, 'b')).toBe(200)
})

/** One place, and these settings. */
function queueing(settings: Partial<ReturnType<NonNullable<OverloadLimits['settings']>>>, rate = 0) {
  const stopped = new AbortController()
  const all = { maxConcurrencyPerUser: 0, queueLength: 0, queueTimeoutMs: 60_000, ...settings }
  const overload = new Overload(
    { maxConcurrency: 1, rate, settings: () => all },
    () => 1_000_000,
    undefined,
    stopped.signal,
  )
  return { overload, stopped, settings: all }
}
const stays = (): AbortSignal => new AbortController().signal
const statusOf = (taken: Disposable | Promise<Disposable> | undefined): Promise<number> =>
  Promise.resolve(taken).then(
    () => 200,
    (error: unknown) => (error instanceof GatewayError ? error.status : 0),
  )

it('AG-B13: who comes too late waits in the order of arrival, as many as may, and the rest is refused', async () => {
  const { overload } = queueing({ queueLength: 2 })
  const first = place(overload)
  const second = Promise.resolve(overload.admit('a', stays()))
  const third = Promise.resolve(overload.admit('b', stays()))
  expect(() => overload.admit('c', stays())).toThrow('AI Bridge is currently at capacity')
  first[Symbol.dispose]()
  const free = await second
  const early = await Promise.race([third.then(() => true), Promise.resolve(false)])
  expect(early).toBe(false)
  free[Symbol.dispose]()
  ;(await third)[Symbol.dispose]()
  expect(outcome(overload)).toBe(200)
})

it('AG-B13: a wait ends after its time, with the client, and with the server', async () => {
  const { overload, stopped, settings } = queueing({ queueLength: 10, queueTimeoutMs: 10 })
  const first = place(overload)
  await expect(overload.admit('a', stays())).rejects.toMatchObject({
    status: 503,
    code: 'gateway_at_capacity',
    retryAfterSeconds: 1,
  })
  settings.queueTimeoutMs = 60_000
  const left = new AbortController()
  const leaving = overload.admit('a', left.signal)
  left.abort(new Error('the client left'))
  await expect(leaving).rejects.toThrow('the client left')
  const waiting = overload.admit('a', stays())
  stopped.abort(new GatewayError(500, 'internal_error', 'server closed'))
  await expect(waiting).rejects.toThrow('server closed')
  first[Symbol.dispose]()
  expect(outcome(overload)).toBe(200)
})

it('AG-67: whoever has waited and is too fast gives the place to the next', async () => {
  const { overload } = queueing({ queueLength: 10 }, 1)
  const first = place(overload)
  const fast = statusOf(overload.admit('a', stays()))
  const next = statusOf(overload.admit('b', stays()))
  first[Symbol.dispose]()
  expect([await fast, await next]).toEqual([429, 200])
})

it('AG-B13: one user takes so many places, which waiters of another do not get', async () => {
  const { overload, settings } = queueing({ maxConcurrencyPerUser: 1 })
  const first = overload.admitUser('a', stays())
  expect(() => overload.admitUser('a', stays())).toThrow('You have too many requests under way')
  settings.queueLength = 2
  const second = overload.admitUser('a', stays())
  const other = overload.admitUser('b', stays())
  expect([second instanceof Promise, other instanceof Promise]).toEqual([true, false])
  const third = Promise.resolve(overload.admitUser('b', stays()))
  if (first === undefined || first instanceof Promise) throw new Error('no place is free')
  first[Symbol.dispose]()
  await second
  expect(await Promise.race([third.then(() => true), Promise.resolve(false)])).toBe(false)
  settings.maxConcurrencyPerUser = 0
  expect(overload.admitUser('a', stays())).toBeUndefined()
})
