import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Organization } from '@slipway/contract'
import { type OrganizationQuestion, organizationsForQuery } from './queries.ts'

/**
 * The organization in which something is about to be done: the one that was chosen, before that the default one or the
 * only one in which the viewer may (UI-509). `several` says whether there is anything to choose.
 */
export function useOrganizationChoice(question: OrganizationQuestion): {
  readonly organization: Organization | undefined
  readonly several: boolean
  readonly choose: (organization: Organization | undefined) => void
} {
  const open = useQuery(organizationsForQuery(question)).data ?? []
  const [chosen, setChosen] = useState<Organization | null>()
  const first = open.find((one) => one.is_default) ?? (open.length === 1 ? open[0] : undefined)
  return {
    organization: chosen === undefined ? first : (chosen ?? undefined),
    several: open.length > 1,
    choose: (organization) => setChosen(organization ?? null),
  }
}
