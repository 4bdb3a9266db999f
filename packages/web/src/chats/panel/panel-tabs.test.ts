import { describe, expect, it } from 'vitest'

import { moved, openedTab } from './panel-tabs.ts'

describe('UI-1145: tabs beside a chat by their names in addresses', () => {
  it.each([
    ['app.docs', { kind: 'app', slug: 'docs' }],
    ['port.3000', { kind: 'port', port: 3000 }],
    ['terminal.2', { kind: 'terminal', number: 2 }],
    ['port.0', undefined],
    ['port.70000', undefined],
    ['app.', undefined],
    ['summary', undefined],
    ['', undefined],
  ])('%s', (id, tab) => expect(openedTab(id)).toEqual(tab))

  it('change their order one by one, in both directions', () => {
    const all = ['a', 'b', 'c']
    expect(moved(all, 'a', 'b')).toEqual(['b', 'a', 'c'])
    expect(moved(all, 'c', 'b')).toEqual(['a', 'c', 'b'])
    expect(moved(all, 'a', 'c')).toEqual(['b', 'c', 'a'])
    expect(moved(all, 'a', 'gone')).toBe(all)
  })
})
