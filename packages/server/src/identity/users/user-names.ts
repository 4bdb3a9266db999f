import { validationFailed } from '../../errors/index.ts'

const MAX_NAME_BYTES = 128

/**
 * Checks names beyond their form, which the contract checks (ID-4): pages of the dashboard are called `new` and
 * `create`, and a user called `me` could not be reached by name (ID-218).
 *
 * @throws ApiError 400 naming each field.
 */
export function requireGoodNames(names: { readonly username?: string; readonly name: string }): void {
  const { username, name } = names
  const reserved =
    username !== undefined && (username.toLowerCase() === 'me' || username === 'new' || username === 'create')
  const faults = [
    ...(reserved ? [{ field: 'username', detail: `${JSON.stringify(username)} is a reserved name` }] : []),
    ...(name !== name.trim() || Buffer.byteLength(name) > MAX_NAME_BYTES
      ? [{ field: 'name', detail: `must be at most ${MAX_NAME_BYTES} bytes without spaces around it` }]
      : []),
  ]
  if (faults.length > 0) throw validationFailed(faults)
}
