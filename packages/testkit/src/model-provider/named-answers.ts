import type { Step, Turn } from './turn.ts'

/** A chunk of {@link namedAnswer}: which one it is, and when it was written, in microseconds of the machine's clock. */
export interface TimedChunk {
  readonly index: number
  readonly sentAt: number
}

/**
 * Answers that depend on the model's name alone, for providers that run on their own. Other names say `ok`.
 *
 * - `stream-50`: 50 chunks as fast as they go; `stream-50@20`: 20 of them a second. {@link timedChunks} reads them.
 * - `bytes-1000`: one text of 1,000 bytes.
 * - `wait-500`: `ok` after 500 ms without headers.
 * - `fail-503`: that status.
 * - `cut-3`: the connection is closed after 3 events.
 * - `stall`: headers and the first events, then nothing.
 */
export function namedAnswer(model: string): Turn {
  const [, name, number, rate] = /^([a-z]+)(?:-(\d+)(?:@(\d+))?)?$/.exec(model) ?? []
  const count = Number(number)
  switch (name) {
    case 'stream': {
      const steps = { [Symbol.iterator]: () => chunks(count) }
      return rate === undefined ? { steps } : { steps, paceMs: 1_000 / Number(rate) }
    }
    case 'bytes':
      return { steps: ['x'.repeat(count)] }
    case 'wait':
      return { beforeMs: count, steps: ['ok'] }
    case 'fail':
      return { status: count }
    case 'cut':
      return { steps: { [Symbol.iterator]: () => chunks(count) }, cutAfterEvents: count }
    case 'stall':
      return { steps: [{ stall: true }] }
    default:
      return { steps: ['ok'] }
  }
}

function* chunks(count: number): Generator<Step, undefined> {
  for (let index = 0; index < count; index += 1) yield `${index}@${machineMicroseconds()} `
}

/** The chunks in the text of a `stream-…` model, all or some of it. */
export function timedChunks(text: string): readonly TimedChunk[] {
  return [...text.matchAll(/(\d+)@(\d+) /g)].map(([, index, sentAt]) => ({
    index: Number(index),
    sentAt: Number(sentAt),
  }))
}

/** Now, in microseconds of the clock that all processes of the machine share. */
export function machineMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
