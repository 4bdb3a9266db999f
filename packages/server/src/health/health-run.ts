import type { HealthSection } from '@slipway/contract'
import { ApiError } from '../errors/index.ts'
import { untilAborted } from '../until-aborted.ts'
import type { Checks } from './checks.ts'
import { type Found, fault, inWords, type Judged, type Section } from './section.ts'

/** How long a run may take, and each of its sections; milliseconds. */
export interface RunLimits {
  readonly run: number
  readonly section: number
}

/** What each section found. */
export type Findings = { readonly [Name in keyof Checks]: Awaited<ReturnType<Checks[Name]['look']>> }

interface Progress {
  readonly name: HealthSection
  readonly began: number
  ended: number | undefined
}

/**
 * Looks at all sections at once. One that fails, or takes longer than a section may, is in error and hurts no other
 * (OP-101).
 *
 * @param closing ends the run without an answer.
 * @throws ApiError 503 when the run takes too long (OP-100); the reason of `closing`.
 */
export async function runChecks(checks: Checks, limits: RunLimits, closing: AbortSignal): Promise<Findings> {
  const deadline = AbortSignal.timeout(limits.run)
  const signal = AbortSignal.any([closing, deadline])
  const progress: Progress[] = []
  const look = async <Report extends Judged>(section: Section<Report>): Promise<Found<Report>> => {
    const own: Progress = { name: section.name, began: performance.now(), ended: undefined }
    progress.push(own)
    try {
      return await lookWithin(limits.section, section, signal)
    } finally {
      own.ended = performance.now()
    }
  }
  const all = async (): Promise<Findings> => {
    const [access_url, ai_gateway, database, derp, provisioner_daemons, websocket, workspace_proxy] =
      await Promise.all([
        look(checks.access_url),
        look(checks.ai_gateway),
        look(checks.database),
        look(checks.derp),
        look(checks.provisioner_daemons),
        look(checks.websocket),
        look(checks.workspace_proxy),
      ])
    return { access_url, ai_gateway, database, derp, provisioner_daemons, websocket, workspace_proxy }
  }
  try {
    return await untilAborted(signal, all())
  } catch (error) {
    if (closing.aborted || !deadline.aborted) throw error
    throw new ApiError(503, 'Healthcheck timed out.', { detail: progressText(progress) })
  }
}

/** @throws nothing: what goes wrong is what the section reports. */
async function lookWithin<Report extends Judged>(
  limitMs: number,
  section: Section<Report>,
  running: AbortSignal,
): Promise<Found<Report>> {
  const deadline = AbortSignal.timeout(limitMs)
  try {
    const signal = AbortSignal.any([running, deadline])
    return await untilAborted(signal, section.look(signal))
  } catch (error) {
    const why =
      deadline.aborted && !running.aborted ? `no answer within ${limitMs / 1_000} seconds` : inWords(error)
    return section.failed(fault('EUNKNOWN', why))
  }
}

/** What had come when a run was given up: sections that are done, and those that are not. */
function progressText(progress: readonly Progress[]): string {
  const now = performance.now()
  const ms = (from: number, to: number): string => `${Math.round(to - from)}ms`
  const done = progress.flatMap(({ name, began, ended }) =>
    ended === undefined ? [] : [`${name} (${ms(began, ended)})`],
  )
  const left = progress.flatMap(({ name, began, ended }) =>
    ended === undefined ? [`${name} (elapsed: ${ms(began, now)})`] : [],
  )
  return [
    ...(done.length === 0 ? [] : [`Completed: ${done.join(', ')}.`]),
    ...(left.length === 0 ? [] : [`Still running: ${left.join(', ')}`]),
  ].join(' ')
}
