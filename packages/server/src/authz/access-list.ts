import type { AccessList } from './decide.ts'

/** Reads a stored access list: a JSON object of actions by user or group id (WS-24). Anything else grants nothing. */
export function accessListOf(stored: unknown): AccessList {
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return {}
  return Object.fromEntries(
    Object.entries(stored).map(([id, actions]) => [
      id,
      Array.isArray(actions) ? actions.filter((action) => typeof action === 'string') : [],
    ]),
  )
}
