import { createHash } from 'node:crypto'

import type { UserRow } from '../identity/index.ts'

/** Stands for a password in a challenge, so that a sign-in that is under way ends when the password changes. */
export function passwordDigest(user: Pick<UserRow, 'hashed_password'>): string {
  return createHash('sha256').update(user.hashed_password).digest('base64url')
}
