import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { listProvisionerDaemons, listProvisionerJobs, type ProvisionerJobStatus } from '@slipway/contract'
import { api } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'
import { JOB_STATES } from './provisioner-words.ts'

const IDLE_MS = 30_000
const BUSY_MS = 5000
/** The server has no pages here: this many of the newest. */
export const NEWEST = 100

/** Parts of an address as they are: the server says what is wrong with them. */
interface Question {
  readonly ids?: string
  readonly tags?: string
  readonly status?: string
  readonly offline?: string
}

/** The daemons of an organization that were there lately, or all that ever were. */
export function daemonsQuery(organizationId: string, { ids, tags, offline }: Question) {
  return queryOptions({
    queryKey: ['provisioners', organizationId, ids, tags, offline],
    queryFn: ({ signal }) =>
      api.call(listProvisionerDaemons, {
        params: { organization: organizationId },
        query: { limit: NEWEST, ...which({ ids, tags }), offline: offline === 'true' || ids !== undefined },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      pollEvery(query.state.data?.some(({ status }) => status === 'busy') === true ? BUSY_MS : IDLE_MS)(
        query,
      ),
  })
}

/** The newest jobs of an organization. */
export function jobsQuery(organizationId: string, { ids, tags, status }: Question) {
  const known = JOB_STATES.find((one) => one === status)
  return queryOptions({
    queryKey: ['provisioner-jobs', organizationId, ids, tags, known],
    queryFn: ({ signal }) =>
      api.call(listProvisionerJobs, {
        params: { organization: organizationId },
        query: { limit: NEWEST, ...which({ ids, tags }), ...(known === undefined ? {} : { status: known }) },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      pollEvery(query.state.data?.some(isUnderWay) === true ? BUSY_MS : IDLE_MS)(query),
  })
}

function which({ ids, tags }: Record<'ids' | 'tags', string | undefined>) {
  return { ...(ids === undefined ? {} : { ids }), ...(tags === undefined ? {} : { tags }) }
}

/** Whether a job ends by itself. */
export function isUnderWay({ status }: { readonly status: ProvisionerJobStatus }): boolean {
  return status === 'pending' || status === 'running' || status === 'canceling'
}
