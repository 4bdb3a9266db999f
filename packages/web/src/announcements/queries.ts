import { queryOptions } from '@tanstack/react-query'

import { type AppearanceConfig, getDeploymentAppearance } from '@slipway/contract'
import { api } from '../api/client.ts'
import { takeEmbedded } from '../api/embedded.ts'

/** How often pages that stay open look for what is announced. */
const EVERY_MS = 5 * 60_000

/** Announcements and support links (OP-154). */
export const appearanceQuery = queryOptions({
  queryKey: ['deployment-appearance'],
  queryFn: ({ signal }) => api.call(getDeploymentAppearance, { signal }),
  initialData: () => takeEmbedded<AppearanceConfig>('appearance'),
  staleTime: EVERY_MS,
  refetchInterval: EVERY_MS,
})
