import { badRequest } from '../../errors/index.ts'
import { passwordWeakness } from './password.ts'

/** @throws ApiError 400 on field `password` when it is too weak or too long (ID-26). */
export function requireStrongPassword(password: string): void {
  const weakness = passwordWeakness(password)
  if (weakness === undefined) return
  throw badRequest('Password not strong enough!', { validations: [{ field: 'password', detail: weakness }] })
}
