import { expect, it } from 'vitest'

import { openPages, pageOfPath } from './first-page.ts'

const NOTHING = {
  viewMembers: false,
  editMembers: false,
  addMembers: false,
  removeMembers: false,
  createGroup: false,
  viewGroups: false,
  viewGroupMembers: false,
  editGroups: false,
  deleteGroups: false,
  editSettings: false,
  deleteOrganization: false,
  assignOrgRoles: false,
  viewOrgRoles: false,
  createOrgRoles: false,
  updateOrgRoles: false,
  deleteOrgRoles: false,
  viewProvisioners: false,
  viewProvisionerJobs: false,
  viewIdpSyncSettings: false,
  editIdpSyncSettings: false,
}

it('UI-311: only pages that may be opened are offered, in the order of the tabs', () => {
  expect(openPages(NOTHING)).toEqual([])
  expect(openPages({ ...NOTHING, viewOrgRoles: true })).toEqual(['roles'])
  expect(openPages({ ...NOTHING, editSettings: true, viewMembers: true })).toEqual(['members', 'settings'])
})

it('UI-401: another organization shows the same kind of page', () => {
  expect(pageOfPath('/organizations/acme')).toBe('members')
  expect(pageOfPath('/organizations/acme/')).toBe('members')
  expect(pageOfPath('/organizations/acme/groups/backend/settings')).toBe('groups')
  expect(pageOfPath('/organizations/acme/idp-sync')).toBe('idp-sync')
  expect(pageOfPath('/organizations/acme/provisioner-jobs')).toBe('provisioner-jobs')
  expect(pageOfPath('/organizations/groups')).toBe('members')
  expect(pageOfPath('/organizations/new')).toBeUndefined()
  expect(pageOfPath('/workspaces')).toBeUndefined()
})
