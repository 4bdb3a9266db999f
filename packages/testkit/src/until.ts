import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits for a condition: asks again and again until the answer is neither undefined, null nor false.
 *
 * @throws Error naming what was waited for, after `timeoutMs`.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 25_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== null && answer !== false)
      return answer as Exclude<NonNullable<T>, false>
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await delay(20)
  }
}
