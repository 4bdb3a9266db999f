import { createContext, useContext } from 'react'

import type { Organization } from '@slipway/contract'
import type { OrganizationPermissions } from './queries.ts'

interface OrganizationView {
  readonly organization: Organization
  /** What the viewer may do in it. */
  readonly may: OrganizationPermissions
}

export const OrganizationContext = createContext<OrganizationView | undefined>(undefined)

/** The organization whose pages these are. Only below the organization layout. */
export function useOrganization(): OrganizationView {
  const view = useContext(OrganizationContext)
  if (view === undefined) throw new Error('useOrganization() outside of the pages of an organization')
  return view
}
