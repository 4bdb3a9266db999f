import { expect, it } from 'vitest'

import type { NotificationTemplate } from '@slipway/contract'
import { choosable, grouped, isOn, sentence, waysOf } from './template-groups.ts'

const template = (id: string, group = 'Workspace Events', enabled = true): NotificationTemplate => ({
  id,
  name: id,
  title_template: '',
  body_template: '',
  actions: '[]',
  group,
  method: '',
  kind: 'system',
  enabled_by_default: enabled,
})

it('UI-1507: templates are in their groups, those that nobody would be told of are left out', () => {
  const suspended = template('b02ddd82-4733-4d02-a2d7-c36f3598997d', 'User Events')
  const passcode = template('62f86a30-2330-4b61-a26d-311ff3b608cf', 'User Events')
  const created = template('281fdf73-c6d6-4cbb-8ff5-888baf8a2fff')
  const all = [template('x'), created, suspended, passcode]
  expect(grouped(all).map(({ name, templates }) => [name, templates.length])).toEqual([
    ['Workspace Events', 2],
    ['User Events', 2],
  ])
  const idsOf = (accounts: boolean, templates: boolean) =>
    choosable(all, { accounts, templates }).map(({ id }) => id)
  expect(idsOf(false, false)).toEqual(['x'])
  expect(idsOf(true, false)).toEqual(['x', suspended.id])
  expect(idsOf(false, true)).toEqual(['x', created.id])
})

it('UI-1507: a choice counts before what the template says', () => {
  const chosen = (disabled: boolean) => [{ id: 'x', disabled, updated_at: '' }]
  expect(isOn(template('x'), [])).toBe(true)
  expect(isOn(template('x', '', false), [])).toBe(false)
  expect(isOn(template('x', '', false), chosen(false))).toBe(true)
  expect(isOn(template('x'), chosen(true))).toBe(false)
})

it('UI-1404: says by which ways a template goes', () => {
  const ready = { default: 'smtp', ready: ['smtp', 'inbox'] }
  expect(waysOf('', ready)).toBe('Mail and Inbox')
  expect(waysOf('webhook', ready)).toBe('Webhook and Inbox')
  expect(waysOf('inbox', ready)).toBe('Inbox')
  expect(waysOf('', { default: 'smtp', ready: [] })).toBe('Not sent')
})

it('names are in sentence case', () => {
  expect(
    ['Workspace Out Of Disk', 'AI Cost Control (Admin) Events', 'Report: Workspace Builds Failed'].map(
      sentence,
    ),
  ).toEqual(['Workspace out of disk', 'AI cost control (admin) events', 'Report: workspace builds failed'])
})
