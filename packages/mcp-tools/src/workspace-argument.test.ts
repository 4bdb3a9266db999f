import { expect, it } from 'vitest'

import { ToolFault } from './tool.ts'
import { parseWorkspaceArgument } from './workspace-argument.ts'

it.each([
  ['dev', { owner: undefined, name: 'dev', agent: undefined }],
  ['dev.main', { owner: undefined, name: 'dev', agent: 'main' }],
  ['ada/dev', { owner: 'ada', name: 'dev', agent: undefined }],
  ['ada/dev.main', { owner: 'ada', name: 'dev', agent: 'main' }],
  ['ada--dev', { owner: 'ada', name: 'dev', agent: undefined }],
  ['ada--my-dev.main', { owner: 'ada', name: 'my-dev', agent: 'main' }],
  ['main.dev.ada', { owner: 'ada', name: 'dev', agent: 'main' }],
  [' dev ', { owner: undefined, name: 'dev', agent: undefined }],
])('OA-92: reads %j', (text, argument) => {
  expect(parseWorkspaceArgument(text)).toEqual(argument)
})

it.each(['', '.', 'a/', '/a', 'a/b/c', 'a.b.c.d', 'a/b.c.d', 'a b', '..', '--', 'a--'])(
  'OA-92: refuses %j',
  (text) => {
    expect(() => parseWorkspaceArgument(text)).toThrow(ToolFault)
  },
)
