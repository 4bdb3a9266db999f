/** Tags by which jobs and provisioners find each other (PR-13…PR-17). */
export type Tags = Readonly<Record<string, string>>

/**
 * Adds `scope` and `owner` (PR-14): a job of scope `user` belongs to one user's provisioners, every other
 * one to the organization's.
 */
export function normalizeTags(tags: Tags, userId: string): Tags {
  const scope = tags.scope === 'user' ? 'user' : 'organization'
  return { ...tags, scope, owner: scope === 'user' ? userId : '' }
}

/** What the provisioners of the server itself carry. */
export const BUILT_IN_TAGS: Tags = { scope: 'organization', owner: '' }
