/** What was chosen for the last chat; of one user in this browser. */
interface Memory {
  readonly organization?: string | undefined
  readonly model?: string
  /** By organization. */
  readonly workspaces?: Readonly<Record<string, string>>
}

const storage = (user: string) => `slipway.agents.new.${user}`

export function readMemory(user: string): Memory {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storage(user)) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    const text = (name: string) => {
      const value: unknown = Reflect.get(stored, name)
      return typeof value === 'string' ? { [name]: value } : {}
    }
    const workspaces: unknown = Reflect.get(stored, 'workspaces')
    return {
      ...text('organization'),
      ...text('model'),
      ...(typeof workspaces === 'object' && workspaces !== null
        ? {
            workspaces: Object.fromEntries(
              Object.entries(workspaces).filter(
                (entry): entry is [string, string] => typeof entry[1] === 'string',
              ),
            ),
          }
        : {}),
    }
  } catch {
    return {}
  }
}

export function remember(user: string, patch: Memory): void {
  try {
    localStorage.setItem(storage(user), JSON.stringify({ ...readMemory(user), ...patch }))
  } catch {
    // Storage is switched off: nothing is remembered.
  }
}
