import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { Backlog, type Loss } from './backlog.ts'
import { Spool } from './spool.ts'
import type { StoredRecord } from './stored-record.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-backlog-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const AWAY = new Error('away')

const record = (id: string): StoredRecord => ({
  kind: 'passthrough',
  id,
  initiatorId: 'u',
  provider: 'openai',
  providerName: 'openai',
  method: 'GET',
  route: '/v1/models',
  client: 'Unknown',
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1,
})

/** A backlog before a database that can be taken away. */
function world({ onDisk = false, maxWaiting = 1e6, maxSpool = 1e6 } = {}) {
  const stored: string[] = []
  const losses: Partial<Record<Loss, number>> = {}
  const state = { away: true }
  const backlog = new Backlog({
    store: async (one) => {
      if (state.away) throw AWAY
      if ('id' in one) stored.push(one.id)
    },
    spool: new Spool(folder, maxSpool),
    onDisk: () => onDisk,
    maxWaiting,
    lost: (why, count) => {
      losses[why] = (losses[why] ?? 0) + count
    },
    log: silentLogger(),
  })
  return { backlog, stored, losses, state }
}

describe('AG-B23: records that wait for the database', () => {
  it('AG-B23: are stored in their order when it is back', async () => {
    await using steps = new AsyncDisposableStack()
    const { backlog, stored, state, losses } = world()
    steps.use(backlog)
    const ids = Array.from({ length: 200 }, (_, index) => `r${index}`)
    for (const id of ids) backlog.add(record(id), AWAY)
    expect(backlog.away).toBe(true)
    state.away = false
    await until('all', () => stored.length === ids.length)
    expect(stored).toEqual(ids)
    await until('nothing to wait', () => !backlog.away && backlog.size === 0)
    expect(losses).toEqual({})
  })

  it('AG-B23: beyond the bound of memory are lost, and counted', async () => {
    await using steps = new AsyncDisposableStack()
    const { backlog, stored, state, losses } = world({ maxWaiting: 512 * 10 })
    steps.use(backlog)
    for (let index = 0; index < 25; index += 1) backlog.add(record(`r${index}`), AWAY)
    expect(losses).toEqual({ too_many: 15 })
    state.away = false
    await until('those that are left', () => stored.length === 10)
  })

  it('AG-B23: beyond the bound of the disk are lost, and counted', async () => {
    await using steps = new AsyncDisposableStack()
    const { backlog, stored, state, losses } = world({ onDisk: true, maxSpool: 1_000 })
    steps.use(backlog)
    for (let index = 0; index < 3; index += 1) {
      backlog.add(record(`a${index}`), AWAY)
      await until(
        'a file',
        async () => (await readdir(folder)).length === index + 1 || losses.too_many !== undefined,
      )
    }
    for (let index = 0; index < 10; index += 1) backlog.add(record(`b${index}`), AWAY)
    await until('a loss', () => (losses.too_many ?? 0) >= 10)
    state.away = false
    await until('those that are left', async () => stored.length > 0 && (await readdir(folder)).length === 0)
    expect(stored.length + (losses.too_many ?? 0)).toBe(13)
  })

  it('AG-B23: outlive a graceful stop without the database, and are stored by the next process once', async () => {
    const first = world()
    for (let index = 0; index < 5; index += 1) first.backlog.add(record(`r${index}`), AWAY)
    await first.backlog[Symbol.asyncDispose]()
    expect(first.losses).toEqual({})
    expect(await readdir(folder)).toHaveLength(1)
    await using steps = new AsyncDisposableStack()
    const next = world()
    next.state.away = false
    steps.use(next.backlog)
    await until('all', () => next.stored.length === 5)
    await until('an empty folder', async () => (await readdir(folder)).length === 0)
  })

  it('AG-B23: lines that are damaged are counted, and keep no other', async () => {
    await writeFile(
      path.join(folder, '000-x.jsonl'),
      `${JSON.stringify(record('good'))}\n{"kind":"passthrough"}\nnope\n`,
    )
    await using steps = new AsyncDisposableStack()
    const { backlog, stored, losses, state } = world()
    state.away = false
    steps.use(backlog)
    await until('an empty folder', async () => (await readdir(folder)).length === 0)
    expect([stored, losses]).toEqual([['good'], { damaged: 2 }])
  })
})
