import { describe, expect, it } from 'vitest'

import { type Actor, ALLOW_ALL, checkRoleChange, scopeOf, userActor } from './index.ts'

const owner: Actor = userActor({
  id: '00000000-0000-4000-9000-000000000000',
  username: 'owner',
  siteRoles: ['owner'],
  isServiceAccount: false,
  groups: [],
  memberships: [],
})
const withScope = (...names: string[]): Actor => ({ ...owner, scope: scopeOf(names, ALLOW_ALL) })
const change = (actor: Actor, before: readonly string[], after: readonly string[]) =>
  checkRoleChange(actor, { before, after, implied: ['member'], customRoles: [] })

describe('RB-41: a change of roles', () => {
  it('needs the right to assign, and where one is taken away the right to unassign', () => {
    const assigns = withScope('assign_role:assign')
    expect(change(assigns, [], ['auditor'])).toEqual(['auditor'])
    expect(() => change(assigns, ['auditor'], [])).toThrow('Forbidden.')
    expect(change(withScope('assign_role:assign', 'assign_role:unassign'), ['auditor'], [])).toEqual([])
  })

  it('RB-42: needs the right to assign also when one is only taken away', () => {
    expect(() => change(withScope('assign_role:unassign'), ['auditor'], [])).toThrow('Forbidden.')
  })

  it('RB-44: names roles of the deployment, and none with a colon, of an organization or unknown', () => {
    for (const role of ['auditor:x', 'organization-admin', 'nothing', ''])
      expect(() => change(owner, [], [role])).toThrow(`${JSON.stringify(role)} is not a supported role`)
  })

  it('RB-4: leaves out what everybody has, and what is named twice', () => {
    expect(change(owner, [], ['member', 'auditor', 'auditor'])).toEqual(['auditor'])
  })
})
