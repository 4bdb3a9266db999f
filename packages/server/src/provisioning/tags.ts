/** Tags by which jobs and provisioners find each other (PR-8, PR-16). */
export type Tags = Readonly<Record<string, string>>

/**
 * Adds `scope` and `owner` (PR-8): a job of scope `user` belongs to one user's provisioners, every other
 * one to the organization's.
 */
export function normalizeTags(tags: Tags, userId: string): Tags {
  const scope = tags.scope === 'user' ? 'user' : 'organization'
  return { ...tags, scope, owner: scope === 'user' ? userId : '' }
}

/** Puts tags over others (PR-8): the later ones win, except by an empty value. */
export function mergeTags(...maps: readonly Tags[]): Tags {
  const merged = new Map<string, string>()
  for (const map of maps)
    for (const [name, value] of Object.entries(map))
      if (value !== '' || !merged.has(name)) merged.set(name, value)
  return Object.fromEntries(merged)
}

/** What the provisioners of the server itself carry. */
export const BUILT_IN_TAGS: Tags = { scope: 'organization', owner: '' }
