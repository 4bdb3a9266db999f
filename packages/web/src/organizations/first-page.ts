import type { OrganizationPage } from '../paths.ts'
import type { OrganizationPermissions } from './queries.ts'

/** The pages of an organization that the viewer may open, in the order of its tabs. */
export function openPages(may: OrganizationPermissions): readonly OrganizationPage[] {
  const pages: readonly (readonly [OrganizationPage, boolean])[] = [
    ['members', may.viewMembers],
    ['groups', may.viewGroups],
    ['roles', may.viewOrgRoles],
    ['provisioners', may.viewProvisioners && may.viewProvisionerJobs],
    ['provisioner-jobs', may.viewProvisionerJobs],
    ['idp-sync', may.viewIdpSyncSettings],
    ['ai-spend', may.viewGroupMembers],
    ['ai-limits', may.viewGroups],
    ['settings', may.editSettings || may.deleteOrganization],
  ]
  return pages.filter(([, open]) => open).map(([page]) => page)
}

/** Beside the members, which have no part of the address of their own. */
const PAGES = [
  'groups',
  'roles',
  'provisioners',
  'provisioner-jobs',
  'idp-sync',
  'ai-spend',
  'ai-limits',
  'settings',
] as const

/** The page of an organization that an address leads to, if it is one that all organizations have. */
export function pageOfPath(pathname: string): OrganizationPage | undefined {
  const [, section, organization, page = ''] = pathname.split('/')
  if (section !== 'organizations' || organization === undefined || organization === '') return undefined
  if (organization === 'new' && page === '') return undefined
  return PAGES.find((one) => one === page) ?? (page === '' ? 'members' : undefined)
}
