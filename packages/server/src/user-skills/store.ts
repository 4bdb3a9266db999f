import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject, sqlFilter } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { UserSkillsTable } from '../database/tables.ts'
import { badRequest, conflict, notFound, UNIQUE_DETAIL } from '../errors/index.ts'

export type UserSkillRow = Selectable<UserSkillsTable>

/** All about a skill but its text. */
export type UserSkillInfo = Omit<UserSkillRow, 'content'>

/** What a user may have (CH-1303). */
export const MAX_SKILLS = 100

const INFO = [
  'id',
  'user_id',
  'name',
  'description',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof UserSkillInfo)[]

/** What permissions speak of. */
function skillObject(userId: string, id?: string): ResourceObject {
  return { type: 'user_skill', owner: userId, id }
}

/** The skills of a user by name. @throws ApiError 403 when none of them may be read. */
export async function listSkills(actor: Actor, db: Db, userId: string): Promise<UserSkillInfo[]> {
  const rows = await db
    .selectFrom('user_skills')
    .select(INFO)
    .where('user_id', '=', userId)
    .where(
      sqlFilter(actor, 'read', 'user_skill', {
        id: sql.ref('user_skills.id'),
        owner: sql.ref('user_skills.user_id'),
      }),
    )
    .orderBy('name')
    .execute()
  if (rows.length === 0) authorize(actor, 'read', skillObject(userId))
  return rows
}

/** The user's skill of this name. @throws ApiError 404 when it is absent or may not be read. */
export async function getSkill(actor: Actor, db: Db, userId: string, name: string): Promise<UserSkillRow> {
  const row = await db
    .selectFrom('user_skills')
    .selectAll()
    .where('user_id', '=', userId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', skillObject(userId, row.id))) throw notFound()
  return row
}

/** What a skill says, and how it is found. */
export interface SkillText {
  readonly name: string
  readonly description: string
  readonly content: string
}

/**
 * Stores a new skill of a live user.
 *
 * @throws ApiError 400 for one too many, 409 for a name that is taken, 404 for a deleted user, 403.
 */
export async function insertSkill(
  actor: Actor,
  tx: Db,
  userId: string,
  skill: SkillText,
): Promise<UserSkillRow> {
  authorize(actor, 'create', skillObject(userId))
  // Whoever adds one holds the user, so that two at once are not both the last that fits.
  const user = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (user === undefined) throw notFound()
  const others = await tx.selectFrom('user_skills').select('name').where('user_id', '=', userId).execute()
  if (others.some(({ name }) => name === skill.name))
    throw conflict(`There is already a skill ${skill.name}.`, {
      validations: [{ field: 'content', detail: UNIQUE_DETAIL }],
    })
  if (others.length >= MAX_SKILLS)
    throw badRequest(`A user may have at most ${MAX_SKILLS} skills.`, {
      detail: 'Delete a skill that is not needed any more and try again.',
    })
  return tx
    .insertInto('user_skills')
    .values({ ...skill, user_id: userId })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Stores what a skill says now. @throws ApiError 404 when it may not be read, 403 without `user_skill:update`. */
export async function updateSkill(
  actor: Actor,
  tx: Db,
  userId: string,
  skill: SkillText,
): Promise<{ readonly before: UserSkillRow; readonly after: UserSkillRow }> {
  const before = await getSkill(actor, tx, userId, skill.name)
  authorize(actor, 'update', skillObject(userId, before.id))
  const after = await tx
    .updateTable('user_skills')
    .set({ description: skill.description, content: skill.content, updated_at: sql<Date>`now()` })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirst()
  if (after === undefined) throw notFound()
  return { before, after }
}

/** Removes a skill. @throws ApiError 404 when it may not be read, 403 without `user_skill:delete`. */
export async function deleteSkill(actor: Actor, db: Db, userId: string, name: string): Promise<UserSkillRow> {
  const row = await getSkill(actor, db, userId, name)
  authorize(actor, 'delete', skillObject(userId, row.id))
  await db.deleteFrom('user_skills').where('id', '=', row.id).execute()
  return row
}
