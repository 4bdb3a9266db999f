import { useQuery } from '@tanstack/react-query'

import { useSettled } from '../ui/use-settled.ts'
import { claimFieldsQuery, claimValuesQuery } from './queries.ts'

const SETTLE_MS = 300

/** What sign-ins have brought so far: names of claims, and values of this one. */
export function useKnownClaims(
  field: string,
  organizationId?: string,
): { readonly fields: readonly string[]; readonly values: readonly string[] } {
  const fields = useQuery(claimFieldsQuery(organizationId)).data ?? []
  const settled = useSettled(field.trim(), SETTLE_MS)
  const known = fields.includes(settled)
  const values = useQuery({ ...claimValuesQuery(settled, organizationId), enabled: known }).data ?? []
  return { fields, values: known ? values : [] }
}
