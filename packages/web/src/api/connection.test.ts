import { describe, expect, it } from 'vitest'

import { Connection } from './connection.ts'

/** A connection whose clock, timer and server are in the test's hands. */
function fixture() {
  let now = 0
  let scheduled: { readonly run: () => void; readonly delay: number } | undefined
  const events = { back: 0, answer: false, probes: 0 }
  const connection = new Connection({
    now: () => now,
    schedule: (run, delay) => {
      scheduled = { run, delay }
      return () => {
        scheduled = undefined
      }
    },
    probe: async () => {
      events.probes++
      return events.answer
    },
    onBack: () => {
      events.back++
    },
  })
  const settled = (until: () => boolean) => expect.poll(until, { interval: 1 }).toBe(true)
  return {
    connection,
    events,
    settled,
    delay: () => scheduled?.delay,
    fire: () => scheduled?.run(),
    advance: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

describe('UI-2102: one judgement of the connection', () => {
  it('does not alarm for a single failure, nor for two far apart', () => {
    const { connection, advance } = fixture()
    connection.failed()
    expect(connection.view().state).toBe('online')
    advance(10_001)
    connection.failed()
    expect(connection.view().state).toBe('online')
  })

  it('is unreachable after two failures within ten seconds', () => {
    const { connection, advance } = fixture()
    connection.failed()
    advance(3000)
    connection.failed()
    expect(connection.view()).toEqual({ state: 'unreachable', retryAt: 4000 })
  })

  it('an answer in between forgets the failure', () => {
    const { connection } = fixture()
    connection.failed()
    connection.answered()
    connection.failed()
    expect(connection.view().state).toBe('online')
  })

  it('asks again with doubling pauses up to thirty seconds', async () => {
    const { connection, delay, fire, settled } = fixture()
    connection.lostNetwork()
    const pauses: (number | undefined)[] = []
    for (let i = 0; i < 7; i++) {
      pauses.push(delay())
      fire()
      await settled(() => connection.view().retryAt !== undefined)
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  })

  it('comes back when the server answers, and says so once', async () => {
    const { connection, events, settled } = fixture()
    connection.failed()
    connection.failed()
    events.answer = true
    connection.retryNow()
    await settled(() => connection.view().state === 'online')
    expect(events.back).toBe(1)
  })

  it('a broken socket asks once, and only a missing answer counts', async () => {
    const { connection, events, settled } = fixture()
    events.answer = true
    connection.suspect()
    connection.suspect()
    await settled(() => events.probes === 1)
    expect(connection.view().state).toBe('online')
    events.answer = false
    await settled(() => {
      connection.suspect()
      return connection.view().state === 'unreachable'
    })
  })

  it('says that the viewer is offline as long as the browser has no network', async () => {
    const { connection, events, settled, fire } = fixture()
    connection.lostNetwork()
    fire()
    await settled(() => events.probes === 1 && connection.view().retryAt !== undefined)
    expect(connection.view().state).toBe('offline')
    connection.foundNetwork()
    await settled(() => events.probes === 2 && connection.view().retryAt !== undefined)
    expect(connection.view().state).toBe('unreachable')
  })

  it('whoever waits for the server is told when it answers', async () => {
    const { connection, events, settled, fire } = fixture()
    let reached = 0
    const waiting = connection.reachable().then(() => {
      reached += 1
    })
    await settled(() => connection.view().state === 'unreachable')
    expect(reached).toBe(0)
    events.answer = true
    fire()
    await waiting
    await connection.reachable()
    expect(connection.view().state).toBe('online')
  })
})
