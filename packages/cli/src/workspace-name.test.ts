import { expect, it } from 'vitest'

import { parseWorkspaceName } from './workspace-name.ts'

it.each([
  ['ws', 'me', 'ws', undefined],
  ['ws.gpu', 'me', 'ws', 'gpu'],
  ['ada/ws', 'ada', 'ws', undefined],
  ['ada/ws.gpu', 'ada', 'ws', 'gpu'],
  ['ada--ws', 'ada', 'ws', undefined],
  ['ada--ws--gpu', 'ada', 'ws', 'gpu'],
  ['gpu.ws.ada', 'ada', 'ws', 'gpu'],
])('AC-242: %s is a workspace', (text, owner, workspace, agent) => {
  expect(parseWorkspaceName(text)).toEqual({ owner, workspace, agent })
})

it.each(['', 'a.b.c.d', 'a/b/c', 'ada/', '.gpu'])('AC-242: %j is none', (text) => {
  expect(() => parseWorkspaceName(text)).toThrow(/is no workspace/)
})
