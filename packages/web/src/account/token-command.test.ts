import { expect, it } from 'vitest'

import { tokenCommand } from './token-command.ts'

it('UI-B7: a token is made again on the command line, with no more than it needs', () => {
  expect(tokenCommand({ name: 'all', days: 30, scopes: ['coder:all'], allowed: undefined })).toBe(
    'slipway tokens create --name all --lifetime 30d',
  )
  expect(
    tokenCommand({
      name: "it's $HOME",
      days: undefined,
      scopes: ['coder:templates.author', 'user:*'],
      allowed: [{ kind: 'template', id: '*', name: '*' }],
    }),
  ).toBe(
    "slipway tokens create --name 'it'\\''s $HOME' --scope coder:templates.author --scope 'user:*' --allow 'template:*'",
  )
})
