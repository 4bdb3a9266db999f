import * as contract from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import { parseDuration } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { isUuid, refuseUnknown } from '../search/index.ts'
import { presentDaemon, presentListedJob } from './present.ts'
import { listDaemons } from './store/daemons.ts'
import { listJobs, queuePlaces } from './store/jobs.ts'

const JOB_KEYS = ['limit', 'ids', 'status', 'tags', 'initiator', 'offset']
const DAEMON_KEYS = ['limit', 'ids', 'status', 'tags', 'offline', 'max_age']
const DEFAULT_LIMIT = 50

/** Provisioners and the job queue of an organization (PR §8.1, §8.2). */
export function provisioningRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const daemonReader = systemActor(
    'system_read_provisioner_daemons',
    'places in the queue count daemons that the caller may not list',
  )
  return [
    forSession(contract.listProvisionerDaemons, async ({ actor, params, query, raw }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      refuseUnknown(raw.search, DAEMON_KEYS)
      const daemons = await listDaemons(actor, db, organization.id, {
        ids: idsOf(query.ids),
        statuses:
          query.status === undefined
            ? undefined
            : contract.ProvisionerDaemonStatus.enum.filter((status) =>
                query.status?.split(',').includes(status),
              ),
        tags: query.tags === undefined ? undefined : parseTags(query.tags),
        offline: query.offline ?? false,
        maxAgeMs: query.max_age === undefined ? undefined : ageOf(query.max_age),
        limit: query.limit ?? DEFAULT_LIMIT,
      })
      return daemons.map(presentDaemon)
    }),
    forSession(contract.listProvisionerJobs, async ({ actor, params, query, raw }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      refuseUnknown(raw.search, JOB_KEYS)
      const jobs = await listJobs(actor, db, organization.id, {
        ids: idsOf(query.ids),
        status: query.status,
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
      const ids = idsOf(params.job)
      const [job] = await listJobs(actor, db, organization.id, { ids, limit: 1 })
      if (job === undefined) throw notFound()
      const places = await queuePlaces(daemonReader, db, [job.id])
      return presentListedJob(job, places.get(job.id))
    }),
  ]
}

function ageOf(text: string): number {
  const age = parseDuration(text)
  if (age === undefined || age < 0)
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field: 'max_age', detail: 'Query param "max_age" must be a duration such as 1h30m' }],
    })
  return age
}

function idsOf(text: string | undefined): readonly string[] | undefined {
  const ids = text?.split(',')
  if (ids?.every(isUuid) === false)
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field: 'ids', detail: 'Query param "ids" must be a list of UUIDs' }],
    })
  return ids
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
