import type { HealthCode, HealthMessage, HealthSection, HealthSeverity } from '@slipway/contract'

/** What every section reports, whatever else it finds (OP-101). */
export interface Judged {
  readonly severity: HealthSeverity
  readonly error?: string | undefined
  readonly warnings: HealthMessage[]
  readonly dismissed: boolean
}

/** A section before it is known whether somebody has dismissed it. */
export type Found<Report extends Judged> = Omit<Report, 'dismissed'>

/** One part of the health of a deployment. */
export interface Section<Report extends Judged> {
  /** As operators dismiss it (OP-102). */
  readonly name: HealthSection
  /** Looks, until it is told that nobody waits any more. What it throws is the section's fault. */
  readonly look: (signal: AbortSignal) => Promise<Found<Report>>
  /** What is reported when that fails. */
  readonly failed: (fault: string) => Found<Report>
}

/** A section that is well. */
export const WELL = { severity: 'ok', healthy: true, warnings: [] } as const satisfies Partial<Judged> & {
  readonly healthy: boolean
}

/** An error as sections report it: the code, then what is wrong and what to do. */
export function fault(code: HealthCode, text: string): string {
  return `${code}: ${text}`
}

/** The worst of several severities. */
export function worst(severities: Iterable<HealthSeverity>): HealthSeverity {
  let found: HealthSeverity = 'ok'
  for (const severity of severities) if (RANK[severity] > RANK[found]) found = severity
  return found
}

/** As numbers, which the metric shows (OP-B11). */
export const RANK: Readonly<Record<HealthSeverity, number>> = { ok: 0, warning: 1, error: 2 }

/** Longest text of an error that is reported, in characters. */
const MAX_ERROR = 500

/** An error and its causes as one line, without where in the program it happened. */
export function inWords(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; parts.length < 5 && at !== undefined; ) {
    const text = at instanceof Error ? at.message || codeOf(at) : String(at)
    if (text !== '' && !parts.includes(text)) parts.push(text)
    at = at instanceof Error ? at.cause : undefined
  }
  return parts.join(': ').replace(/\s+/g, ' ').slice(0, MAX_ERROR)
}

/** Attempts at several addresses fail together, without words of their own. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
