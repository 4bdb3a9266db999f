import type { DatabaseReport } from '@slipway/contract'
import { untilAborted } from '../../until-aborted.ts'
import { type Found, fault, inWords, type Section } from '../section.ts'

const PINGS = 5
const TIMEOUT_MS = 5_000

/**
 * How long the database takes to answer: the median of five round trips, which the pool of connections is a part of.
 *
 * @param ping one of them.
 * @param thresholdMs from which on that is too long.
 */
export function databaseSection(ping: () => Promise<void>, thresholdMs: number): Section<DatabaseReport> {
  const failed = (error: string): Found<DatabaseReport> => ({
    reachable: false,
    latency: '0s',
    latency_ms: 0,
    threshold_ms: Math.floor(thresholdMs),
    severity: 'error',
    healthy: false,
    error,
    warnings: [],
  })
  return {
    name: 'Database',
    failed,
    async look(signal) {
      const deadline = AbortSignal.timeout(TIMEOUT_MS)
      const times: number[] = []
      try {
        for (let round = 0; round < PINGS; round += 1) {
          const began = performance.now()
          await untilAborted(AbortSignal.any([signal, deadline]), ping())
          times.push(performance.now() - began)
        }
      } catch (error) {
        return failed(
          fault(
            'EDB01',
            deadline.aborted
              ? `the database did not answer ${PINGS} times within 5 seconds; look at its load, and at whether all of --postgres-max-open connections are in use`
              : `the database does not answer: ${inWords(error)}`,
          ),
        )
      }
      const latency = times.toSorted((a, b) => a - b)[Math.floor(PINGS / 2)] ?? 0
      const isSlow = latency >= thresholdMs
      return {
        reachable: true,
        latency: `${Math.round(latency * 1_000) / 1_000}ms`,
        latency_ms: Math.floor(latency),
        threshold_ms: Math.floor(thresholdMs),
        severity: isSlow ? 'warning' : 'ok',
        healthy: true,
        warnings: isSlow
          ? [
              {
                code: 'EDB02',
                message: `The database takes ${latency.toFixed(1)} ms to answer, and ${thresholdMs} ms is the threshold. Run it closer to the server, give it more, or raise --health-check-threshold-database.`,
              },
            ]
          : [],
      }
    },
  }
}
