import { describe, expect, it } from 'vitest'

import type { KeyWithStanding } from '../store/kept-keys.ts'
import { KeyBatches } from './key-batches.ts'

/** A key by its id alone, which is all that batches look at. */
function keyOf(id: string): KeyWithStanding {
  return {
    key: {
      id,
      hashed_secret: Buffer.alloc(32),
      user_id: 'u',
      last_used: new Date(0),
      expires_at: new Date(0),
      created_at: new Date(0),
      updated_at: new Date(0),
      login_type: 'token',
      lifetime_seconds: 1,
      ip_address: '0.0.0.0',
      user_agent: '',
      token_name: '',
      scopes: [],
      allow_list: [],
      audience: null,
      dpop_thumbprint: null,
    },
    standing: {
      username: 'u',
      email: '',
      status: 'active',
      is_system: false,
      is_service_account: false,
      rbac_roles: [],
      site_custom_roles: [],
      groups: [],
      memberships: [],
    },
    standingVersion: '',
    upstream: undefined,
    has_grant: true,
    version: id,
  }
}

describe('look-ups of keys', () => {
  it('of one turn are one statement, each answered with its own key or none', async () => {
    const asked: (readonly string[])[] = []
    const batches = new KeyBatches(async (ids) => {
      asked.push(ids)
      return ids.filter((id) => id !== 'b').map(keyOf)
    })
    const found = await Promise.all(['a', 'b', 'c', 'a'].map((id) => batches.load(id)))
    expect(found.map((one) => one?.key.id)).toEqual(['a', undefined, 'c', 'a'])
    expect(asked).toEqual([['a', 'b', 'c']])
  })

  it('ID-215: that begin after a statement was sent do not join it', async () => {
    const asked: (readonly string[])[] = []
    const first = Promise.withResolvers<void>()
    const sent = Promise.withResolvers<void>()
    const batches = new KeyBatches(async (ids) => {
      asked.push(ids)
      sent.resolve()
      if (asked.length === 1) await first.promise
      return ids.map(keyOf)
    })
    const before = batches.load('a')
    await sent.promise
    const after = batches.load('a')
    expect((await after)?.key.id).toBe('a')
    first.resolve()
    expect((await before)?.key.id).toBe('a')
    expect(asked).toEqual([['a'], ['a']])
  })

  it('fail together when the database does, and are bounded in number', async () => {
    const sizes: number[] = []
    const broken = new KeyBatches(async () => {
      throw new Error('gone')
    })
    const outcomes = await Promise.allSettled([broken.load('a'), broken.load('b')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const many = new KeyBatches(async (ids) => {
      sizes.push(ids.length)
      return []
    })
    await Promise.all(Array.from({ length: 600 }, (_, i) => many.load(`k${i}`)))
    expect(sizes).toEqual([256, 256, 88])
  })
})
