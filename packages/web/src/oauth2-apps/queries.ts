import { queryOptions } from '@tanstack/react-query'

import { getOAuth2App, getOAuth2Settings, listOAuth2AppSecrets, listOAuth2Apps } from '@slipway/contract'
import { api, queries } from '../api/client.ts'

/** All apps that people may sign in with. */
export const appsQuery = queryOptions({
  queryKey: ['oauth2-apps'],
  queryFn: ({ signal }) => api.call(listOAuth2Apps, { signal }),
})

export function appQuery(app: string) {
  return queryOptions({
    queryKey: ['oauth2-app', app],
    queryFn: ({ signal }) => api.call(getOAuth2App, { params: { app }, signal }),
  })
}

export function secretsQuery(app: string) {
  return queryOptions({
    queryKey: ['oauth2-app', app, 'secrets'],
    queryFn: ({ signal }) => api.call(listOAuth2AppSecrets, { params: { app }, signal }),
  })
}

export const oauth2SettingsQuery = queryOptions({
  queryKey: ['oauth2-settings'],
  queryFn: ({ signal }) => api.call(getOAuth2Settings, { signal }),
})

/** Nothing asks for a deleted app any more; the list is read again (UI-206). */
export async function forgetApp(app: string): Promise<void> {
  const { queryKey } = appQuery(app)
  await queries.cancelQueries({ queryKey })
  queries.removeQueries({ queryKey })
  await queries.invalidateQueries({ queryKey: appsQuery.queryKey })
}
