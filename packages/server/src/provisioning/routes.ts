import * as contract from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { presentDaemon, presentListedJob } from './present.ts'
import { listDaemons } from './store/daemons.ts'
import { listJobs, queuePlaces } from './store/jobs.ts'

const KNOWN = new Set(['limit', 'ids', 'status', 'tags', 'initiator', 'offset'])
const DEFAULT_LIMIT = 50

/** Provisioners and the job queue of an organization (PR §8.1, §8.2). */
export function provisioningRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const daemonReader = systemActor('system_read_provisioner_daemons')
  return [
    forSession(contract.listProvisionerDaemons, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return (await listDaemons(actor, db, organization.id)).map(presentDaemon)
    }),
    forSession(contract.listProvisionerJobs, async ({ actor, params, query, raw }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const unknown = [...raw.search.keys()].filter((key) => !KNOWN.has(key))
      if (unknown.length > 0)
        throw badRequest('Query parameters have invalid values.', {
          validations: unknown.map((key) => ({
            field: key,
            detail: `Query param "${key}" is not a valid query param`,
          })),
        })
      const jobs = await listJobs(actor, db, organization.id, {
        ids: query.ids?.split(','),
        status: query.status === 'unknown' ? undefined : query.status,
        initiatorId: query.initiator,
        tags: query.tags === undefined ? undefined : parseTags(query.tags),
        limit: query.limit ?? DEFAULT_LIMIT,
      })
      const places = await queuePlaces(
        daemonReader,
        db,
        jobs.filter((job) => job.job_status === 'pending').map((job) => job.id),
      )
      return jobs.map((job) => presentListedJob(job, places.get(job.id)))
    }),
    forSession(contract.getProvisionerJob, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const [job] = await listJobs(actor, db, organization.id, { ids: [params.job ?? ''], limit: 1 })
      if (job === undefined) throw notFound()
      const places = await queuePlaces(daemonReader, db, [job.id])
      return presentListedJob(job, places.get(job.id))
    }),
  ]
}

function parseTags(text: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]))
  } catch {
    // Answered below like any other text that is no object.
  }
  throw badRequest('Query parameters have invalid values.', {
    validations: [{ field: 'tags', detail: 'Query param "tags" must be a JSON object of texts' }],
  })
}
