import { type ResourceObject, watchDecisions } from './decide.ts'
import type { PermissionMap } from './permissions.ts'
import type { Actor } from './subject.ts'

/** The checks that are made of an actor. */
export interface RecordedChecks extends Disposable {
  /** Who is to be asked about: all that the recorded one is, with a scope that listens. */
  readonly actor: Actor
  /** Those since the last call of this, in their order: the action, the type, and the fields of the object. */
  take(): readonly string[]
}

/**
 * Takes down every decision about an actor and every condition that a list is filtered by. Both ask the scope first, so
 * one that listens hears of both; the first are told with their object besides.
 *
 * Repetitions are taken down once: how many rows there are to decide about says nothing of the function.
 */
export function recordChecks(recorded: Actor): RecordedChecks {
  let checks: string[] = []
  const note = (check: string): void => {
    if (checks.at(-1) !== check) checks.push(check)
  }
  let asked: string | undefined
  const settle = (): void => {
    if (asked !== undefined) note(`${asked} (rows)`)
    asked = undefined
  }
  const actor: Actor = {
    ...recorded,
    scope: {
      ...recorded.scope,
      permissions: [
        listening((check) => {
          settle()
          asked = check
        }),
      ],
    },
  }
  watchDecisions({
    decided: (action, object) => {
      const check = `${action} ${object.type}`
      if (asked !== check) return
      asked = undefined
      note(check + described(object))
    },
  })
  return {
    actor,
    take() {
      settle()
      const taken = checks
      checks = []
      return taken
    },
    [Symbol.dispose]: () => watchDecisions({ decided: () => undefined }),
  }
}

/** Permissions that allow everything, and tell what they are asked for. */
function listening(tell: (check: string) => void): PermissionMap {
  return new Proxy<PermissionMap>(
    {},
    { get: (_, type) => (typeof type === 'symbol' || type === '*' ? undefined : new Actions(type, tell)) },
  )
}

/** All actions on one type. */
class Actions extends Array<'*'> {
  readonly #type: string
  readonly #tell: (check: string) => void

  constructor(type: string, tell: (check: string) => void) {
    super()
    this.#type = type
    this.#tell = tell
  }

  override includes(action: string): boolean {
    if (action === '*') return false
    this.#tell(`${action} ${this.#type}`)
    return true
  }
}

/** The fields of the object; nothing for the type as a whole. */
function described(object: ResourceObject): string {
  const { type: _, ...fields } = object
  const known = Object.entries(fields).flatMap(([name, value]) => (value ? name : []))
  return known.length === 0 ? '' : ` (${known.sort().join(', ')})`
}
