import { describe, expect, it } from 'vitest'

import { createLogger, silentLogger } from '@slipway/request-log'
import { PeriodicJob } from './periodic-job.ts'

const work = { service: 'db-purge', pauseMs: 1, failure: 'nothing came of it' } as const

describe('a periodic job', () => {
  it('does its work at once, and again after each pause, one round at a time', async () => {
    let rounds = 0
    let open = 0
    let most = 0
    const enough = Promise.withResolvers<void>()
    await using _ = new PeriodicJob(
      { log: silentLogger() },
      {
        ...work,
        round: async () => {
          open += 1
          most = Math.max(most, open)
          await new Promise((resolve) => setImmediate(resolve))
          open -= 1
          rounds += 1
          if (rounds === 3) enough.resolve()
        },
      },
    )
    await enough.promise
    expect(most).toBe(1)
  })

  it('goes on after a round that failed, and says so', async () => {
    const lines: string[] = []
    const log = createLogger({ level: 'info', sink: { write: (line) => void lines.push(line) } })
    let rounds = 0
    const second = Promise.withResolvers<void>()
    await using _ = new PeriodicJob(
      { log },
      {
        ...work,
        round: async () => {
          rounds += 1
          if (rounds === 1) throw new Error('the database is away')
          second.resolve()
        },
      },
    )
    await second.promise
    expect(lines.join('')).toContain('nothing came of it')
    expect(lines.join('')).toContain('the database is away')
  })

  it('begins at once when it is woken, and once more after a round that is under way', async () => {
    let rounds = 0
    let release = Promise.withResolvers<void>()
    let begun = Promise.withResolvers<void>()
    await using job = new PeriodicJob(
      { log: silentLogger() },
      {
        ...work,
        pauseMs: 3_600_000,
        round: async () => {
          rounds += 1
          begun.resolve()
          await release.promise
        },
      },
    )
    const next = async (): Promise<void> => {
      const open = release
      begun = Promise.withResolvers()
      release = Promise.withResolvers()
      open.resolve()
      await begun.promise
    }
    for (let i = 0; i < 3; i += 1) job.wake()
    await next()
    expect(rounds).toBe(2)
    release.resolve()
    // Until that round has ended and the pause has begun.
    await new Promise((resolve) => setImmediate(resolve))
    expect(rounds).toBe(2)
    job.wake()
    expect(rounds).toBe(3)
  })

  it('asks the round that is under way to end, waits for it, and begins no other', async () => {
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')
    let rounds = 0
    let ended = false
    const job = new PeriodicJob(
      { log: silentLogger() },
      {
        ...work,
        round: (closing) =>
          new Promise((_resolve, reject) => {
            rounds += 1
            closing.addEventListener('abort', () =>
              setImmediate(() => {
                ended = true
                reject(closing.reason)
              }),
            )
          }),
      },
    )
    await job[Symbol.asyncDispose]()
    expect({ rounds, ended }).toEqual({ rounds: 1, ended: true })
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toEqual(timers)
  })
})
