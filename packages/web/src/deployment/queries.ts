import { queryOptions } from '@tanstack/react-query'

import { getDeploymentConfig, listExternalAuths } from '@slipway/contract'
import { api } from '../api/client.ts'

/** The configuration of the server without its secrets; it changes with a restart only. */
export const deploymentConfigQuery = queryOptions({
  queryKey: ['deployment-config'],
  queryFn: ({ signal }) => api.call(getDeploymentConfig, { signal }),
  staleTime: 60_000,
})

/** Providers that workspaces get tokens of. */
export const externalAuthProvidersQuery = queryOptions({
  queryKey: ['external-auth-providers'],
  queryFn: ({ signal }) => api.call(listExternalAuths, { signal }),
  staleTime: 30_000,
})
