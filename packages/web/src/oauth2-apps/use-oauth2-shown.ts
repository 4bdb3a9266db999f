import { useQuery } from '@tanstack/react-query'

import { buildInfoQuery, experimentsQuery } from '../session/queries.ts'
import { showsOAuth2 } from './shows-oauth2.ts'

/** Whether menus offer what belongs to signing other software in (OA-22, UI-303). */
export function useOAuth2Shown(): boolean {
  const experiments = useQuery(experimentsQuery).data
  const version = useQuery(buildInfoQuery).data?.version
  return showsOAuth2(experiments, version)
}
