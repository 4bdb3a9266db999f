import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { KeyRenewal } from './key-renewal.ts'

interface Row {
  readonly version: string
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** A cache with its renewal over a table of versions. */
function keep(max = 10_000) {
  const rows = new Map<string, Row>()
  const table = new Map<string, string>()
  const asked = new Set<string>()
  const statements: string[][] = []
  const renewed: string[] = []
  const failures: unknown[] = []
  const renewal = new KeyRenewal<Row>(
    {
      asked: (id) => (asked.delete(id) ? rows.get(id) : undefined),
      versions: async (ids) => {
        statements.push([...ids])
        return new Map(ids.flatMap((id) => (table.has(id) ? [[id, table.get(id) ?? '']] : [])))
      },
      renew: (id, row) => {
        if (rows.get(id) !== row) return false
        renewed.push(id)
        return true
      },
      forget: (id, row) => void (rows.get(id) === row && rows.delete(id)),
      failed: (error) => void failures.push(error),
    },
    max,
  )
  const put = (id: string): void => {
    rows.set(id, { version: 'v1' })
    table.set(id, 'v1')
    asked.add(id)
    renewal.kept(id)
  }
  return { renewal, rows, table, asked, statements, renewed, failures, put }
}

describe('ID-222: rows that are asked for are compared with the database before they are too old', () => {
  it('many in one statement, again and again, and only while somebody asks', async () => {
    const kept = keep()
    for (let n = 0; n < 700; n += 1) kept.put(`k${n}`)
    await vi.advanceTimersByTimeAsync(3_400)
    expect(kept.statements).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(kept.statements.map((ids) => ids.length)).toEqual([500, 200])
    kept.asked.add('k3')
    await vi.advanceTimersByTimeAsync(4_500)
    expect(kept.statements.slice(2)).toEqual([['k3']])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(kept.statements.length).toBe(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('for nobody in particular, whoever was the first to ask', async () => {
    const requests = new AsyncLocalStorage<string>()
    // As real timers do, and those of a test do not.
    const { setTimeout: fake } = globalThis
    vi.stubGlobal('setTimeout', (work: () => void, ms: number) => fake(AsyncResource.bind(work), ms))
    const kept = keep()
    const found: unknown[] = []
    kept.table.get = () => {
      found.push(requests.getStore())
      return 'v1'
    }
    requests.run('a request', () => kept.put('k'))
    await vi.advanceTimersByTimeAsync(4_500)
    expect(found.length).toBeGreaterThan(0)
    expect(new Set(found)).toEqual(new Set([undefined]))
  })

  it('one that has changed or is gone is forgotten, and none is older than five seconds', async () => {
    const kept = keep()
    for (const id of ['same', 'changed', 'gone']) kept.put(id)
    kept.table.set('changed', 'v2')
    kept.table.delete('gone')
    await vi.advanceTimersByTimeAsync(4_600)
    expect([...kept.rows.keys()]).toEqual(['same'])
    expect(kept.renewed).toEqual(['same'])
  })

  it('one that fell while it was compared does not come back', async () => {
    const kept = keep()
    kept.put('k')
    kept.table.get = () => {
      kept.rows.set('k', { version: 'v1' })
      return 'v1'
    }
    await vi.advanceTimersByTimeAsync(4_500)
    expect(kept.statements).toEqual([['k']])
    expect(kept.renewed).toEqual([])
  })

  it('a database that is away is told once and ends nothing', async () => {
    const kept = keep()
    const { renewal, failures } = kept
    kept.put('k')
    kept.table.get = () => {
      throw new Error('away')
    }
    await vi.advanceTimersByTimeAsync(4_500)
    expect(failures).toHaveLength(1)
    renewal.kept('other')
    expect(vi.getTimerCount()).toBe(1)
    renewal[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a flood of keys is not remembered without bound', async () => {
    const kept = keep(10)
    for (let n = 0; n < 1_000; n += 1) kept.put(`k${n}`)
    await vi.advanceTimersByTimeAsync(4_500)
    expect(kept.statements.flat().length).toBeLessThanOrEqual(10)
    expect(kept.statements.flat()).toContain('k999')
  })
})
