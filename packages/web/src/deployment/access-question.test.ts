import { expect, it } from 'vitest'

import { isIdOrNothing, questionOf } from './access-question.ts'

it('RB-135: the question lives in the address, and a wrong one becomes a right one', () => {
  expect(questionOf({})).toMatchObject({ user: '', resource: 'workspace', action: 'read' })
  expect(questionOf({ type: 'template', action: 'use', user: 'ada' })).toMatchObject({
    user: 'ada',
    resource: 'template',
    action: 'use',
  })
  expect(questionOf({ type: 'template', action: 'ssh' })).toMatchObject({
    resource: 'template',
    action: 'read',
  })
  expect(questionOf({ type: 'assign_role', action: 'nothing' })).toMatchObject({ action: 'read' })
  expect(questionOf({ type: 'toString' })).toMatchObject({ resource: 'workspace' })
})

it('RB-135: ids are whole ones', () => {
  expect(isIdOrNothing('')).toBe(true)
  expect(isIdOrNothing('7c1cd54f-24a1-4842-b7ce-4c4a1162e026')).toBe(true)
  expect(isIdOrNothing('7c1cd54f')).toBe(false)
})
