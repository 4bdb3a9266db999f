import type { OrganizationPage } from '../paths.ts'
import type { OrganizationPermissions } from './queries.ts'

/** The pages of an organization that the viewer may open, in the order of its tabs. */
export function openPages(may: OrganizationPermissions): readonly OrganizationPage[] {
  const pages: readonly (readonly [OrganizationPage, boolean])[] = [
    ['members', may.viewMembers],
    ['groups', may.viewGroups],
    ['roles', may.viewOrgRoles],
    ['idp-sync', may.viewIdpSyncSettings],
    ['settings', may.editSettings || may.deleteOrganization],
  ]
  return pages.filter(([, open]) => open).map(([page]) => page)
}

/** The page of an organization that an address leads to, if it is one that all organizations have. */
export function pageOfPath(pathname: string): OrganizationPage | undefined {
  const found = /^\/organizations\/[^/]+(?:\/(groups|roles|idp-sync|settings))?(?:\/|$)/.exec(pathname)
  if (found === null || pathname === '/organizations/new') return undefined
  switch (found[1]) {
    case 'groups':
    case 'roles':
    case 'idp-sync':
    case 'settings':
      return found[1]
    default:
      return 'members'
  }
}
