import { describe, expect, it } from 'vitest'

import {
  type Actor,
  ALLOW_ALL,
  checkRoleChange,
  isAllowed,
  isOwner,
  scopeOf,
  systemActor,
  type UserStanding,
  userActor,
} from './index.ts'

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

  it('RB-28: who provisions accounts hands out what everybody has, and no role of the site', () => {
    const scim = systemActor('scim_provisioner', 'a test')
    expect(change(scim, [], [])).toEqual([])
    for (const role of ['owner', 'user-admin', 'auditor'])
      expect(() => change(scim, [], [role])).toThrow(`not authorized to assign role ${JSON.stringify(role)}`)
  })

  it('RB-44: names roles of the deployment, and none with a colon, of an organization or unknown', () => {
    for (const role of ['auditor:x', 'organization-admin', 'nothing', ''])
      expect(() => change(owner, [], [role])).toThrow(`${JSON.stringify(role)} is not a supported role`)
  })

  it('RB-4: leaves out what everybody has, and what is named twice', () => {
    expect(change(owner, [], ['member', 'auditor', 'auditor'])).toEqual(['auditor'])
  })
})

describe('RB-4: who somebody is', () => {
  const standing = (given: Partial<UserStanding>): UserStanding => ({
    id: 'u',
    username: 'u',
    siteRoles: [],
    isServiceAccount: false,
    groups: [],
    memberships: [],
    ...given,
  })
  const member = (roles: readonly string[] = [], more: object = {}) => ({
    organizationId: 'o',
    roles,
    defaultRoles: [],
    sharing: 'service_accounts' as const,
    ...more,
  })
  const held = (given: Partial<UserStanding>) =>
    userActor(standing(given)).roles.map(({ name, organizationId }) => `${name}:${organizationId ?? ''}`)

  it('RB-26: a role counts at its own level only, and none of their own takes the name of a built-in one', () => {
    expect(held({ siteRoles: ['organization-admin', 'auditor', 'gone'] })).toEqual(['member:', 'auditor:'])
    expect(held({ memberships: [member(['owner', 'organization-auditor', 'gone'])] })).toEqual([
      'member:',
      'organization-member:o',
      'organization-auditor:o',
    ])
    const nothing = { displayName: 'Nothing' }
    const actor = userActor(
      standing({
        siteRoles: ['owner'],
        customSiteRoles: new Map([['owner', nothing]]),
        memberships: [
          member(['organization-admin'], { customRoles: new Map([['organization-admin', nothing]]) }),
        ],
      }),
    )
    expect(isOwner(actor)).toBe(true)
    expect(isAllowed(actor, 'update', { type: 'deployment_config' })).toBe(true)
    expect(actor.roles.find(({ organizationId }) => organizationId === 'o')?.definition).toBeDefined()
    expect(actor.roles.map(({ definition }) => definition)).not.toContain(nothing)
  })

  it('RB-31: a membership makes a member, and of a service account one that may share', () => {
    expect(held({ memberships: [member()] })).toEqual(['member:', 'organization-member:o'])
    expect(held({ memberships: [member()], isServiceAccount: true })).toEqual([
      'member:',
      'organization-service-account:o',
    ])
    const shares = (isServiceAccount: boolean) =>
      isAllowed(
        userActor(standing({ isServiceAccount, memberships: [member(['organization-workspace-access'])] })),
        'share',
        { type: 'workspace', organization: 'o', owner: 'u', id: 'w' },
      )
    expect([shares(true), shares(false)]).toEqual([true, false])
  })
})
