import { describe, expect, it } from 'vitest'

import { SearchQuery } from './index.ts'

/** More than a URL can hold. */
const LENGTH = 100_000

describe('ReDoS: a search text of any kind is taken apart in time that grows with its length alone', () => {
  it.each([
    ['quotes', '"'],
    ['quotes and colons', '":'],
    ['words', 'a '],
    ['one word', 'a'],
    ['colons', ':'],
    ['quoted pairs', 'a:"b '],
    ['unclosed quotes between letters', 'a"b'],
    ['spaces', ' '],
    ['commas', 'a:b,'],
    ['line breaks', '\n"\t'],
  ])('%s', (_what, part) => {
    const text = `${part.repeat(LENGTH / part.length)}x"`
    const began = performance.now()
    const query = new SearchQuery(text)
    query.list('a')
    query.finish()
    expect(performance.now() - began).toBeLessThan(1_000)
  })

  it('numbers, times and ids are no place for it either', () => {
    const digits = '1'.repeat(LENGTH)
    const query = new SearchQuery(`n:${digits} t:2026-01-01t00:00:00.${digits}x u:${'a-'.repeat(LENGTH / 2)}`)
    const began = performance.now()
    expect([query.count('n'), query.time('t'), query.uuid('u')]).toEqual([undefined, undefined, undefined])
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(query.faults).toHaveLength(3)
  })
})
