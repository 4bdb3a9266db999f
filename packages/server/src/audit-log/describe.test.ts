import { expect, it } from 'vitest'

import { describeEntry } from './describe.ts'

const change = (old: unknown, now: unknown) => ({ old, new: now, secret: false })

it.each([
  [{ type: 'template', action: 'create', status: 201 }, '{user} created template {target}'],
  [
    { type: 'template', action: 'write', status: 403 },
    '{user} unsuccessfully attempted to write template {target}',
  ],
  [{ type: 'workspace_build', action: 'stop', status: 200 }, '{user} stopped workspace {target}'],
  [{ type: 'api_key', action: 'login', status: 201 }, '{user} logged in'],
  [{ type: 'api_key', action: 'login', status: 401 }, '{user} unsuccessfully attempted to login'],
  [{ type: 'api_key', action: 'login', status: 303 }, '{user} was redirected attempting to login'],
  [{ type: 'git_ssh_key', action: 'write', status: 200 }, '{user} updated the git ssh key'],
  [
    { type: 'convert_login', action: 'create', status: 201 },
    '{user} created login type conversion to {target}',
  ],
  [{ type: 'user', action: 'request_password_reset', status: 204 }, 'password reset requested for {target}'],
  [
    { type: 'chat', action: 'write', status: 200, diff: { archived: change(false, true) } },
    '{user} archived chat {target}',
  ],
  [
    { type: 'chat', action: 'write', status: 200, diff: { user_acl: change({}, { a: ['read'] }) } },
    '{user} updated sharing for chat {target}',
  ],
  [
    {
      type: 'oauth2_provider_app',
      action: 'write',
      status: 200,
      more: { oauth2_event: 'of a newer release' },
    },
    '{user} updated oauth2 app {target}',
  ],
  [
    { type: 'template', action: 'write', status: 200, more: { oauth2_event: 'token_reused' } },
    '{user} updated template {target}',
  ],
] as const)('RB-104: %o', (entry, sentence) => {
  expect(describeEntry({ diff: {}, more: {}, ...entry })).toBe(sentence)
})
