const DAY_MS = 86_400_000
/** Of an answer that does not say how long it is fresh (RFC 9111, section 4.2.2). */
const HEURISTIC_MS = 5 * 60_000
/** Shorter, and one sign-in would fetch the document several times. */
const SHORTEST_MS = 10_000

/** How long an answer may be used, in milliseconds, by its headers (RFC 9111): at most a day (OA-B13). */
export function freshMs(headers: Headers, now: Date): number {
  const directives = new Map(
    (headers.get('cache-control') ?? '')
      .toLowerCase()
      .split(',')
      .map((directive): [string, string] => {
        const [name = '', value = ''] = directive.split('=')
        return [name.trim(), value.trim().replace(/^"|"$/g, '')]
      }),
  )
  if (directives.has('no-store') || directives.has('no-cache')) return 0
  const seconds = directives.get('max-age')
  const age = Number(headers.get('age') ?? 0) * 1000
  if (seconds !== undefined && /^\d+$/.test(seconds))
    return bounded(Number(seconds) * 1000 - (Number.isFinite(age) ? age : 0))
  const expires = headers.get('expires')
  if (expires === null) return HEURISTIC_MS
  const at = Date.parse(expires)
  const from = Date.parse(headers.get('date') ?? '')
  return bounded(Number.isNaN(at) ? 0 : at - (Number.isNaN(from) ? now.getTime() : from))
}

function bounded(ms: number): number {
  return Math.min(DAY_MS, Math.max(SHORTEST_MS, ms))
}
