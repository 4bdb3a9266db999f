import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'User Skills'

const metadata = {
  id: Uuid,
  name: Type.String(),
  description: Type.String(),
  created_at: Time,
  updated_at: Time,
}

/** A skill of a user without its text. */
export const UserSkillMetadata = Type.Object(metadata)
export type UserSkillMetadata = Static<typeof UserSkillMetadata>

/** A skill that the chats of its user may read wherever they work (CH-1303). */
export const UserSkill = Type.Object({ ...metadata, content: Type.String() })
export type UserSkill = Static<typeof UserSkill>

/** The whole text, as in a `SKILL.md`: its front matter gives name and description. */
const Content = Type.Object({ content: Type.String({ minLength: 1 }) })

export const CreateUserSkillRequest = Type.Object(Content.properties)
export type CreateUserSkillRequest = Static<typeof CreateUserSkillRequest>

/** A skill keeps its name. */
export const UpdateUserSkillRequest = Type.Object(Content.properties)
export type UpdateUserSkillRequest = Static<typeof UpdateUserSkillRequest>

export const listUserSkills = route('GET /api/experimental/users/{user}/skills', {
  id: 'list-user-skills',
  tag,
  responses: { 200: Type.Array(UserSkillMetadata) },
})

export const createUserSkill = route('POST /api/experimental/users/{user}/skills', {
  id: 'create-user-skill',
  tag,
  body: CreateUserSkillRequest,
  responses: { 201: UserSkill },
})

export const getUserSkill = route('GET /api/experimental/users/{user}/skills/{skillName}', {
  id: 'get-user-skill',
  tag,
  responses: { 200: UserSkill },
})

export const updateUserSkill = route('PATCH /api/experimental/users/{user}/skills/{skillName}', {
  id: 'update-user-skill',
  tag,
  body: UpdateUserSkillRequest,
  responses: { 200: UserSkill },
})

export const deleteUserSkill = route('DELETE /api/experimental/users/{user}/skills/{skillName}', {
  id: 'delete-user-skill',
  tag,
  responses: { 204: null },
})
