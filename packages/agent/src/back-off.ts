const FIRST_MS = 250
const LONGEST_MS = 10_000

/**
 * How long to wait before the next attempt: twice as long after each failure, up to a limit, and a random part
 * of it so that many agents do not come back at the same moment.
 *
 * @param failures how many attempts in a row have failed, from 1.
 * @param random a number from 0 to 1.
 * @returns milliseconds, between half of the limit of this attempt and all of it.
 */
export function backOffMs(failures: number, random: number = Math.random()): number {
  const limit = Math.min(FIRST_MS * 2 ** Math.max(0, failures - 1), LONGEST_MS)
  return Math.round((limit * (1 + random)) / 2)
}
