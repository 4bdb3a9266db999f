import { describe, expect, it } from 'vitest'

import { complete, type FilterKey, suggestions } from './filter-completion.ts'

const KEYS: readonly FilterKey[] = [
  { key: 'owner', about: 'whose' },
  { key: 'outdated', about: 'needs an update', values: ['true', 'false'] },
  { key: 'status', about: 'state', values: ['running', 'stopped', 'stopping'] },
  { key: 'template', about: 'made from', values: ['local workspace', 'go'] },
]
const inserts = (text: string, caret = text.length) =>
  suggestions(text, caret, KEYS).map(({ insert }) => insert)

describe('UI-501: a filter completes the word at the caret', () => {
  it('keys, then the values of a key', () => {
    expect(inserts('')).toEqual(['owner:', 'outdated:', 'status:', 'template:'])
    expect(inserts('owner:me o')).toEqual(['owner:', 'outdated:'])
    expect(inserts('owner:me status:st')).toEqual(['status:stopped', 'status:stopping'])
    expect(inserts('status:')).toEqual(['status:running', 'status:stopped', 'status:stopping'])
  })

  it('nothing for free text, unknown keys and finished values', () => {
    expect(inserts('zebra')).toEqual([])
    expect(inserts('colour:')).toEqual([])
    expect(inserts('status:running')).toEqual([])
  })

  it('quotes values with a space, and reads quoted ones as one word', () => {
    expect(inserts('template:lo')).toEqual(['template:"local workspace"'])
    expect(inserts('template:"local wo')).toEqual(['template:"local workspace"'])
  })

  it('keeps what stands before and behind the word', () => {
    expect(complete('sta name:x', 3, { insert: 'status:', about: '' })).toEqual({
      text: 'status: name:x',
      caret: 7,
    })
    expect(complete('owner:me status:st', 18, { insert: 'status:stopped', about: '' })).toEqual({
      text: 'owner:me status:stopped ',
      caret: 24,
    })
  })
})
