import type { PinnedContext } from './store/pinned.ts'

/** A skill that models may read. */
export interface Skill {
  /** As models know it. */
  readonly name: string
  readonly description: string
  readonly body: string
  /** Its folder in the workspace. */
  readonly directory: string
}

/** The skills of a workspace, as a chat has pinned them (CH-1303). */
export function listSkills(pinned: PinnedContext | undefined): readonly Skill[] {
  return (pinned?.resources ?? []).flatMap(({ kind, status, body, attributes }) => {
    if (kind !== 'skill' || status !== 'ok') return []
    const { name, description, directory } = textsOf(attributes)
    return [{ name, description, body, directory }]
  })
}

/** What is known of a skill beside its text. */
export function textsOf(attributes: unknown): Omit<Skill, 'body'> {
  const text = (member: string): string => {
    const value: unknown =
      typeof attributes === 'object' && attributes !== null ? Reflect.get(attributes, member) : undefined
    return typeof value === 'string' ? value : ''
  }
  return {
    name: text('skill_name'),
    description: text('skill_description'),
    directory: text('skill_dir'),
  }
}
