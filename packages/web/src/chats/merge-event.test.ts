import { describe, expect, it } from 'vitest'

import { chatOf } from './chat.fixture.ts'
import { mergeInto, mergeIntoList } from './merge-event.ts'

const ACTIVE = { archived: false, mayInsert: true }

describe('UI-1107: events of the watch', () => {
  const known = chatOf({ id: 'a', title: 'Mine', last_turn_summary: 'Done', status: 'running' })

  it('change only what their kind speaks for', () => {
    const stale = chatOf({ id: 'a', title: 'Other', status: 'error', last_turn_summary: null })
    expect(mergeInto(known, { kind: 'title_change', chat: stale })).toEqual({ ...known, title: 'Other' })
    expect(mergeInto(known, { kind: 'summary_change', chat: stale }).status).toBe('running')
  })

  it('of an older state change nothing', () => {
    const older = chatOf({ id: 'a', status: 'waiting', updated_at: '2026-11-20T09:00:00Z' })
    expect(mergeInto(known, { kind: 'status_change', chat: older })).toBe(known)
  })

  it('take away an error that is over', () => {
    const failed = chatOf({
      id: 'a',
      status: 'error',
      last_error: { message: 'No', kind: 'auth', retryable: false },
    })
    const next = mergeInto(failed, { kind: 'status_change', chat: chatOf({ id: 'a', status: 'running' }) })
    expect(next).toEqual({ ...chatOf({ id: 'a' }), status: 'running' })
    expect('last_error' in next).toBe(false)
  })

  it('tell that the context has changed, and leave what was in it', () => {
    const resources = [{ kind: 'skill' as const, source: '/s', status: 'ok' as const, size_bytes: 1 }]
    const open = chatOf({ id: 'a', context: { dirty: false, resources } })
    const event = { kind: 'context_dirty' as const, chat: chatOf({ id: 'a', context: { dirty: true } }) }
    expect(mergeInto(open, event).context).toEqual({ dirty: true, resources })
    expect(mergeInto(chatOf({ id: 'a' }), event).context).toEqual({ dirty: true })
  })

  it('put new chats into the list and take archived ones out', () => {
    const list = [known]
    const fresh = chatOf({ id: 'b' })
    const both = mergeIntoList(list, { kind: 'created', chat: fresh }, ACTIVE)
    expect(both.map(({ id }) => id)).toEqual(['b', 'a'])
    expect(mergeIntoList(list, { kind: 'created', chat: fresh }, { ...ACTIVE, mayInsert: false })).toBe(list)
    expect(mergeIntoList(both, { kind: 'deleted', chat: known }, ACTIVE).map(({ id }) => id)).toEqual(['b'])
    const archive = mergeIntoList([], { kind: 'deleted', chat: known }, { ...ACTIVE, archived: true })
    expect(archive).toMatchObject([{ id: 'a', archived: true }])
    expect(mergeIntoList(archive, { kind: 'created', chat: known }, { ...ACTIVE, archived: true })).toEqual(
      [],
    )
  })

  it('find chats inside of others', () => {
    const child = chatOf({ id: 'c', parent_chat_id: 'a', root_chat_id: 'a' })
    const grown = mergeIntoList([known], { kind: 'created', chat: child }, ACTIVE)
    expect(grown[0]?.children.map(({ id }) => id)).toEqual(['c'])
    const done = mergeIntoList(grown, { kind: 'status_change', chat: { ...child, status: 'error' } }, ACTIVE)
    expect(done[0]?.children[0]?.status).toBe('error')
    expect(mergeIntoList([], { kind: 'created', chat: child }, ACTIVE)).toEqual([])
  })
})
