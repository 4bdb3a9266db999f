import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { validationFailed } from '../errors/index.ts'
import { userIdOf } from '../identity/index.ts'
import {
  deleteSkill,
  getSkill,
  insertSkill,
  listSkills,
  type SkillText,
  type UserSkillInfo,
  type UserSkillRow,
  updateSkill,
} from './store.ts'

/** As long as the skills of workspaces may be, in bytes (CH-1303). */
const MAX_CONTENT = 64 * 1024

/** Skills that users give to their chats, beside those of the workspaces (CH-1303). */
export function userSkillRoutes(context: AppContext): BoundRoute[] {
  const { database } = context
  return [
    forSession(contract.listUserSkills, async ({ actor, params }) =>
      (await listSkills(actor, database.db, await userIdOf(actor, database.db, params.user))).map(
        presentInfo,
      ),
    ),
    forSession(contract.createUserSkill, (incoming) =>
      audited(context, incoming, { type: 'user_skill', action: 'create' }, async (draft) => {
        const { actor, params, body } = incoming
        const owner = await userIdOf(actor, database.db, params.user)
        const skill = readSkill(body.content)
        const made = await database.transaction((tx) => insertSkill(actor, tx, owner, skill))
        draft.after = made
        return present(made)
      }),
    ),
    forSession(contract.getUserSkill, async ({ actor, params }) =>
      present(
        await getSkill(
          actor,
          database.db,
          await userIdOf(actor, database.db, params.user),
          params.skillName ?? '',
        ),
      ),
    ),
    forSession(contract.updateUserSkill, (incoming) =>
      audited(context, incoming, { type: 'user_skill', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const owner = await userIdOf(actor, database.db, params.user)
        draft.before = await getSkill(actor, database.db, owner, params.skillName ?? '')
        const skill = readSkill(body.content, draft.before.name)
        const { before, after } = await database.transaction((tx) => updateSkill(actor, tx, owner, skill))
        draft.before = before
        draft.after = after
        return present(after)
      }),
    ),
    forSession(contract.deleteUserSkill, (incoming) =>
      audited(context, incoming, { type: 'user_skill', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const owner = await userIdOf(actor, database.db, params.user)
        draft.before = await deleteSkill(actor, database.db, owner, params.skillName ?? '')
        return undefined
      }),
    ),
  ]
}

/** Reads the text of a skill, which keeps the name that it has. @throws ApiError 400 naming what is wrong with it. */
function readSkill(content: string, name?: string): SkillText {
  if (Buffer.byteLength(content) > MAX_CONTENT)
    throw validationFailed([{ field: 'content', detail: `must be at most ${MAX_CONTENT} bytes` }])
  const skill = contract.parseSkill(content)
  if ('error' in skill) throw validationFailed([{ field: 'content', detail: skill.error }])
  if (name !== undefined && skill.name !== name)
    throw validationFailed([
      { field: 'content', detail: `a skill keeps its name: this one is ${name}, not ${skill.name}` },
    ])
  return { name: skill.name, description: skill.description, content }
}

function presentInfo(row: UserSkillInfo): contract.UserSkillMetadata {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

function present(row: UserSkillRow): contract.UserSkill {
  return { ...presentInfo(row), content: row.content }
}
