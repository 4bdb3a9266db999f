import { queryOptions } from '@tanstack/react-query'

import {
  getOrganization,
  getSecondFactors,
  getTemplate,
  getUser,
  getWorkspace,
  listScopes,
  listSessions,
  listTokens,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { type AllowEntry, entryOf } from './allow-list.ts'

const ME = { user: 'me' } as const

/** What protects the viewer's account beside the password. */
export const secondFactorsQuery = queryOptions({
  queryKey: ['second-factors'],
  queryFn: ({ signal }) => api.call(getSecondFactors, { params: ME, signal }),
})

/** Where the viewer is signed in. */
export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => api.call(listSessions, { params: ME, signal }),
})

/** Scopes that a token can have. */
export const scopesQuery = queryOptions({
  queryKey: ['scopes'],
  queryFn: ({ signal }) => api.call(listScopes, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

/** Keys that the viewer has made for programs, and those of their sessions. */
export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => api.call(listTokens, { params: ME, query: { include_all: false }, signal }),
})

/** The entries of a stored allow list with the names of their resources; ids that lead nowhere stay ids (UI-1504). */
export function namedEntriesQuery(list: readonly string[]) {
  return queryOptions({
    queryKey: ['allow-list', list],
    queryFn: ({ signal }) =>
      Promise.all(list.flatMap((text) => entryOf(text) ?? []).map((entry) => named(entry, signal))),
    staleTime: 60_000,
  })
}

async function named(entry: AllowEntry, signal: AbortSignal): Promise<AllowEntry> {
  try {
    return { ...entry, name: await nameOf(entry, signal) }
  } catch {
    // It is gone, or not the viewer's to see: the id is all there is to say.
    return entry
  }
}

async function nameOf({ kind, id }: AllowEntry, signal: AbortSignal): Promise<string> {
  if (id === '*') return id
  switch (kind) {
    case 'workspace':
      return (await api.call(getWorkspace, { params: { workspace: id }, signal })).name
    case 'template':
      return (await api.call(getTemplate, { params: { template: id }, signal })).name
    case 'user':
    case 'organization_member':
      return (await api.call(getUser, { params: { user: id }, signal })).username
    case 'organization':
      return (await api.call(getOrganization, { params: { organization: id }, signal })).name
    default:
      return id
  }
}
