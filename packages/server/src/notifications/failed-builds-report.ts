import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { enqueueToTemplateAdmins } from './enqueue.ts'
import { takeFailedBuilds } from './store/failed-builds.ts'
import { TEMPLATES } from './template-ids.ts'

const PAUSE_MS = 15 * 60_000
const WEEK_MS = 7 * 24 * 3_600_000
/** Templates that one report names. */
const MAX_TEMPLATES = 50

const actor = systemActor('provisionerd', 'administrators of templates hear of builds that failed')

/** Tells administrators of templates once a week of which templates builds have failed (OP-56). */
export function failedBuildsReportJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'notifications',
    pauseMs: PAUSE_MS,
    failure: 'builds that failed could not be reported',
    round: () => reportFailedBuilds(context),
  })
}

async function reportFailedBuilds(context: AppContext): Promise<void> {
  const { database, clock } = context
  const templates = await database.transaction((tx) =>
    takeFailedBuilds(actor, tx, { now: clock.now(), periodMs: WEEK_MS, limit: MAX_TEMPLATES }),
  )
  if (templates === undefined || templates.length === 0) return
  await enqueueToTemplateAdmins(context, actor, {
    templateId: TEMPLATES.buildsFailedReport,
    labels: {},
    data: { report_frequency: 'week', templates },
  })
}
