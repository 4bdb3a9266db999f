import { expect, it } from 'vitest'

import { ChatPaths } from './chat-paths.ts'

const [ROOT, CHILD] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const by = (chat: string, ancestors: unknown = []) => ({
  headers: { 'coder-chat-id': chat, 'coder-ancestor-chat-ids': JSON.stringify(ancestors) },
})

it('AC-123: what a chat works on is known to it and to those that have started it', () => {
  const paths = new ChatPaths()
  const heard: string[] = []
  using _watch = paths.watch((id) => heard.push(id))
  paths.note(by(CHILD, [ROOT, 'nonsense', 7]), '/a')
  paths.note({ headers: { 'coder-chat-id': ROOT, 'coder-ancestor-chat-ids': '{' } }, '/b')
  paths.note({ headers: {} }, '/c')
  expect(paths.of(CHILD)).toEqual(['/a'])
  expect(paths.of(ROOT)).toEqual(['/a', '/b'])
  expect(heard).toEqual([CHILD, ROOT])
})

it('AC-123: only so many chats and paths are remembered, the last ones', () => {
  const paths = new ChatPaths()
  for (let i = 0; i < 300; i += 1) paths.note(by(`chat-${i}`), '/a')
  for (let i = 0; i < 100; i += 1) paths.note(by(ROOT), `/${i}`)
  expect(paths.of('chat-0')).toEqual([])
  expect(paths.of('chat-299')).toEqual(['/a'])
  expect(paths.of(ROOT)).toHaveLength(64)
  expect(paths.of(ROOT).at(-1)).toBe('/99')
})
