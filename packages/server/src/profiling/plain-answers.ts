import { PROFILE_KINDS } from './profiler.ts'

/** Addresses need no lookup here: frames carry the names of their functions. */
export const NO_SYMBOLS = 'num_symbols: 0\n'

/** What there is to ask for. */
export function pprofIndex(): string {
  return `Profiles: ${['profile', ...PROFILE_KINDS.filter((kind) => kind !== 'cpu')].join(', ')}\n`
}

/** The program of this process without its arguments, which may hold secrets. */
export function commandLine(): string {
  return `${process.execPath}\0${process.argv[1] ?? ''}`
}
