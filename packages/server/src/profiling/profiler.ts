import { gzipSync } from 'node:zlib'

import { Profile, StringTable, ValueType } from 'pprof-format'

import { conflict } from '../errors/index.ts'
import { labelWith } from '../profile-labels/index.ts'

/** Between two samples; 100 in a second, as profilers of servers take them. */
const INTERVAL_US = 10_000
/** Between two samples of the heap, on average. */
const HEAP_INTERVAL_BYTES = 512 * 1024
const HEAP_STACK_DEPTH = 64

/** Kinds of profile that a collection may ask for (OP-90). */
export const PROFILE_KINDS = [
  'cpu',
  'heap',
  'allocs',
  'block',
  'mutex',
  'goroutine',
  'threadcreate',
  'trace',
] as const
export type ProfileKind = (typeof PROFILE_KINDS)[number]

/** The longest collection, in seconds. */
export const MAX_SECONDS = 60

/** Whether a name is one of a profile. */
export function isProfileKind(name: string): name is ProfileKind {
  return PROFILE_KINDS.some((kind) => kind === name)
}

/** How long a profile is taken when nobody says, in seconds: as profilers of servers do. */
export function secondsToTake(kind: ProfileKind): number {
  return kind === 'cpu' ? 30 : 1
}

/** What is sampled for a kind; Node.js has no notion of the rest. */
const SOURCES: Readonly<Record<ProfileKind, 'cpu' | 'memory' | 'nothing'>> = {
  cpu: 'cpu',
  trace: 'cpu',
  heap: 'memory',
  allocs: 'memory',
  block: 'nothing',
  mutex: 'nothing',
  goroutine: 'nothing',
  threadcreate: 'nothing',
}

// The sampler is native code, and few servers are ever profiled: it is loaded when it is first needed.
const sampler = async () => {
  const loaded = await import('@datadog/pprof')
  return 'default' in loaded ? (loaded.default as typeof loaded) : loaded
}

/** One collection at a time: there is one sampler in a process. */
let busy = false

/**
 * Collects profiles of this process for some time, each as a gzipped profile protobuf whose samples carry the labels of
 * the work that they fell into (OP-90…OP-92). What Node.js has no notion of is an empty profile (OP-93).
 *
 * @param seconds how long to sample.
 * @param signal ends the collection early, as a client does that leaves.
 * @throws ApiError 409 while another collection runs.
 */
export async function collectProfiles(
  kinds: readonly ProfileKind[],
  seconds: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<ProfileKind, Buffer>> {
  if (busy) throw conflict('Another profile is being taken: try again when it has ended.')
  busy = true
  try {
    const { time, heap, encode } = await sampler()
    const wantsCpu = kinds.some((kind) => SOURCES[kind] === 'cpu')
    const wantsHeap = kinds.some((kind) => SOURCES[kind] === 'memory')
    if (wantsCpu) {
      time.start({ intervalMicros: INTERVAL_US, withContexts: true, useCPED: true, collectCpuTime: true })
      labelWith((labels, work) => time.runWithContext(labels, work))
    }
    if (wantsHeap) heap.start(HEAP_INTERVAL_BYTES, HEAP_STACK_DEPTH)
    try {
      await elapsed(seconds, signal)
    } finally {
      labelWith(undefined)
    }
    const cpu = wantsCpu ? await encode(time.stop(false, ({ context }) => labelsOf(context?.context))) : EMPTY
    const memory = wantsHeap ? await encode(heap.profile()) : EMPTY
    if (wantsHeap) heap.stop()
    return new Map(kinds.map((kind) => [kind, { cpu, memory, nothing: EMPTY }[SOURCES[kind]]]))
  } finally {
    busy = false
  }
}

/** Work that began before the profile has no labels. */
function labelsOf(context: object | undefined): Record<string, string> {
  return { ...context }
}

/** Settles after `seconds`, or at once when the signal says so. */
function elapsed(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
    if (signal.aborted) {
      clearTimeout(timer)
      resolve()
    }
  })
}

const EMPTY = emptyProfile()

function emptyProfile(): Buffer {
  const stringTable = new StringTable()
  const sampleType = [new ValueType({ type: stringTable.dedup('sample'), unit: stringTable.dedup('count') })]
  return gzipSync(new Profile({ stringTable, sampleType }).encode())
}
