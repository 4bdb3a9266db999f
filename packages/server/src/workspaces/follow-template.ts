import { setImmediate } from 'node:timers/promises'

import { systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import type { TemplateChange, TemplateEffect, TemplateRow } from '../templates/index.ts'
import { effectiveQuietHours } from '../user-settings/index.ts'
import { announceMarkedForDeletion } from './announce.ts'
import { stopTimes } from './deadline.ts'
import {
  imposeTtl,
  listRunningBuilds,
  moveStops,
  type NewStop,
  type RunningBuild,
  redateDormant,
  touchWorkspaces,
} from './store/template-effects.ts'

/** Nobody's workspace stops sooner than that because a template has changed (WS-90). */
const NOTICE_MS = 2 * 3_600_000
const NS_PER_MS = 1_000_000
/** Workspaces that are reckoned with at a time, so that requests are served in between. */
const AT_A_TIME = 100

const actor = systemActor('autostart', 'workspaces follow the schedule of their template')

/** What another schedule of a template means for its workspaces (WS-88, WS-90). */
export function followTemplate(context: AppContext): TemplateEffect {
  return async (tx, change) => {
    const { before, after } = change
    const now = context.clock.now()
    if (change.countsAsUsed) await touchWorkspaces(actor, tx, after, now)
    if (imposesTtl(change)) await imposeTtl(actor, tx, after)
    if (STOPS.some((column) => before[column] !== after[column])) await restop(context, tx, after, now)
    if (!change.restartsDormancy && before.time_til_dormant_autodelete === after.time_til_dormant_autodelete)
      return undefined
    const marked = await redateDormant(actor, tx, after, change.restartsDormancy ? now : undefined)
    return after.time_til_dormant_autodelete > 0
      ? () => announceMarkedForDeletion(context, marked, after)
      : undefined
  }
}

/** What decides when a workspace stops. */
const STOPS = [
  'allow_user_autostop',
  'default_ttl',
  'autostop_requirement_days',
  'autostop_requirement_weeks',
] as const

function imposesTtl({ before, after }: TemplateChange): boolean {
  return (
    !after.allow_user_autostop && (before.allow_user_autostop || before.default_ttl !== after.default_ttl)
  )
}

async function restop(context: AppContext, tx: Db, template: TemplateRow, now: Date): Promise<void> {
  const notice = new Date(now.getTime() + NOTICE_MS)
  const builds = await listRunningBuilds(actor, tx, template, notice)
  for (let from = 0; from < builds.length; from += AT_A_TIME) {
    const some = builds.slice(from, from + AT_A_TIME)
    const stops = some.map((build) => newStop(context, template, build, notice))
    await moveStops(actor, tx, template, stops)
    await setImmediate()
  }
}

function newStop({ config }: AppContext, template: TemplateRow, build: RunningBuild, notice: Date): NewStop {
  const ttlNs = template.allow_user_autostop ? (build.ttl ?? 0) : template.default_ttl
  const { deadline, maxDeadline } = stopTimes(
    {
      ttlMs: ttlNs / NS_PER_MS,
      autostart:
        build.autostart_schedule === null || !template.allow_user_autostart
          ? undefined
          : { schedule: build.autostart_schedule, blockedDays: template.autostart_block_days },
      required: {
        days: template.autostop_requirement_days,
        weeks: template.autostop_requirement_weeks,
        quietHours: effectiveQuietHours(config, build.quiet_hours_schedule),
      },
    },
    build.completed_at,
  )
  return {
    buildId: build.id,
    maxDeadline: maxDeadline !== null && maxDeadline < notice ? notice : maxDeadline,
    never: deadline === null,
  }
}
