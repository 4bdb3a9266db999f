import { type Static, Type } from 'typebox'

import { route } from './route.ts'

/** Whether there is a newer release (OP-113). */
export const UpdateCheckResponse = Type.Object({
  /** False when there is a newer one. */
  current: Type.Boolean(),
  /** The newest release that is known; that of the server where none is. */
  version: Type.String(),
  /** Where to read about it; may be empty. */
  url: Type.String(),
})
export type UpdateCheckResponse = Static<typeof UpdateCheckResponse>

export const checkForUpdate = route('GET /api/v2/updatecheck', {
  id: 'update-check',
  tag: 'General',
  security: 'none',
  responses: { 200: UpdateCheckResponse },
})
