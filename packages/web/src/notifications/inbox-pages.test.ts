import { describe, expect, it } from 'vitest'

import type { InboxNotification } from '@slipway/contract'
import { afterId, markedAllRead, ownPath, shownCount, withChanged, withNotification } from './inbox-pages.ts'

const notification = (id: string, read_at: string | null = null): InboxNotification => ({
  id,
  user_id: 'u',
  template_id: 't',
  targets: [],
  title: id,
  content: '',
  icon: '',
  actions: [],
  read_at,
  created_at: '2026-01-01T00:00:00Z',
})
const page = (...ids: string[]) => ({
  notifications: ids.map((id) => notification(id)),
  unread_count: ids.length,
})
const idsOf = (pages: readonly { notifications: readonly InboxNotification[] }[]) =>
  pages.map(({ notifications }) => notifications.map(({ id }) => id))

describe('UI-1601: the pages of the inbox', () => {
  it('take a new notification in front, and one that is known in its place', () => {
    const pages = [page('c', 'b'), page('a')]
    expect(idsOf(withNotification(pages, notification('d')))).toEqual([['d', 'c', 'b'], ['a']])
    const changed = withNotification(pages, notification('a', 'now'))
    expect(idsOf(changed)).toEqual([['c', 'b'], ['a']])
    expect(changed[1]?.notifications[0]?.read_at).toBe('now')
    expect(idsOf(withChanged(pages, notification('b', 'now')))).toEqual(idsOf(pages))
    expect(idsOf(withChanged(pages, notification('of another list', 'now')))).toEqual(idsOf(pages))
  })

  it('are read all at once, each with the time at which it was', () => {
    const [read] = markedAllRead(
      [{ notifications: [notification('a', 'then'), notification('b')], unread_count: 1 }],
      'now',
    )
    expect(read?.notifications.map(({ read_at }) => read_at)).toEqual(['then', 'now'])
  })

  it('go on after the last id of a full page', () => {
    expect(afterId(page('a'))).toBeUndefined()
    expect(afterId(page(...Array.from({ length: 25 }, (_, index) => `n${index}`)))).toBe('n24')
  })

  it('count to 99', () => {
    expect([0, 99, 100].map(shownCount)).toEqual(['0', '99', '99+'])
  })
})

it('UI-1601: only links of our own stay in the dashboard', () => {
  const origin = 'https://slipway.example.com'
  expect(ownPath(`${origin}/workspaces?filter=a#b`, origin)).toBe('/workspaces?filter=a#b')
  for (const url of ['https://evil.example/x', 'javascript:alert(1)', '//evil.example', 'nonsense'])
    expect(ownPath(url, origin)).toBeUndefined()
})
