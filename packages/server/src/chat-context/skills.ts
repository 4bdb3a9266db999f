import { parseSkill } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { actorOf, findStanding, roleOptions } from '../identity/index.ts'
import { getSkill, listSkills as listUserSkills } from '../user-skills/index.ts'
import type { PinnedContext } from './store/pinned.ts'

const system = systemActor('chatd', 'chats read the skills of their owners with the rights that those have')

/** A skill that models may read. */
export interface Skill {
  /** As models know it. */
  readonly name: string
  readonly description: string
  /** Reads what to do; prompts, which only list skills, need none of it. @throws ApiError 404 for one that is gone by now. */
  readonly body: () => Promise<string>
  /** Its folder in the workspace; undefined for one that the owner of the chat has written. */
  readonly directory: string | undefined
}

/**
 * The skills of a chat by the names that models know: those of its workspace as it has pinned them, and those of its
 * owner. Where both have a name, each says where it is from (CH-1303).
 */
export async function listSkills(
  context: AppContext,
  chat: Pick<ChatRow, 'owner_id'>,
  pinned: PinnedContext | undefined,
): Promise<readonly Skill[]> {
  const workspace = skillsOf(pinned)
  const personal = await personalSkills(context, chat.owner_id)
  const inBoth = new Set(
    workspace.map(({ name }) => name).filter((name) => personal.some((one) => one.name === name)),
  )
  const named = (from: string) => (skill: Skill) =>
    inBoth.has(skill.name) ? { ...skill, name: `${from}/${skill.name}` } : skill
  return [...workspace.map(named('workspace')), ...personal.map(named('personal'))]
}

/** A skill by its name, which may say where it is from even where it need not. */
export function findSkill(skills: readonly Skill[], wanted: string): Skill | undefined {
  const [, from, name] = /^(personal|workspace)\/(.+)$/.exec(wanted) ?? []
  return skills.find(
    (skill) =>
      skill.name === wanted ||
      (skill.name === name && (skill.directory === undefined) === (from === 'personal')),
  )
}

function skillsOf(pinned: PinnedContext | undefined): Skill[] {
  return (pinned?.resources ?? []).flatMap(({ kind, status, body, attributes }) => {
    if (kind !== 'skill' || status !== 'ok') return []
    return [{ ...textsOf(attributes), body: async () => body }]
  })
}

/** None for an owner who was suspended or deleted. */
async function personalSkills(context: AppContext, ownerId: string): Promise<Skill[]> {
  const { db } = context.database
  const standing = await findStanding(system, db, ownerId)
  if (standing === undefined || standing.status === 'suspended') return []
  const owner = actorOf(ownerId, standing, roleOptions(context))
  const rows = await listUserSkills(owner, db, ownerId)
  return rows.map(({ name, description }) => ({
    name,
    description,
    body: async () => bodyOf((await getSkill(owner, db, ownerId, name)).content),
    directory: undefined,
  }))
}

function bodyOf(content: string): string {
  const skill = parseSkill(content)
  return 'error' in skill ? content : skill.body
}

/** What is known of a skill of a workspace beside its text. */
export function textsOf(attributes: unknown): {
  readonly name: string
  readonly description: string
  readonly directory: string
} {
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
