const MILLISECONDS = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const

/** What 64 bits of nanoseconds hold, which clients read (OP-10). */
const MAX_MILLISECONDS = 9_223_372_036_854

const UNIT = Object.keys(MILLISECONDS).join('|')

const isUnit = (text: string): text is keyof typeof MILLISECONDS => Object.hasOwn(MILLISECONDS, text)

/** Milliseconds of a duration such as `1h30m`, `1.5s` or `7d` (OP-3); undefined when it is none or above 292 years. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!new RegExp(`^(\\d+(\\.\\d+)?(${UNIT}))+$`).test(text)) return undefined
  let total = 0
  for (const [, amount, unit = ''] of text.matchAll(new RegExp(`(\\d+(?:\\.\\d+)?)(${UNIT})`, 'g')))
    if (isUnit(unit)) total += Number(amount) * MILLISECONDS[unit]
  return total <= MAX_MILLISECONDS ? total : undefined
}

/** Shortest text that {@link parseDuration} reads back as `milliseconds`, in hours, minutes and seconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  const hours = Math.floor(milliseconds / MILLISECONDS.h)
  const minutes = Math.floor((milliseconds % MILLISECONDS.h) / MILLISECONDS.m)
  const rest = Math.round((milliseconds % MILLISECONDS.m) * 1e6) / 1e6
  const seconds = rest >= 1_000 && rest % 1 === 0 ? `${rest / 1_000}s` : smallest(rest)
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${rest > 0 ? seconds : ''}`
}

function smallest(milliseconds: number): string {
  return milliseconds % 1 === 0 ? `${milliseconds}ms` : `${Math.round(milliseconds * 1e6)}ns`
}
