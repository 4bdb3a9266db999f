import { badRequest, type Validation, validationFailed } from '../errors/index.ts'
import { EVERYONE } from './store/groups.ts'

const NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/
const RESERVED = new Set(['new', 'create'])

/**
 * Checks how a group is to be called; a missing name stays as it is (WS-1, WS-60).
 *
 * @throws ApiError 400 naming each refused field.
 */
export function requireGroupNames(name: string | undefined, displayName: string | undefined): void {
  const faults: Validation[] = []
  if (name !== undefined && name.toLowerCase() === EVERYONE.toLowerCase())
    throw badRequest(
      `${JSON.stringify(EVERYONE)} is a reserved keyword and cannot be used for a group name.`,
      { validations: [{ field: 'name', detail: `${JSON.stringify(name)} is a reserved group name` }] },
    )
  if (name !== undefined && (name.length > 255 || !NAME.test(name) || RESERVED.has(name.toLowerCase())))
    faults.push({
      field: 'name',
      detail:
        'must be 1 to 255 letters and digits, with single hyphens between them, and not "new" or "create"',
    })
  if (displayName !== undefined && (displayName.length > 64 || displayName !== displayName.trim()))
    faults.push({
      field: 'display_name',
      detail: 'must be at most 64 characters without spaces around them',
    })
  if (faults.length > 0) throw validationFailed(faults)
}
