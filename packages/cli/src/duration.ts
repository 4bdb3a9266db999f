import { CommandError } from './errors.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a time such as `1h30m`, `8h`, `200ms` or `30d`.
 *
 * @returns milliseconds
 * @throws CommandError naming the flag.
 */
export function duration(text: string, flag: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new CommandError(`${flag} must be a time such as 200ms, 1h30m or 30d, not ${JSON.stringify(text)}`)
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0)
}
