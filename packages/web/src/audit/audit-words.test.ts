import { expect, it } from 'vitest'

import { byDay, clockTime, dayBefore, fieldText, sentenceParts, targetOf } from './audit-words.ts'

it('UI-1405: the sentence of an entry is cut where names stand', () => {
  expect(sentenceParts('{user} created user {target}')).toEqual([
    { kind: 'user' },
    { kind: 'words', text: ' created user ' },
    { kind: 'target' },
  ])
  expect(sentenceParts('password reset requested for {target}')).toEqual([
    { kind: 'words', text: 'password reset requested for ' },
    { kind: 'target' },
  ])
})

it('UI-1405: a build goes by the name of its workspace', () => {
  const build = { resource_target: '', resource_id: 'a1517464-247f-4586-ad6f-c740a59a4f37' }
  expect(targetOf({ ...build, additional_fields: { workspace_name: 'dev' } })).toBe('dev')
  expect(targetOf({ ...build, additional_fields: {} })).toBe('a1517464')
  expect(targetOf({ ...build, resource_target: 'kim', additional_fields: {} })).toBe('kim')
})

it('UI-1405: abbreviations in the sentence are written as such', () => {
  expect(sentenceParts('{user} created ai provider key {target}')[1]).toEqual({
    kind: 'words',
    text: ' created AI provider key ',
  })
  expect(sentenceParts('{user} updated mcp server config {target}')[1]).toEqual({
    kind: 'words',
    text: ' updated MCP server config ',
  })
  expect(sentenceParts('{user} created oauth2 app {target}')[1]).toEqual({
    kind: 'words',
    text: ' created OAuth2 app ',
  })
})

it('UI-1405: what was tried is said as what was done', () => {
  const tried = (action: string) => sentenceParts(`{user} unsuccessfully attempted to ${action}`).at(1)
  expect(tried('write custom role')).toMatchObject({
    text: ' unsuccessfully attempted to update custom role',
  })
  expect(tried('login')).toMatchObject({ text: ' unsuccessfully attempted to log in' })
  expect(tried('delete user')).toMatchObject({ text: ' unsuccessfully attempted to delete user' })
})

it('UI-1405: entries are grouped by day in their own order', () => {
  const entries = ['2026-03-02T00:10:00Z', '2026-03-01T23:50:00Z', '2026-03-01T08:00:00Z'].map((time) => ({
    time,
  }))
  expect(byDay(entries, 'utc').map(({ day, entries: of }) => [day, of.length])).toEqual([
    ['Monday, 2 March 2026', 1],
    ['Sunday, 1 March 2026', 2],
  ])
  expect(clockTime('2026-03-01T23:50:00Z', 'utc')).toBe('23:50:00')
})

it('UI-1405: days of the filter are those of the server', () => {
  expect(dayBefore(0, Date.parse('2026-03-01T23:59:59Z'))).toBe('2026-03-01')
  expect(dayBefore(7, Date.parse('2026-03-01T23:59:59Z'))).toBe('2026-02-22')
})

it('UI-1405: values are shown as they are, and nothing as nothing', () => {
  expect(fieldText('name', 'owner')).toBe('owner')
  expect(fieldText('name', '')).toBe('')
  expect(fieldText('name', null)).toBe('')
  expect(fieldText('name', false)).toBe('false')
  expect(fieldText('name', ['owner'])).toBe('[\n "owner"\n]')
})

it('UI-1405: roles in a change are called as they are everywhere else', () => {
  expect(fieldText('rbac_roles', ['user-admin', 'night-shift'])).toBe('User admin\nnight-shift')
  expect(fieldText('roles', ['organization-template-admin', 'agents-access'])).toBe(
    'Organization template admin\nAgents user',
  )
  expect(fieldText('rbac_roles', [])).toBe('')
  expect(fieldText('scopes', ['user-admin'])).toBe('[\n "user-admin"\n]')
})
